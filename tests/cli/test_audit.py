"""`headwater audit`: entries in words, chains that hold and agree, exports and signed checkpoints."""

import hashlib
import json
import shutil
import sqlite3

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SEED = "5e" * 32


@pytest.fixture
def copied(crossed, tmp_path):
    """The applied project over three jurisdictions, for a test that damages it."""
    shutil.copytree(crossed.root, tmp_path / "web")
    return type(crossed)(tmp_path / "web")


@pytest.fixture
def signing(copied, monkeypatch):
    monkeypatch.setenv("AUDIT_KEY", SEED)
    copied.edit("headwater.yaml", "project: web\n", 'project: web\naudit: {secret: "${env:AUDIT_KEY}"}\n')
    return copied


def codes(said):
    return [each["code"] for each in said.document["diagnostics"]]


def of_hub(run, statement, *values):
    with sqlite3.connect(run.root / ".headwater/state.db") as db:
        db.execute(statement, values)
    db.close()


def chain(run, site):
    return run.root / ".headwater/sites" / site / "audit.jsonl"


def exchanges(run):
    return run("audit", "--kind", "exchange", "--json").document


# What is there


def test_each_crossing_is_an_entry(crossed):
    found = exchanges(crossed)
    assert {each["details"]["from"] for each in found} == {"eu", "uk"}
    assert crossed("audit").out.count("exchange") >= 2


def test_an_entry_is_a_certificate_in_words(crossed):
    said = crossed("audit", "show", exchanges(crossed)[0]["sequence"]).out
    assert "sent x1" in said
    assert "by traffic (policies.yaml:2): ship path, bytes of visits from eu, uk to us" in said
    assert "the rules as they are now" in said
    assert "path    VARCHAR" in said


def test_predicates_hold_no_literals(crossed):
    said = crossed("audit", "show", exchanges(crossed)[0]["sequence"])
    assert "(granted.g1.path <> ?)" in said.out
    assert "/hidden" not in said.out


def test_an_entry_is_a_document(crossed):
    found = crossed("audit", "show", exchanges(crossed)[0]["sequence"], "--json").document
    assert [(each["name"], each["file"], each["line"]) for each in found["rules"]] == [("traffic", "policies.yaml", 2)]
    assert found["current_rules"] is True
    assert (found["details"]["keys"], found["details"]["rows"]) == (0, 2 if found["details"]["from"] == "eu" else 1)


def test_other_entries_are_shown_too(crossed):
    said = crossed("audit", "show", crossed("audit", "--kind", "release", "--json").document[0]["sequence"]).out
    assert "kind apply" in said


def test_a_site_keeps_a_chain_of_its_own(crossed):
    assert "approved" in crossed("audit", "show", 1, "--site", "eu").out
    assert "eu sent x1 to hub" in crossed("audit", "show", 2, "--site", "eu").out


def test_an_entry_says_when_its_rules_have_changed(copied):
    copied.edit("policies.yaml", "ship: [path, bytes]", "ship: [path]")
    said = copied("audit", "show", exchanges(copied)[0]["sequence"])
    assert "other rules than now" in said.out


def test_an_entry_is_shown_even_if_the_files_cannot_be_read(copied):
    copied.write("policies.yaml", "policies: [")
    said = copied("audit", "show", exchanges(copied)[0]["sequence"])
    assert (said.code, "by traffic: it is gone" in said.out) == (0, True)


@pytest.mark.parametrize(
    "arguments", [["show", "999"], ["show", "999", "--site", "eu"], ["show", "1", "--site", "mars"]]
)
def test_what_is_not_there_is_said(crossed, arguments):
    said = crossed("audit", *arguments, "--json")
    assert (said.code, codes(said)) == (1, ["HW1285"])


# Whether it holds


def test_chains_that_hold_and_agree(crossed):
    found = crossed("audit", "verify", "--json")
    assert (found.code, found.document["holds"]) == (0, True)
    assert {(each["site"], each["matched"], each["unknown"]) for each in found.document["exchanges"]} == {
        ("eu", 1, 0),
        ("uk", 1, 0),
    }


def test_an_entry_of_the_hub_that_was_changed_is_named(copied):
    first = min(each["sequence"] for each in exchanges(copied))
    of_hub(copied, "UPDATE audit SET document = replace(document, '\"rows\":', '\"rows\":1') WHERE seq = ?", first)
    said = copied("audit", "verify")
    assert said.code == 6
    assert f"changed at entry {first}" in said.out


def test_an_entry_that_is_no_document_any_more_breaks_nothing_but_the_chain(copied):
    of_hub(copied, "UPDATE audit SET document = '{' WHERE seq = 1")
    said = copied("audit", "verify", "--json")
    assert (said.code, codes(said)[0]) == (6, "HW1280")


def test_an_entry_of_a_site_that_was_changed_is_named(copied):
    path = chain(copied, "eu")
    path.write_text(path.read_text().replace("approved", "approvde", 1))
    said = copied("audit", "verify", "--json")
    assert said.code == 6
    assert {each["site"]: each["broken"] for each in said.document["chains"]} == {"hub": None, "eu": 1, "uk": None}


def test_an_exchange_that_its_site_has_not_noted_is_named(copied):
    """The chain of the site was begun anew, without what it sent: by itself it holds."""
    chain(copied, "uk").unlink()
    (copied.root / ".headwater/sites/uk/audit.head").unlink()
    (theirs,) = (each["sequence"] for each in exchanges(copied) if each["details"]["from"] == "uk")
    said = copied("audit", "verify", "--json")
    assert (said.code, codes(said)) == (6, ["HW1281"])
    assert [each["missing"] for each in said.document["exchanges"]] == [[], [theirs]]


def rewritten(run, change):
    """Change the hub's exchange with uk, and all hashes after it, as somebody with the database could."""
    with sqlite3.connect(run.root / ".headwater/state.db") as db:
        previous = "0" * 64
        for seq, at, kind, text, _, _ in db.execute("SELECT * FROM audit ORDER BY seq").fetchall():
            said = json.loads(text)
            if said.get("from") == "uk":
                said |= change
            new = json.dumps(said, sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(json.dumps([seq, at, kind, new, previous], separators=(",", ":")).encode())
            db.execute(
                "UPDATE audit SET document = ?, previous = ?, hash = ? WHERE seq = ?",
                (new, previous, digest.hexdigest(), seq),
            )
            previous = digest.hexdigest()
    db.close()


@pytest.mark.parametrize(
    "change", [{"rows": 7}, {"fragment": "0" * 32}, {"charter": "0" * 32}, {"run": "x"}, {"exchange": "x9"}]
)
def test_a_chain_that_was_rewritten_whole_no_longer_agrees_with_the_site(copied, change):
    rewritten(copied, change)
    said = copied("audit", "verify", "--json")
    assert (said.code, codes(said)) == (6, ["HW1281"])
    assert said.document["chains"][0]["broken"] is None


def test_what_a_site_sent_and_the_hub_lacks_is_counted(copied):
    of_hub(copied, "DELETE FROM audit")
    of_hub(copied, "UPDATE counters SET value = 0 WHERE name = 'audit'")
    said = copied("audit", "verify", "--json")
    assert [each["unknown"] for each in said.document["exchanges"]] == [1, 1]


def test_a_chain_that_is_elsewhere_is_not_compared(copied):
    shutil.rmtree(copied.root / ".headwater/sites/uk")
    said = copied("audit", "verify")
    assert said.code == 0
    assert "uk: its chain is not on this machine" in said.out


def test_a_project_without_sites_has_one_chain(applied):
    said = applied("audit", "verify", "--json")
    assert [each["site"] for each in said.document["chains"]] == ["hub"]


# What others can check


@pytest.mark.parametrize("site", ["hub", "eu"])
def test_an_export_can_be_checked_with_sha256_alone(crossed, tmp_path, site):
    assert crossed("audit", "export", tmp_path / "audit.jsonl", "--site", site).code == 0
    previous, count = "0" * 64, 0
    for line in (tmp_path / "audit.jsonl").read_text().splitlines():
        entry = json.loads(line)
        assert hashlib.sha256(entry["hashed"].encode()).hexdigest() == entry["hash"]
        number, _, _, _, before = json.loads(entry["hashed"])
        assert (number, before) == (count + 1, previous)
        previous, count = entry["hash"], number
    assert count >= 2


def test_a_checkpoint_can_be_checked_without_the_secret(signing, tmp_path):
    said = signing("audit", "checkpoint", tmp_path / "c.json", "--json")
    made = json.loads((tmp_path / "c.json").read_text())
    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED)).public_key().public_bytes_raw().hex()
    assert made["public_key"] == said.document["public_key"] == public
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made["public_key"]))
    key.verify(bytes.fromhex(made["signature"]), made["signed"].encode())
    assert set(json.loads(made["signed"])["chains"]) == {"hub", "eu", "uk"}


def test_the_private_key_is_never_shown(signing, tmp_path):
    said = signing("audit", "checkpoint", tmp_path / "c.json").everything + signing("audit", "checkpoint").everything
    assert SEED not in said
    assert SEED not in (tmp_path / "c.json").read_text()
    files = (path for path in (signing.root / ".headwater").rglob("*") if path.is_file())
    assert not any(SEED.encode() in path.read_bytes() for path in files)


def test_a_key_may_be_pem(signing, monkeypatch):
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("AUDIT_KEY", pem)
    assert json.loads(signing("audit", "checkpoint").out)["public_key"] == key.public_key().public_bytes_raw().hex()


def test_what_was_signed_holds_while_entries_are_added(signing, tmp_path):
    signing("audit", "checkpoint", tmp_path / "c.json")
    signing.write("models/most.sql", "SELECT max(bytes) AS most FROM visits WHERE path <> '/hidden'\n")
    assert signing("apply").code == 0
    said = signing("audit", "verify", "--checkpoint", tmp_path / "c.json")
    assert (said.code, "holds" in said.out) == (0, True)


def test_a_chain_that_was_rewritten_does_not_hold(signing, tmp_path):
    signing("audit", "checkpoint", tmp_path / "c.json")
    rewritten(signing, {"node": "another"})
    assert signing("audit", "verify").code == 0
    said = signing("audit", "verify", "--checkpoint", tmp_path / "c.json", "--json")
    assert (said.code, codes(said)) == (6, ["HW1282"])


@pytest.mark.parametrize("site", ["hub", "uk"])
def test_a_chain_that_was_cut_off_does_not_hold(signing, tmp_path, site):
    signing("audit", "checkpoint", tmp_path / "c.json")
    if site == "hub":
        of_hub(signing, "DELETE FROM audit WHERE seq > 1")
        of_hub(signing, "UPDATE counters SET value = 1 WHERE name = 'audit'")
    else:
        shutil.rmtree(signing.root / ".headwater/sites/uk")
    said = signing("audit", "verify", "--checkpoint", tmp_path / "c.json", "--json")
    assert said.code == 6
    assert "HW1282" in codes(said)


def test_nobody_vouches_for_a_chain_that_is_broken(signing, tmp_path):
    of_hub(signing, "UPDATE audit SET kind = 'x' WHERE seq = 1")
    said = signing("audit", "checkpoint", tmp_path / "c.json", "--json")
    assert (said.code, codes(said)) == (5, ["HW1280"])
    assert not (tmp_path / "c.json").exists()


def test_a_checkpoint_that_was_changed_is_not_trusted(signing, tmp_path):
    signing("audit", "checkpoint", tmp_path / "c.json")
    path = tmp_path / "c.json"
    path.write_text(path.read_text().replace('\\"entries\\":', '\\"entries\\":1', 1))
    said = signing("audit", "verify", "--checkpoint", path, "--json")
    assert (said.code, codes(said)) == (1, ["HW1283"])


def test_a_checkpoint_of_another_key_is_not_trusted(signing, tmp_path):
    signing("audit", "checkpoint", tmp_path / "c.json")
    said = signing("audit", "verify", "--checkpoint", tmp_path / "c.json", "--public-key", "ab" * 32, "--json")
    assert (said.code, codes(said)) == (1, ["HW1283"])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"signed": "1"}', "\x00", "[" * 3000])
def test_a_file_that_is_no_checkpoint_is_said(crossed, tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    said = crossed("audit", "verify", "--checkpoint", tmp_path / "c.json", "--json")
    assert (said.code, codes(said)) == (1, ["HW1283"])


@pytest.mark.parametrize("key", ["", "5e5e", "not a key", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"])
def test_a_key_that_cannot_sign_is_said_and_not_shown(signing, monkeypatch, key):
    monkeypatch.setenv("AUDIT_KEY", key)
    said = signing("audit", "checkpoint", "--json")
    assert (said.code, codes(said)) == (1, ["HW1284"])
    assert not key or key not in said.everything


def test_without_a_key_nothing_is_signed(crossed):
    assert codes(crossed("audit", "checkpoint", "--json")) == ["HW1284"]


def test_a_key_in_the_file_is_a_mistake_and_not_shown(apart):
    apart.edit("headwater.yaml", "project: web\n", f"project: web\naudit: {{secret: {SEED}}}\n")
    said = apart("check")
    assert (said.code, "HW1284" in said.everything, SEED in said.everything) == (1, True, False)
