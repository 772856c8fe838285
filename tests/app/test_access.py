"""Tokens of the API: made once, recognised by their hash, gone when they expire or are revoked."""

import pytest

from headwater.app.access import local_token, make, may, recognise, revoke, tokens
from headwater.diagnostics import Conflict, Invalid
from headwater.state.audit import audit_entries


def role_of(project, secret):
    found = recognise(project.workspace, secret)
    return found and found.role


def test_a_token_is_recognised_with_its_role(project):
    made = make(project.workspace, "ci", "operator")
    assert role_of(project, made.secret) == "operator"


def test_two_tokens_never_have_the_same_secret(project):
    one, other = make(project.workspace, "a", "viewer"), make(project.workspace, "b", "viewer")
    assert one.secret.rpartition("_")[2] != other.secret.rpartition("_")[2]


def test_the_state_does_not_hold_a_secret(project):
    secret = make(project.workspace, "ci", "admin").secret.rpartition("_")[2]
    project.reopen()
    kept = b"".join(path.read_bytes() for path in (project.root / ".headwater").rglob("*") if path.is_file())
    assert secret.encode() not in kept


@pytest.mark.parametrize(
    "change", [str.upper, lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"), lambda s: s + "0", lambda _: ""]
)
def test_a_secret_that_is_not_quite_right_is_nobodys(project, change):
    assert role_of(project, change(make(project.workspace, "ci", "admin").secret)) is None


def test_another_tokens_secret_is_nobodys(project):
    one, other = make(project.workspace, "a", "admin"), make(project.workspace, "b", "viewer")
    mixed = f"hw_{one.token.id}_{other.secret.rpartition('_')[2]}"
    assert role_of(project, mixed) is None


def test_a_token_expires(project):
    made = make(project.workspace, "ci", "viewer", lasts_s=60)
    project.later(seconds=59)
    assert role_of(project, made.secret) == "viewer"
    project.later(seconds=1)
    assert role_of(project, made.secret) is None


def test_a_revoked_token_opens_nothing(project):
    made = make(project.workspace, "ci", "viewer")
    revoke(project.workspace, "ci")
    assert role_of(project, made.secret) is None


def test_a_name_is_free_again_once_its_token_is_revoked(project):
    make(project.workspace, "ci", "viewer")
    with pytest.raises(Conflict, match="there is a token `ci` already"):
        make(project.workspace, "ci", "viewer")
    revoke(project.workspace, "ci")
    make(project.workspace, "ci", "admin")
    assert [(each.name, each.role) for each in tokens(project.workspace.db)] == [("ci", "viewer"), ("ci", "admin")]


def test_revoking_what_is_not_there_names_what_was_meant(project):
    make(project.workspace, "grafana", "viewer")
    with pytest.raises(Invalid) as caught:
        revoke(project.workspace, "grafanna")
    assert caught.value.diagnostics[0].hint == "did you mean `grafana`?"


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 101, "a\n", "né"])
def test_a_token_has_a_name_that_can_be_typed(project, name):
    with pytest.raises(Invalid, match="a token cannot have the name"):
        make(project.workspace, name, "viewer")


@pytest.mark.parametrize("lasts_s", [0, -1, 1e9, 1e300])
def test_a_token_lasts_for_a_time_that_can_be(project, lasts_s):
    with pytest.raises(Invalid, match="ten years at most"):
        make(project.workspace, "ci", "viewer", lasts_s=lasts_s)


def test_what_is_done_with_tokens_is_in_the_audit_chain(project):
    make(project.workspace, "ci", "operator", by="ada")
    revoke(project.workspace, "ci", by="bob")
    said = [(e.kind, e.document["name"], e.document["by"]) for e in audit_entries(project.workspace.db)]
    assert said == [("token created", "ci", "ada"), ("token revoked", "ci", "bob")]


def test_roles_hold_all_that_the_smaller_ones_may():
    roles = ("viewer", "operator", "admin")
    allowed = [(role, needed) for role in roles for needed in roles if may(role, needed)]
    assert allowed == [
        ("viewer", "viewer"), ("operator", "viewer"), ("operator", "operator"),
        ("admin", "viewer"), ("admin", "operator"), ("admin", "admin"),
    ]  # fmt: skip


def test_the_local_token_is_the_owners_alone(project):
    secret = local_token(project.workspace)
    path = project.root / ".headwater" / "token"
    assert (path.read_text().strip(), path.stat().st_mode & 0o777) == (secret, 0o600)
    assert role_of(project, secret) == "admin"


def test_the_local_token_stays_while_it_is_good(project):
    assert local_token(project.workspace) == local_token(project.workspace)


def test_a_local_token_that_was_lost_is_replaced_and_good_no_more(project):
    lost = local_token(project.workspace)
    (project.root / ".headwater" / "token").unlink()
    assert role_of(project, local_token(project.workspace)) == "admin"
    assert role_of(project, lost) is None
