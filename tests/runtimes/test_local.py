"""The runtime `local`: worker processes that die, that are denied each other's files, and whose bytes are all read."""

import hmac
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

import headwater
from headwater.connect.runtimes import SitePlace
from headwater.connectors.runtimes.local import LocalRuntime, command_of
from headwater.diagnostics import Broken, HeadwaterError, Retryable
from headwater.graph.borders import KeyNode
from headwater.spec.policies import Form
from tests.runtimes import confined, tap
from tests.runtimes.conformance import ALL, ALL_COLUMNS, EU, RANGE, US, Conformance, bordered, borderless
from tests.runtimes.worlds import World, rule, source

CODE = Path(headwater.__file__).parents[1]
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", sys.prefix, sys.base_prefix, str(CODE))


def _command(world: World, place: SitePlace) -> list[str]:
    """Start a worker behind a tap, and let it open its own directories only, where the kernel can see to that."""
    for folder in (place.home, place.root):
        Path(folder).mkdir(parents=True, exist_ok=True)
    watched = [sys.executable, tap.__file__, str(world.path / f"{place.site}.bytes"), str(world.path / "die"), "--"]
    if not confined.is_possible():
        return [*watched, *command_of(place)]
    here = [sys.executable, confined.__file__, *SYSTEM, place.root, "+", place.home, "/dev", "--"]
    return [*watched, *here, *command_of(place)]


def _opened(world: World):
    world.runtime = LocalRuntime(world.places(), launch=lambda place: _command(world, place))
    yield world
    world.runtime.close()


@pytest.fixture
def world(tmp_path):
    yield from _opened(bordered(tmp_path))


@pytest.fixture
def bare_world(tmp_path):
    yield from _opened(borderless(tmp_path))


class TestLocal(Conformance):
    """Everything that any runtime must do."""


@pytest.mark.skipif(not confined.is_possible(), reason="this kernel cannot deny a process files")
def test_no_site_can_read_the_files_of_another(world):
    world.file("us", "1.csv", US)
    other = str(world.path / "us" / "root" / "data")
    world.charter = replace(world.charter, sources=(source(path=f"{other}/*.csv"),))
    world.approve()
    assert len(world.ask(ALL, ALL_COLUMNS, "us")) == 1
    with pytest.raises(Broken) as failed:
        world.ask(ALL, ALL_COLUMNS, "eu")
    assert [each.code for each in failed.value.diagnostics] == ["HW1258"]
    assert "Permission denied" in (world.home("eu") / "log").read_text()


@pytest.mark.skipif(not confined.is_possible(), reason="this kernel cannot deny a process files")
def test_the_fixture_denies_what_it_says(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a").write_text("mine")
    (tmp_path / "b").write_text("other")
    command = [sys.executable, confined.__file__, *SYSTEM, str(tmp_path / "own"), "+", "/dev", "--", "cat"]
    assert subprocess.run([*command, str(tmp_path / "own" / "a")], check=False).returncode == 0
    assert subprocess.run([*command, str(tmp_path / "b")], check=False, capture_output=True).returncode != 0


def test_a_worker_that_dies_in_mid_answer_leaves_nothing_and_is_started_again(world):
    fragment = world.fragment(RANGE, {"h": "UBIGINT"}, reads=())
    (world.path / "die").write_text("50000000")
    to = world.path / "answer.parquet"
    with world.session() as session:
        with pytest.raises(Retryable, match="went away"):
            session.perform(fragment, {}, to)
        assert not [path for path in world.path.iterdir() if "answer" in path.name]
        assert session.perform(fragment, {}, to).rows == 13_000_000


def test_a_worker_that_was_killed_between_questions_is_started_again(world):
    world.file("eu", "1.csv", EU)
    assert len(world.ask(ALL, ALL_COLUMNS)) == 2
    killed = world.runtime.process("eu")
    os.killpg(killed, signal.SIGKILL)
    with suppress(Retryable):  # whoever asks before its end is noticed
        world.ask(ALL, ALL_COLUMNS)
    assert len(world.ask(ALL, ALL_COLUMNS)) == 2
    assert world.runtime.process("eu") != killed


def test_tokens_are_made_with_the_key_that_the_site_keeps(world):
    crm = KeyNode(name="crm", secret="${env:CRM_KEY}", holders=("eu",))  # noqa: S106 - a reference, no secret
    tokens = rule(ship=("id", "email"), form=Form(transform="hmac", on=("email",), key="crm"))
    world.charter = replace(world.charter, policies=(tokens,), keys=(crm,))
    world.approve()
    (world.home("eu") / "environment").write_text(f"CRM_KEY={'k' * 32}\n")
    world.file("eu", "1.csv", EU)
    expected = hmac.digest(b"k" * 32, b"headwater|hmac|text|crm|anna@example.org", "sha256").hex()
    rows = world.ask('SELECT id, email FROM "granted"."g1"', {"id": "BIGINT", "email": "VARCHAR"})
    assert rows[0] == ("1", expected)
    assert (b"k" * 32).hex().encode() not in (world.home("eu") / "audit.jsonl").read_bytes()


def test_workers_end_with_the_runtime(world):
    with world.session() as session:
        session.state()
    process = world.runtime.process("eu")
    world.runtime.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_worker_that_cannot_start_is_said_to_be_away(tmp_path):
    world = bordered(tmp_path)
    world.runtime = LocalRuntime(world.places(), launch=lambda _: [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(Retryable, match="went away"):
        world.ask(ALL, ALL_COLUMNS)


def test_a_home_that_cannot_be_used_is_said(world):
    (world.home("eu") / "key").write_bytes(b"short")
    with pytest.raises(Broken, match="home directory"):
        world.ask(ALL, ALL_COLUMNS)


def test_no_value_that_may_not_leave_is_in_any_byte_that_leaves(world):
    """Canaries in rejected rows, names of files, columns that are not shipped, values, and messages of the engine."""
    world.file("eu", "CANARYfile.csv", EU.replace("anna", "CANARYname").replace("bert@", "CANARYmail@"))
    world.file("eu", "bad.csv", "CANARYnumber,2024-01-01T00:10:00Z,1,x,\n5,CANARYtime,1,x,\n")
    columns = {"n": "BIGINT"}
    assert world.ask('SELECT count(*) AS n FROM "granted"."g1"', columns) == [("2",)]
    world.positions("eu")
    for query in (
        'SELECT CAST(name AS BIGINT) AS n FROM "granted"."g1"',
        'SELECT error(name) AS n FROM "granted"."g1"',
        'SELECT email AS n FROM "granted"."g1"',
        "SELECT * FROM sales",
    ):
        with pytest.raises(HeadwaterError):
            world.ask(query, columns)
    world.file("eu", "CANARYbroken.csv", "\0" * 50)
    world.charter = replace(world.charter, sources=(source(format="parquet"),))
    world.approve()
    with pytest.raises(HeadwaterError):
        world.ask(ALL, ALL_COLUMNS)
    sent = (world.path / "eu.bytes").read_bytes()
    assert len(sent) > 1000
    assert b"CANARY" not in sent
    assert "CANARY" in (world.home("eu") / "log").read_text(), "the site itself knows why"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="nothing says how much memory a process had")
def test_a_worker_holds_no_answer_in_memory(world):
    world.runtime = LocalRuntime(world.places())
    try:
        world.ask(RANGE.replace("13000000", "1300000"), {"h": "UBIGINT"}, reads=())
        before = _most_bytes(world.runtime.process("eu"))
        world.perform(world.fragment(f"SELECT count(*) AS n FROM ({RANGE})", {"n": "BIGINT"}, reads=()))
        with world.session() as session:
            fragment = world.fragment(RANGE, {"h": "UBIGINT"}, reads=(), to=("eu",))
            sent = session.perform(fragment, {}, world.path / "large")
        assert sent.bytes > 100_000_000
        assert _most_bytes(world.runtime.process("eu")) - before < 100_000_000
    finally:
        world.runtime.close()


def _most_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_nobody_of_whom_aggregates_are_made_is_in_a_byte_that_leaves(world):
    form = Form(aggregates=("count",), by={"name": "name"}, unit="email", min_group=2)
    world.charter = replace(world.charter, policies=(rule(ship=("price",), form=form),))
    world.approve()
    rows = "".join(f"{each},2024-01-01T02:50:00Z,1.00,anna,canary-{each}@example.org\n" for each in range(3))
    world.file("eu", "1.csv", rows)
    assert world.ask('SELECT name FROM "granted"."g1"', {"name": "VARCHAR"}) == [("anna",)]
    sent = (world.path / "eu.bytes").read_bytes()
    assert sent
    assert b"canary" not in sent
