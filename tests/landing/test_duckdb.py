"""Rows of DuckDB files: attached read-only, landed from where the last landing ended."""

import subprocess
import sys
from contextlib import closing

import duckdb
import pytest

from headwater.diagnostics import HeadwaterError
from headwater.events import SourceLanded


def sql(project, *statements):
    with closing(duckdb.connect(str(project.root / "web.duckdb"))) as database:
        for statement in statements:
            database.execute(statement)


def visits(project, *statements, columns=None, **settings):
    sql(project, *statements)
    columns = columns or {"seen": "timestamptz", "page": "text"}
    body = {"connector": "duckdb", "path": "web.duckdb", "table": "visits", "columns": columns, **settings}
    project.write("sources/visits.yaml", f"sources: {{visits: {body}}}".replace("None", "null"))
    return project.model("pages", f"SELECT {', '.join(columns)} FROM visits")


MADE = "CREATE TABLE visits AS SELECT TIMESTAMPTZ '2024-01-01 10:00:00+00' AS seen, 'a' AS page"


def landed(project):
    return [event.rows for event in project.events if isinstance(event, SourceLanded)]


def test_a_run_lands_only_what_is_new_and_ties_are_neither_lost_nor_repeated(project):
    visits(project, MADE, cursor="seen").apply()
    sql(project, "INSERT INTO visits VALUES ('2024-01-01 10:00:00+00', 'a'), ('2024-01-02 10:00:00+00', 'b')")
    project.run()
    assert landed(project) == [1, 2]
    assert project.query("SELECT page FROM pages ORDER BY page") == [("a",), ("a",), ("b",)]


def test_without_a_cursor_a_changed_table_is_landed_whole(project):
    visits(project, MADE).apply()
    sql(project, "CREATE TABLE other (x INTEGER)")
    project.run()
    sql(project, "DELETE FROM visits")
    project.run()
    assert project.table("pages") == []
    assert landed(project) == [1, 0]


def test_values_that_do_not_fit_are_set_aside(project):
    made = "CREATE TABLE visits AS SELECT unnest(['1', 'x', NULL]) AS page"
    outcome = visits(project, made, columns={"page": "bigint"}).apply()
    assert [d.code for d in outcome.diagnostics] == ["HW0316"]
    assert project.table("pages") == [(1,), (None,)]


def test_types_that_files_cannot_hold_come_through(project):
    made = "CREATE TABLE visits AS SELECT (2::HUGEINT << 90) AS h, 'x'::ENUM ('x', 'y') AS e, [1, 2] AS l"
    visits(project, made, columns={"h": "hugeint", "e": "text", "l": "integer[]"}).apply()
    assert project.table("pages") == [(2**91, "x", [1, 2])]


def test_a_database_that_another_program_writes_is_tried_again(project):
    visits(project, MADE)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(project.root / "web.duckdb")]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"1\n"
    with pytest.raises(HeadwaterError) as raised:
        project.apply()
    other.communicate()
    assert raised.value.diagnostics[0].code == "HW0643"
    project.apply()
    assert landed(project) == [1]


@pytest.mark.parametrize(
    ("settings", "code", "hint"),
    [
        ({"table": "visit"}, "HW0642", "did you mean `visits`?"),
        ({"columns": {"sen": "date"}}, "HW0642", "did you mean `seen`?"),
        ({"path": "nowhere.duckdb"}, "HW0641", "check `path`"),
        ({"path": "headwater.yaml"}, "HW0641", "open it with DuckDB"),
        ({"table": "", "query": "SELEC 1"}, "HW0644", "DuckDB's SQL"),
    ],
)
def test_mistakes_say_what_is_wrong(project, settings, code, hint):
    visits(project, MADE, **settings)
    with pytest.raises(HeadwaterError) as raised:
        project.apply()
    [found] = raised.value.diagnostics
    assert found.code == code
    assert hint in found.hint
