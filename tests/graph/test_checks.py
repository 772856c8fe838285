"""Checks become SQL over a relation named ``this``; what they cannot mean is said."""

import duckdb
import pytest

from headwater.graph.values import Check
from headwater.spec import checks as spec
from tests.graph.conftest import Code

ROWS = "(VALUES (1, 'p', 1.0), (1, 'q', 5.0), (NULL, 'p', NULL)) AS v(id, s, x)"


def compiled(code: Code, check: spec.AnyCheck, **settings: object) -> Check:
    code.source("raw", "id integer, s text, x double")
    code.model("m", "SELECT id, s, x FROM raw", checks=(check,), **settings)
    (found,) = code.node("m").checks
    return found


def failing(check: Check) -> int:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE this AS SELECT id::INTEGER AS id, s, x::DOUBLE AS x FROM {ROWS}")
    connection.execute("CREATE TABLE other AS SELECT 1 AS id")
    if check.scope == "map":
        return len(connection.execute(check.failing).fetchall())
    query = f"count(*) FILTER (WHERE {check.failing})" if check.scope == "row" else check.failing
    return int(connection.execute(f"SELECT {query} FROM this").fetchone()[0])


@pytest.mark.parametrize(
    ("check", "count"),
    [
        (spec.NotNull(columns=("id",)), 1),
        (spec.NotNull(columns=("id",), where="s = 'q'"), 0),
        (spec.Unique(columns=("id",)), 1),
        (spec.Unique(columns=("id", "s")), 0),
        (spec.Unique(columns=("s",), where="id = 1"), 0),
        (spec.AcceptedValues(column="s", values=("p",)), 1),
        (spec.AcceptedValues(column="id", values=(2,)), 2),
        (spec.AcceptedValues(column="id", values=()), 2),
        (spec.AcceptedRange(column="x", min=2), 1),
        (spec.AcceptedRange(column="x", min=0, max=4), 1),
        (spec.Matches(column="s", pattern="^p$"), 1),
        (spec.RowCount(min=4), 1),
        (spec.RowCount(max=3), 0),
        (spec.RowCount(max=1, where="s = 'p'"), 1),
        (spec.Expression(sql="x > 2"), 2),
        (spec.Expression(sql="x > 2", where="x IS NOT NULL"), 1),
        (spec.Schema(mode="exact"), 0),
    ],
)
def test_what_fails_is_counted(code: Code, check: spec.AnyCheck, count: int) -> None:
    columns = {"id": "integer", "s": "text", "x": "double"}
    found = compiled(code, check, columns=columns)
    assert found.scope == "fill"
    assert failing(found) == count


@pytest.mark.parametrize("mode", ["exact", "compatible"])
def test_a_schema_that_does_not_fit_fails(code: Code, mode: str) -> None:
    found = compiled(code, spec.Schema(mode=mode), columns={"id": "text", "nothing": "text"})
    assert failing(found) == (4 if mode == "exact" else 2)


def test_a_check_on_one_row_can_set_rows_aside(code: Code) -> None:
    found = compiled(code, spec.AcceptedRange(column="x", max=4, on_fail="quarantine"))
    assert (found.scope, failing(found)) == ("row", 1)


def test_each_column_of_not_null_is_checked_by_itself(code: Code) -> None:
    code.source("raw", "id integer, s text")
    code.model("m", "SELECT * FROM raw", checks=(spec.NotNull(columns=("id", "s")),))
    assert [each.name for each in code.node("m").checks] == ["not_null(id)", "not_null(s)"]


def test_unique_over_slots_looks_at_the_whole_map_unless_time_is_in_it(flights: Code) -> None:
    query = flights.models["daily"].query
    checks = (spec.Unique(columns=("origin",)), spec.Unique(columns=("day", "origin")), spec.RowCount(min=1))
    flights.model("daily", query, kind="incremental", time="day", every="1d", checks=checks)
    assert [each.scope for each in flights.node("daily").checks] == ["map", "fill", "map"]


def test_references_read_the_other_node(flights: Code) -> None:
    flights.model("a", "SELECT code FROM airports")
    flights.model("m", "SELECT origin FROM flights", checks=(spec.References(column="origin", to="a.code"),))
    (found,) = flights.node("m").checks
    assert (found.scope, found.reads) == ("map", ("a",))


def test_a_query_check_may_read_other_nodes(flights: Code) -> None:
    sql = "SELECT * FROM this JOIN daily USING (day) WHERE n > $most"
    flights.variables = {"most": 3}
    flights.model("m", "SELECT day FROM flights", checks=(spec.Query(sql=sql),))
    assert flights.node("m").checks[0].reads == ("daily",)


def test_freshness_is_seen_from_the_runs_time(flights: Code) -> None:
    flights.model("m", "SELECT ts FROM flights", checks=(spec.Freshness(column="ts", within="2h"),))
    (found,) = flights.node("m").checks
    assert "$now" in found.failing
    assert found.scope == "map"


def test_a_views_checks_look_at_its_whole_table(flights: Code) -> None:
    flights.model("v", "SELECT n FROM daily", kind="view", checks=(spec.NotNull(columns=("n",)),))
    assert flights.node("v").checks[0].scope == "map"


def test_grain_implies_unique_and_not_null(flights: Code) -> None:
    flights.model("m", "SELECT day, origin FROM flights", grain=("day", "origin"))
    names = [each.name for each in flights.node("m").checks]
    assert names == ["unique(day, origin)", "not_null(day)", "not_null(origin)"]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (spec.NotNull(columns=("dya",)), "HW0240"),
        (spec.Expression(sql="dya > 1"), "HW0240"),
        (spec.Expression(sql="day >"), "HW0242"),
        (spec.NotNull(columns=("day",), where="day >"), "HW0242"),
        (spec.Unique(columns=("day",), on_fail="quarantine"), "HW0241"),
        (spec.AcceptedValues(column="day", values=("no date",)), "HW0242"),
        (spec.AcceptedRange(column="day", min="no date"), "HW0242"),
        (spec.Matches(column="day", pattern="x"), "HW0242"),
        (spec.References(column="day", to="dayly.day"), "HW0243"),
        (spec.References(column="day", to="daily.dya"), "HW0243"),
        (spec.Query(sql="SELECT 1 FROM nowhere"), "HW0201"),
        (spec.Query(sql="DELETE FROM this"), "HW0242"),
        (spec.Freshness(column="day", within="soon"), "HW0242"),
    ],
)
def test_checks_that_cannot_be(flights: Code, check: spec.AnyCheck, expected: str) -> None:
    flights.model("m", "SELECT day FROM flights", checks=(check,))
    assert flights.only_mistake().code == expected


def test_rows_of_a_view_cannot_be_set_aside(flights: Code) -> None:
    checks = (spec.NotNull(columns=("n",), on_fail="quarantine"),)
    flights.model("v", "SELECT n FROM daily", kind="view", checks=checks)
    assert flights.only_mistake().code == "HW0241"


def test_an_inline_model_has_nothing_to_check(flights: Code) -> None:
    flights.model("i", "SELECT day FROM flights", kind="inline", checks=(spec.NotNull(columns=("day",)),))
    assert flights.only_mistake().code == "HW0228"


def test_the_address_of_a_check_is_what_it_asks_not_how_it_is_written(code: Code) -> None:
    one = compiled(code, spec.Expression(sql="x > 2", name="first"))
    other = compiled(code, spec.Expression(sql="X  >  2 /* two */", name="second", on_fail="warn"))
    assert one.address == other.address
    assert one.address != compiled(code, spec.Expression(sql="x > 3")).address
