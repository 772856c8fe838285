"""Logs in a project: mistakes in settings are found by check, lines set aside are listed, shown, looked at again."""

import bz2

import pytest

from headwater.app.quarantine import list_rejects, replay, show_rejects

PATTERN = r"\[(?P<ts>[^\]]+)\] (?P<level>[A-Z]+): (?P<message>.*)"


def logs(project, name="app.txt", content=b"", *, columns=None, **settings):
    columns = columns or {"ts": "timestamp", "level": "text"}
    said = {"path": f"data/{name}", "format": "regex", "pattern": PATTERN} | settings
    project.source("logs", columns, **said)
    project.write(f"data/{name}", content)
    return project


def test_lines_of_a_pattern_become_slots(project):
    content = b"[2024-01-09 10:00:00] INFO: a\n[2024-01-10 11:00:00] WARN: b\nnothing\n"
    logs(project, content=content, time="ts", start="2024-01-09")
    sql = "SELECT CAST(ts AS DATE) AS day, count(*) AS n FROM logs WHERE ts >= $start AND ts < $end GROUP BY ALL"
    project.model("daily", sql, kind="incremental", time="day", every="1d").apply()
    assert project.query("SELECT n FROM daily ORDER BY day") == [(1,), (1,)]
    project.write("data/app.txt", content + b"[2024-01-10 11:30:00] WARN: c\n")
    project.run()
    assert project.query("SELECT n FROM daily ORDER BY day") == [(1,), (2,)]


@pytest.mark.parametrize("name", ["app.txt", "app.txt.bz2"])
def test_lines_set_aside_are_listed_shown_and_looked_at_again(project, name):
    content = b"[2024-01-09 10:00:00] INFO: a\nnothing\n[2024-02-09 10:00:00] INFO: later\n"
    logs(project, name, bz2.compress(content) if name.endswith("bz2") else content, time="ts", start="2024-01-01")
    project.model("levels", "SELECT level FROM logs").apply()
    assert [(r.reason, r.count) for r in list_rejects(project.workspace, "dev")] == [("format", 1), ("future", 1)]
    (row,) = show_rejects(project.workspace, "dev", "logs", reason="format")
    assert (row.path, row.line, row.position, row.payload) == (f"data/{name}", 2, 30, "nothing")
    project.later(days=60)
    assert replay(project.workspace, "dev", "logs").recovered == 1
    project.run()
    assert project.table("levels") == [("INFO",), ("INFO",)]


def test_two_models_over_one_log_agree_on_its_rows(project):
    logs(project, content=b"[2024-01-09 10:00:00] INFO: a\n[x] INFO: b\n")
    project.model("levels", "SELECT count(level) AS n FROM logs").model("all_rows", "SELECT count(*) AS n FROM logs")
    project.apply()
    assert project.table("levels") == project.table("all_rows") == [(1,)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pattern": "(?P<ts>a)(?=b)"}, ["HW0630"]),
        ({"pattern": "plain"}, ["HW0631"]),
        ({"pattern": "(?P<ts>a)(?P<Level>b)"}, ["HW0632", "HW0633"]),
        ({"time_format": "%Q"}, ["HW0636"]),
        ({"year": 2024}, ["HW0634"]),
        ({"format": "csv", "pattern": "(?P<ts>a)"}, ["HW0634"]),
        ({"max_line": "10B"}, ["HW0638"]),
        ({"format": "syslog", "columns": {"host": "text"}, "pattern": "", "identity": "content"}, ["HW0635"]),
        ({"format": "logs"}, ["HW0112"]),
    ],
)
def test_what_settings_cannot_be_is_found_by_check_where_it_stands(project, settings, expected):
    columns = settings.pop("columns", None)
    logs(project, columns=columns, **settings)
    found = {d.code: d for d in project.check().diagnostics if d.code != "HW0633" or "HW0633" in expected}
    assert sorted(found) == expected
    assert all(d.where.file == "sources/logs.yaml" and d.where.line and d.where.column > 1 for d in found.values())
    assert all(d.hint for d in found.values())


def test_the_place_of_a_pattern_is_its_own(project):
    text = "sources:\n  logs:\n    connector: files\n    path: data/*.txt\n    format: regex\n    pattern: '(?P<a>x'\n    columns: {a: text}\n"
    project.write("sources/logs.yaml", text)
    assert project.mistakes == ["HW0630 sources/logs.yaml:6:14"]


def test_a_file_without_the_header_it_should_have_is_a_warning(project):
    project.source("orders", {"a": "bigint"}, rows=[(1,)]).model("total", "SELECT sum(a) AS a FROM orders")
    project.write("data/orders/2.csv", b"")
    outcome = project.apply()
    assert [(d.code, "2.csv" in d.message) for d in outcome.diagnostics] == [("HW0637", True)]
    assert project.table("total") == [(1,)]
