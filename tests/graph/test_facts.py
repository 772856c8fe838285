"""What a graph knows of its nodes: how they are cut, what moves them, what they read."""

import pytest

from tests.graph.conftest import Code


def test_columns_have_the_engines_types_and_say_what_they_are_made_of(flights: Code) -> None:
    node = flights.node("daily")
    assert [(c.name, c.type) for c in node.columns] == [
        ("day", "DATE"),
        ("origin", "VARCHAR"),
        ("n", "BIGINT"),
        ("mean", "DOUBLE"),
    ]
    assert node.columns[3].values == (("flights", "delay"),)
    assert set(node.controls) == {("flights", "day"), ("flights", "origin")}


def test_an_incremental_model_takes_its_start_from_its_inputs(flights: Code) -> None:
    flights.source("late", "day date", time="day", start="2014-01-01", end="2015-01-01")
    flights.model(
        "m", "SELECT day FROM flights UNION ALL SELECT day FROM late", kind="incremental", time="day", every="1d"
    )
    cut = flights.node("m").time
    assert cut is not None
    assert (str(cut.start), cut.end, cut.every, cut.type) == ("2013-01-01 00:00:00+00:00", None, "1d", "DATE")


def test_inputs_cut_by_time_move_their_readers_slots_others_do_not(flights: Code) -> None:
    sql = "SELECT f.day, a.city FROM flights AS f LEFT JOIN airports AS a ON a.code = f.origin"
    flights.model("m", sql, kind="incremental", time="day", every="1d")
    inputs = {each.node: each for each in flights.node("m").inputs}
    assert (inputs["flights"].cut, inputs["flights"].moving) == (True, True)
    assert (inputs["airports"].cut, inputs["airports"].moving) == (False, False)
    flights.model("m", sql, kind="incremental", time="day", every="1d", restate_on=("airports",))
    assert all(each.moving for each in flights.node("m").inputs)


def test_a_full_model_is_moved_by_everything_and_cut_by_nothing(flights: Code) -> None:
    flights.model("m", "SELECT day FROM daily")
    assert [(each.cut, each.moving) for each in flights.node("m").inputs] == [(False, True)]


def test_an_inline_model_with_a_time_passes_the_cut_on(flights: Code) -> None:
    flights.source("log", "ts timestamptz, path text", time="ts", start="2013-01-01")
    flights.model("i", "SELECT ts, path FROM log", kind="inline", time="ts")
    flights.model("m", "SELECT CAST(ts AS DATE) AS day FROM i", kind="incremental", time="day", every="1d")
    assert flights.node("i").inputs[0].cut
    assert flights.node("m").inputs[0].cut
    assert flights.node("m").batch_s is None


def test_an_inline_model_without_a_time_is_read_whole(flights: Code) -> None:
    flights.model("i", "SELECT day, origin FROM flights", kind="inline")
    flights.model("m", "SELECT day FROM i", kind="incremental", time="day", every="1d", start="2013-01-01")
    assert not flights.node("m").inputs[0].cut
    assert flights.node("m").batch_s == 0


def test_reads_reach_back_and_forbid_batches(flights: Code) -> None:
    sql = "SELECT day FROM flights"
    flights.model("m", sql, kind="incremental", time="day", every="1d", reads={"flights": "6h"})
    node = flights.node("m")
    assert (node.inputs[0].before_s, node.batch_s) == (21600, 0)


@pytest.mark.parametrize(("batch", "expected"), [(None, None), ("30d", 30 * 86400.0)])
def test_a_proved_model_is_filled_in_batches(flights: Code, batch: str | None, expected: float | None) -> None:
    query = flights.models["daily"].query
    settings = {"batch": batch} if batch else {}
    flights.model("daily", query, kind="incremental", time="day", every="1d", **settings)
    assert flights.node("daily").batch_s == expected


def test_start_and_end_have_the_type_of_the_time_column(flights: Code) -> None:
    sql = "SELECT ts, ts - $start AS since FROM flights WHERE ts >= $start AND ts < $end"
    flights.model("m", sql, kind="incremental", time="ts", every="1h")
    assert flights.node("m").columns[1].type == "INTERVAL"


def test_nodes_stand_after_those_they_read(flights: Code) -> None:
    flights.model("a", "SELECT n FROM daily")
    names = [node.name for node in flights.graph().nodes]
    assert names.index("flights") < names.index("daily") < names.index("a")


def test_a_quoted_qualified_name_is_a_node(code: Code) -> None:
    code.source("raw", "id bigint")
    code.model("clean.flights", "SELECT id FROM raw")
    code.model("m", 'SELECT "id" FROM "clean"."flights" AS clean')
    assert code.node("m").inputs[0].node == "clean.flights"


def test_a_cte_hides_a_node_of_its_name(code: Code) -> None:
    code.source("raw", "id bigint")
    code.model("base", "SELECT id FROM raw")
    code.model("m", "WITH base AS (SELECT 1 AS id) SELECT id FROM base")
    assert code.node("m").inputs == ()


def test_a_cte_may_read_the_node_it_hides(code: Code) -> None:
    code.source("raw", "id bigint")
    code.model("m", "WITH raw AS (SELECT id FROM raw) SELECT id FROM raw")
    assert [each.node for each in code.node("m").inputs] == ["raw"]


def test_tables_in_macros_are_inputs(code: Code) -> None:
    code.source("raw", "id bigint")
    code.macro("CREATE MACRO above(least) AS TABLE SELECT id FROM raw WHERE id > least")
    code.model("m", "SELECT id FROM above(3)")
    assert [each.node for each in code.node("m").inputs] == ["raw"]


def test_macros_come_after_those_they_call(code: Code) -> None:
    code.macro("CREATE MACRO outer_one(x) AS inner_one(x) + 1")
    code.macro("CREATE MACRO inner_one(x) AS x * 2")
    code.model("m", "SELECT outer_one(1) AS x")
    assert [each.split("(")[0] for each in code.graph().macros] == ["CREATE MACRO inner_one", "CREATE MACRO outer_one"]


def test_only_what_a_source_says_is_its_contract(flights: Code) -> None:
    node = flights.node("flights")
    assert node.source is not None
    assert node.source.required == ("day",)
    assert node.time is not None
    assert (node.time.column, node.time.type, node.time.every) == ("day", "DATE", "")


def test_a_declared_column_keeps_its_words(flights: Code) -> None:
    flights.model("m", "SELECT delay FROM flights", columns={"delay": "double"})
    assert flights.node("m").columns[0].type == "DOUBLE"
