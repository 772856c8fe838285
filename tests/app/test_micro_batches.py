"""Slots of seconds: a new file moves the slots that it has rows for, not the whole hour around them."""

from datetime import datetime, timedelta

from headwater.app.history import history
from headwater.events import FileInspected
from tests.harness import NOON, Project

FIRST = datetime(2024, 1, 1)
COLUMNS = {"ts": "timestamp", "v": "integer"}


def micro(project: Project, every: str = "5s", **header) -> Project:
    """A table of short slots over files that arrive all the time; it is one minute past midnight."""
    project.now = NOON.replace(day=1, hour=0, minute=1)
    project.source("events", COLUMNS, [(FIRST + timedelta(seconds=3), 1)], time="ts", start="2024-01-01")
    return project.model("ticks", "SELECT ts, v FROM events", kind="incremental", time="ts", every=every, **header)


def arrives(project: Project, name: str, second: float, v: int = 1) -> None:
    project.file("events", f"{name}.csv", list(COLUMNS), [(FIRST + timedelta(seconds=second), v)])


def test_a_late_file_makes_its_own_slots_due_and_no_other(project):
    micro(project).apply()
    arrives(project, "late", 41.5)
    assert project.plan().computed == {"ticks": ["2024-01-01T00:00:40Z"]}


def test_a_file_of_two_moments_makes_two_slots_due(project):
    micro(project, every="15s").apply()
    project.file("events", "two.csv", list(COLUMNS), [(FIRST + timedelta(seconds=s), 1) for s in (1, 59)])
    assert project.plan().computed == {"ticks": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:45Z"]}


def test_slots_through_a_view_are_told_apart_as_finely(project):
    micro(project)
    project.model("seen", "SELECT ts, v FROM events", kind="inline", time="ts")
    project.model("ticks", "SELECT ts, v FROM seen", kind="incremental", time="ts", every="5s")
    project.apply()
    arrives(project, "late", 21)
    assert project.plan().computed == {"ticks": ["2024-01-01T00:00:20Z"]}


def test_a_run_every_few_seconds_fills_what_came_and_nothing_else(project):
    micro(project).apply()
    for number in range(1, 6):
        project.later(seconds=5).events.clear()
        arrives(project, str(number + 10), 60 + 5 * number + 1)
        project.run()
        assert project.computed() == {"ticks": 1}
    assert project.query("SELECT count(*) FROM ticks") == [(6,)]


def test_files_are_looked_at_again_only_when_slots_get_shorter(project):
    micro(project, every="1h").apply()
    looked = [each for each in project.events if isinstance(each, FileInspected)]
    project.events.clear()
    micro(project, every="1m").apply()
    arrives(project, "late", 30)
    assert project.plan().computed == {"ticks": ["2024-01-01T00:00:00Z"]}
    project.run()
    micro(project, every="1h").apply()
    project.events.clear()
    project.plan()
    assert (len(looked), [e for e in project.events if isinstance(e, FileInspected)]) == (1, [])


def test_what_belongs_to_a_source_stays_fixed_when_its_files_are_looked_at_again(project):
    micro(project, every="1h")
    arrives(project, "future", 3 * 86400)
    project.apply()
    project.later(days=3)
    micro(project, every="5m")
    project.now = NOON.replace(day=4, hour=1)
    project.apply()
    assert project.query("SELECT count(*) FROM ticks") == [(1,)]


def test_closed_hours_are_packed_into_one_file_each(project):
    micro(project, every="1m", batch="1m").apply()
    for hour in (1, 2):
        project.now = NOON.replace(day=1, hour=hour, minute=1)
        arrives(project, f"hour{hour}", 3600 * hour - 30)
        project.run()
    packed = [each.release.message for each in history(project.workspace, "dev") if each.release.kind == "compact"]
    assert packed == ["60 slots in 61 files lie in 1 pack now", "60 slots in 62 files lie in 1 pack now"]
    assert project.query("SELECT count(*), sum(v) FROM ticks") == [(3, 3)]


def test_a_sink_that_loads_slot_by_slot_takes_rows_out_of_a_pack(project):
    micro(project, every="5s")
    for second in range(0, 60, 7):
        arrives(project, f"at{second}", second, v=second)
    sink = {"from": "ticks", "connector": "parquet", "path": "out/*.parquet", "mode": "append", "in": ["dev"]}
    project.write("sinks/out.yaml", f"sinks: {{out: {sink}}}")
    project.apply()
    [(rows, total)] = project.query("SELECT count(*), sum(v) FROM ticks")
    import duckdb

    assert duckdb.sql(f"SELECT count(*), sum(v) FROM '{project.root}/out/*.parquet'").fetchall() == [(rows, total)]
