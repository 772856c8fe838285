"""What an operator relies on: a private home, one key for good, approvals, and an audit chain that shows every change."""

import stat
from datetime import UTC, datetime

import pytest

from headwater.app.site import auditing
from headwater.app.site.approving import admitted, approve, approved, withdraw
from headwater.app.site.homes import open_home, read_environment
from headwater.diagnostics import Broken, Invalid
from headwater.policy.charters import digest, encode
from tests.runtimes.worlds import CHARTER

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return open_home(tmp_path / "home")


def test_nobody_else_can_read_a_home(home):
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((home.path / "key").stat().st_mode) == 0o600


def test_a_key_is_made_once(home):
    assert len(home.key) == 32
    assert open_home(home.path).key == home.key
    assert str(home.key) not in repr(home)


def test_an_approval_says_who_and_when(home):
    approve(home.path, encode(CHARTER), "ada", NOON)
    (found,) = approved(home.path)
    assert (found.charter, found.by, found.at, found.bordered) == (digest(CHARTER), "ada", NOON.isoformat(), True)
    assert admitted(home, digest(CHARTER)) == CHARTER


def test_what_is_withdrawn_is_not_admitted(home):
    approve(home.path, encode(CHARTER), "ada", NOON)
    withdraw(home.path, digest(CHARTER), "ada", NOON)
    assert approved(home.path) == ()
    assert admitted(home, digest(CHARTER)) is None
    assert [entry.kind for entry in auditing.entries(home)] == ["approved", "withdrawn"]
    with pytest.raises(Invalid, match="approved"):
        withdraw(home.path, digest(CHARTER), "ada", NOON)


def test_a_charter_that_was_changed_at_the_site_is_not_admitted(home):
    approve(home.path, encode(CHARTER), "ada", NOON)
    kept = home.approved / digest(CHARTER)
    kept.write_bytes(kept.read_bytes().replace(b"price", b"email"))
    assert admitted(home, digest(CHARTER)) is None


def test_what_is_no_charter_cannot_be_approved(home):
    with pytest.raises(Invalid, match="no charter"):
        approve(home.path, b"{", "ada", NOON)


@pytest.mark.parametrize(
    ("change", "holding"),
    [
        (lambda text: text.replace(b'"n\\":1}', b'"n\\":7}'), 1),
        (lambda text: b"".join(text.splitlines(keepends=True)[::2]), 1),
        (lambda text: b"".join(text.splitlines(keepends=True)[:-1]), 2),
        (lambda text: b"".join(text.splitlines(keepends=True)[1:]), 0),
    ],
    ids=["changed", "taken out", "cut off", "beheaded"],
)
def test_a_change_of_the_chain_is_seen(home, change, holding):
    for number in range(3):
        auditing.append(home, "sent", {"n": number}, NOON)
    assert auditing.verify(home) == (3, None)
    home.chain.write_bytes(change(home.chain.read_bytes()))
    assert auditing.verify(home) == (holding, holding + 1)


def test_a_chain_that_lost_its_end_takes_no_more_entries(home):
    auditing.append(home, "sent", {}, NOON)
    home.chain.write_bytes(b"")
    with pytest.raises(Broken, match="audit chain"):
        auditing.append(home, "sent", {}, NOON)


def test_half_a_line_that_a_crash_has_left_counts_for_nothing(home):
    auditing.append(home, "sent", {"n": 0}, NOON)
    with home.chain.open("ab") as file:
        file.write(b'[2,"half')
    auditing.append(home, "sent", {"n": 1}, NOON)
    assert auditing.verify(home) == (2, None)


def test_a_site_has_secrets_of_its_own(tmp_path):
    path = tmp_path / "environment"
    path.write_text("# of the shop\nCRM_KEY = abc=def\n\nnonsense\n")
    assert read_environment(path) == {"CRM_KEY": "abc=def"}
    assert read_environment(tmp_path / "none") == {}
