"""Small files become few, and nobody who reads can tell: not now, not after a rollback, not from another environment."""

import os
import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.compacting import compact_all
from headwater.app.doctor import doctor
from headwater.app.history import history
from headwater.app.janitor import janitor
from headwater.diagnostics import Conflict
from headwater.events import Packed
from headwater.run.packs.reading import own_select
from headwater.run.packs.writing import write_pack
from headwater.spec.fills import PackTime
from headwater.state.audit import verify
from headwater.state.compactions import loose_fills
from tests.harness import NOON, Project
from tests.oracle.processes import start

FIRST = datetime(2024, 1, 1)
HOUR = timedelta(hours=1)
TIME = PackTime(column="ts", type="TIMESTAMP", timezone="UTC", every="1h")
COLUMNS = {"ts": "timestamp", "k": "integer", "v": "double"}


def hourly(project: Project, *, hours: int = 30, compact: str | None = None, **header) -> Project:
    """A table of hours, each filled by a query of its own (the LIMIT forbids one for all), and a total above it."""
    project.settings(**({"compact": {"after": 0}} if compact is None else {"compact": compact}))
    project.source(
        "events",
        COLUMNS,
        [(FIRST + i * HOUR / 2, i % 3, i / 4) for i in range(2 * hours)],
        time="ts",
        start="2024-01-01",
    )
    project.now = NOON.replace(day=1, hour=0) + timedelta(hours=hours, minutes=10)
    project.model(
        "hours", "SELECT ts, k, v FROM events LIMIT 1000", kind="incremental", time="ts", every="1h", **header
    )
    project.model("total", "SELECT k, count(*) AS n, sum(v) AS v FROM hours GROUP BY k")
    return project


def files(project: Project, node: str = "hours") -> Counter:
    """How many files of each kind the lake holds of a node."""
    return Counter(path.suffix for path in (project.root / ".headwater/lake/main" / node).rglob("*") if path.is_file())


def late(project: Project, name: str, hour: float, v: float = 100.0) -> None:
    project.file("events", f"{name}.csv", list(COLUMNS), [(FIRST + hour * HOUR, 7, v)])


def pack(project: Project, **limits) -> None:
    """Pack whatever lies in two small files or more."""
    project.settings(compact={"after": 2, "to": "128MB", **limits})
    compact_all(project.workspace)
    project.settings(compact={"after": 0})


def everything_old(project: Project) -> None:
    at = (project.now - timedelta(days=2)).timestamp()
    for path in (project.root / ".headwater/lake").rglob("*"):
        os.utime(path, (at, at))


def test_what_is_served_is_the_same_before_and_after(project):
    hourly(project).apply()
    before = project.table("hours"), project.head().nodes["hours"]
    pack(project)
    assert (project.table("hours"), project.head().nodes["hours"]) == before
    assert files(project)[".pack"] == 1


def test_nothing_is_due_because_rows_lie_elsewhere(project):
    hourly(project).apply()
    pack(project)
    assert project.due() == {}
    late(project, "late", 3.25)
    assert project.plan().computed == {"hours": ["2024-01-01T03:00:00Z"], "total": ["all"]}


def test_a_run_packs_by_itself(project):
    hourly(project, compact={"after": 10}).apply()
    assert [(e.node, e.slots, e.packs) for e in project.events if isinstance(e, Packed)] == [("hours", 30, 1)]


def test_history_shows_it_and_the_audit_chain_holds(project):
    hourly(project, compact={"after": 10}).apply()
    shown = [
        (each.release.kind, each.release.nodes, each.release.message) for each in history(project.workspace, "dev")
    ]
    assert shown[0] == ("compact", ("hours",), "30 slots in 60 files lie in 1 pack now")
    assert verify(project.workspace.db)[1] is None


def test_a_rollback_goes_to_the_release_before_not_to_the_compaction(project):
    hourly(project, compact={"after": 10}).apply()
    before = project.table("hours")
    late(project, "late", 3.25)
    project.run()
    pack(project)
    project.rollback(data=True)
    assert project.table("hours") == before


def test_slots_that_have_not_ended_are_left_alone(project):
    hourly(project).apply()
    pack(project)
    kept = files(project)
    assert (kept[".pack"], project.head().nodes["hours"].slots) == (1, 31)
    assert project.workspace.db is not None
    packed = [e.slots for e in project.events if isinstance(e, Packed)]
    assert packed == [30]


def test_slots_restated_since_are_read_from_where_they_are(project):
    hourly(project).apply()
    pack(project)
    for hour in (3, 4, 11):
        late(project, f"late{hour}", hour + 0.25, v=float(hour))
    project.run()
    assert project.query("SELECT n, v FROM total WHERE k = 7") == [(3, 18.0)]
    assert project.query("SELECT count(*) FROM hours") == [(63,)]
    assert project.query(f"SELECT count(*) FROM hours WHERE ts < TIMESTAMP '{FIRST + 4 * HOUR}'") == [(9,)]


def test_who_reads_some_slots_of_a_pack_sees_only_those(project):
    hourly(project)
    project.model(
        "days",
        "SELECT date_trunc('day', ts) AS ts, count(*) AS n FROM hours GROUP BY 1",
        kind="incremental",
        time="ts",
        every="1d",
    )
    project.model(
        "moving",
        "SELECT $start AS ts, count(*) AS n FROM hours",
        kind="incremental",
        time="ts",
        every="1h",
        reads={"hours": {"before": "2h"}},
    )
    project.apply()
    pack(project)
    expected = project.table("days"), project.table("moving")
    project.model(
        "days",
        "SELECT date_trunc('day', ts) AS ts, count(*) + 0 AS n FROM hours GROUP BY 1",
        kind="incremental",
        time="ts",
        every="1d",
    )
    project.model(
        "moving",
        "SELECT $start AS ts, count(*) + 0 AS n FROM hours",
        kind="incremental",
        time="ts",
        every="1h",
        reads={"hours": {"before": "2h"}},
    )
    project.apply()
    assert (project.table("days"), project.table("moving")) == expected


def test_an_environment_that_takes_the_fills_reads_them_from_the_pack(project):
    hourly(project).apply()
    pack(project)
    project.events.clear()
    project.apply("prod")
    assert (project.computed(), project.table("hours", "prod")) == ({}, project.table("hours"))


def test_rows_that_a_check_set_aside_are_still_shown(project):
    hourly(project, checks=[{"accepted_range": {"column": "v", "max": 10, "on_fail": "quarantine"}}]).apply()
    before = project.table("hours")
    pack(project)
    project.later(days=2)
    janitor(project.workspace)
    from headwater.app.quarantine import show_rejects

    assert project.table("hours") == before
    assert len(show_rejects(project.workspace, "dev", "hours", 100)) == 19


def test_files_of_their_own_go_when_nobody_can_still_be_reading_them(project):
    hourly(project).apply()
    pack(project)
    assert files(project)[".parquet"] > 30
    janitor(project.workspace)
    assert files(project)[".parquet"] > 30
    project.later(days=2)
    janitor(project.workspace)
    assert files(project) == {".pack": 1, ".parquet": 1, ".json": 1}


def test_packs_are_packed_again_and_go_when_they_are_empty(project):
    hourly(project).apply()
    pack(project, to="1kB")
    assert files(project)[".pack"] > 2
    before = project.table("hours")
    pack(project)
    pack(project)
    project.later(days=2)
    janitor(project.workspace)
    assert (files(project)[".pack"], project.table("hours")) == (1, before)


def test_what_no_release_needs_leaves_a_pack_in_place_for_the_rest(project):
    hourly(project, hours=8).apply()
    pack(project)
    late(project, "late", 3.25)
    project.run()
    before = project.table("hours")
    project.settings(keep="1d").later(days=5)
    everything_old(project)
    assert janitor(project.workspace).fills > 0
    assert project.table("hours") == before


def test_a_lost_state_finds_packed_rows_again(project):
    hourly(project).apply()
    pack(project)
    before = project.table("hours")
    project.reopen()
    (project.root / ".headwater/state.db").unlink()
    assert doctor(project.root, repair=True).is_healthy
    assert (project.table("hours"), project.due()) == (before, {})
    project.later(days=2)
    janitor(project.workspace)
    assert (files(project)[".json"], project.table("hours")) == (1, before)


def test_a_damaged_pack_is_found_and_its_slots_are_filled_again(project):
    hourly(project, hours=5).apply()
    before = project.table("hours")
    pack(project)
    project.later(days=2)
    janitor(project.workspace)
    project.reopen()
    [packed] = (project.root / ".headwater/lake/main/hours").rglob("*-pack.parquet")
    packed.write_bytes(packed.read_bytes()[:-9] + b"x" * 9)
    assert {each.code for each in doctor(project.root).findings} == {"HW0655"}
    assert doctor(project.root, repair=True).is_healthy
    project.run()
    assert project.table("hours")[: len(before)] == before


def test_a_lost_manifest_of_a_pack_is_written_again(project):
    hourly(project).apply()
    pack(project)
    [manifest] = (project.root / ".headwater/lake/main/hours").rglob("*.pack")
    manifest.unlink()
    assert doctor(project.root, repair=True).is_healthy
    assert manifest.exists()


def test_many_slots_of_one_query_lie_in_one_file_from_the_beginning(project):
    hourly(project)
    project.model("hours", "SELECT ts, k, v FROM events", kind="incremental", time="ts", every="1h")
    project.apply()
    assert files(project) == {".pack": 1, ".parquet": 1}
    assert project.query("SELECT count(*) FROM hours") == [(60,)]


def test_the_hour_that_the_clock_repeats_is_packed_like_any_other(project):
    rows = [(datetime(2024, 10, 27) + i * HOUR / 2, i, 1.0) for i in range(12)]
    project.settings(timezone="Europe/Berlin", compact={"after": 0})
    project.source("events", COLUMNS, rows, time="ts", start="2024-10-27", timezone="Europe/Berlin")
    project.now = NOON.replace(month=10, day=28)
    project.model("hours", "SELECT ts, k, v FROM events LIMIT 1000", kind="incremental", time="ts", every="1h")
    project.apply()
    before = project.table("hours")
    pack(project)
    assert (project.table("hours"), len(before), files(project)[".pack"]) == (before, 12, 1)


@pytest.mark.parametrize(
    ("compact", "code"),
    [({"after": 1}, "HW0593"), ({"to": "0MB"}, "HW0593"), ({"after": "many"}, "HW0110"), ({"every": 3}, "HW0109")],
)
def test_a_limit_that_means_nothing_is_a_mistake(project, compact, code):
    project.settings(compact=compact)
    assert [each.split()[0] for each in project.mistakes] == [code]


# Processes

MOMENTS = 12


def test_packing_killed_at_any_moment_leaves_the_rows_as_they_are(project):
    hourly(project, hours=20).apply()
    project.settings(compact={"after": 2, "to": "1kB"})
    before, chance = project.table("hours"), random.Random(3)
    for _ in range(MOMENTS):
        process = start(project.root, project.now, "pack", "dev")
        process.join(chance.uniform(0, 0.9))
        process.kill()
        process.join()
        project.later(minutes=1)
        assert project.table("hours") == before
    assert doctor(project.root).is_healthy
    compact_all(project.workspace)
    assert project.table("hours") == before


def test_what_killed_processes_left_goes_when_it_is_old(project):
    hourly(project, hours=20).apply()
    before = project.table("hours")
    fills = loose_fills(project.workspace.db, "dev", "hours", 1)
    with project.workspace.engine.session() as session:
        token, store = "killed", project.workspace.store
        store.seal_all(
            write_pack(session, store, own_select(store, fills), fills, [f.rows for f in fills], TIME, token)
        )
    project.later(days=2)
    everything_old(project)
    janitor(project.workspace)
    assert (files(project)[".pack"], project.table("hours")) == (0, before)


def test_two_at_once_one_wins(project):
    hourly(project, hours=40).apply()
    project.settings(compact={"after": 2, "to": "1kB"})
    before = project.table("hours")
    processes = [start(project.root, project.now, "pack", "dev") for _ in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (project.table("hours"), doctor(project.root).is_healthy) == (before, True)
    compact_all(project.workspace)
    packed = [each.release.message for each in history(project.workspace, "dev") if each.release.kind == "compact"]
    assert packed[-1].startswith("40 slots")


# Random histories

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("late"), st.integers(0, 30)),
        st.tuples(st.just("later"), st.integers(1, 30)),
        st.tuples(st.just("change"), st.integers(0, 2)),
        st.tuples(st.just("promote"), st.just(0)),
        st.tuples(st.just("rollback"), st.booleans()),
        st.tuples(st.just("pack"), st.sampled_from(["1kB", "4kB", "128MB"])),
        st.tuples(st.just("clean"), st.just(0)),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=8)
@given(steps=STEPS)
def test_no_history_of_compactions_changes_what_is_served(steps, tmp_path_factory):
    project = hourly(Project(tmp_path_factory.mktemp("p")), hours=12)
    project.settings(keep="1d")
    project.apply()
    project.apply("prod")
    for number, (step, value) in enumerate([*steps, ("pack", "128MB"), ("clean", 0)]):
        if step == "late":
            late(project, f"late{number}", value + 0.1)
            project.run()
        elif step == "later":
            project.later(hours=value).run()
        elif step == "change":
            project.model(
                "hours",
                f"SELECT ts, k, v + {value} AS v FROM events LIMIT 1000",
                kind="incremental",
                time="ts",
                every="1h",
            )
            project.apply()
        elif step == "promote":
            project.apply("prod")
        elif step == "rollback":
            with suppress(Conflict):  # nothing older to go back to
                project.rollback(data=value)
        elif step in {"pack", "clean"}:
            before = [project.table(node, env) for node in ("hours", "total") for env in ("dev", "prod")]
            everything_old(project)
            pack(project, to=value) if step == "pack" else janitor(project.workspace)
            assert [project.table(node, env) for node in ("hours", "total") for env in ("dev", "prod")] == before
    assert doctor(project.root).is_healthy
    project.run(release_holds=True)
    assert project.due() == {}
    served = Counter((ts, k) for ts, k, _ in project.table("hours"))
    project.workspace.db.close()
    project.reopen()
    assert served == Counter((ts, k) for ts, k, _ in plain(project))
    project.reopen()


def plain(project: Project) -> list[tuple]:
    """All rows of the files that are in a wanted hour, read without Headwater's tables."""
    import csv

    rows = []
    for path in sorted((project.root / "data/events").glob("*.csv")):
        with path.open() as file:
            for ts, k, v in list(csv.reader(file))[1:]:
                rows.append((datetime.fromisoformat(ts), int(k), float(v)))
    end = project.now.replace(tzinfo=None, minute=0, second=0, microsecond=0) + HOUR
    return [row for row in rows if row[0] < end]
