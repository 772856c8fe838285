"""What a change rebuilds: exactly the readers of what it changes."""

import pytest

from tests.graph.conftest import Code


@pytest.fixture
def shop(code: Code) -> Code:
    code.source("raw", "id bigint, price double, note text")
    code.model("base", "SELECT id, price, note FROM raw")
    code.model("totals", "SELECT sum(price) AS total FROM base")
    code.model("notes", "SELECT id, upper(note) AS note FROM base")
    return code


def test_a_column_nobody_reads_rebuilds_nobody(shop: Code) -> None:
    del shop.models["notes"]
    assert shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw")) == {"base"}


def test_a_changed_column_rebuilds_its_readers(shop: Code) -> None:
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw"))
    assert changed == {"base", "notes"}


def test_a_changed_column_rebuilds_those_far_below_that_use_it(shop: Code) -> None:
    shop.model("middle", "SELECT id, price * 2 AS double_price, note FROM base")
    shop.model("far", "SELECT max(double_price) AS most FROM middle")
    shop.model("other", "SELECT count(note) AS n FROM middle")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price + 1 AS price, note FROM raw"))
    assert changed == {"base", "totals", "middle", "far"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, price, note FROM raw WHERE id > 1",
        "SELECT id, price, note FROM raw QUALIFY row_number() OVER (PARTITION BY id ORDER BY price) = 1",
        "SELECT DISTINCT id, price, note FROM raw",
        "SELECT id, price, note FROM raw ORDER BY id LIMIT 10",
        "SELECT id, price, note FROM raw UNION ALL SELECT id, price, note FROM raw",
        "SELECT a.id, a.price, a.note FROM raw AS a JOIN raw AS b ON a.id = b.id",
        "SELECT id, any_value(price) AS price, any_value(note) AS note FROM raw GROUP BY id",
    ],
)
def test_a_change_of_rows_rebuilds_all_below(shop: Code, sql: str) -> None:
    assert shop.rebuilt_by(lambda: shop.model("base", sql)) == {"base", "totals", "notes"}


def test_twins_are_two_models_and_a_new_name_is_a_new_model(shop: Code) -> None:
    shop.model("twin", "SELECT sum(price) AS total FROM base")
    assert shop.node("twin").version != shop.node("totals").version


def test_an_aggregate_alone_changes_the_rows(shop: Code) -> None:
    shop.model("base", "SELECT 1 AS id, price, note FROM raw")
    assert "notes" in shop.rebuilt_by(
        lambda: shop.model("base", "SELECT 1 AS id, max(price) AS price, 'x' AS note FROM raw")
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select id,\n  price, -- what it costs\n  note\nfrom raw",
        "WITH x AS (SELECT * FROM raw) SELECT id, price, note FROM x",
        "SELECT r.id, r.price, r.note FROM raw AS r",
        "FROM raw SELECT id, price, note ORDER BY price",
    ],
)
def test_layout_names_and_order_rebuild_nothing_below(shop: Code, sql: str) -> None:
    assert shop.rebuilt_by(lambda: shop.model("base", sql)) <= {"base"}


def test_reformatting_rebuilds_nothing_at_all(shop: Code) -> None:
    assert not shop.rebuilt_by(lambda: shop.model("base", "/* new */ select r.id, price ,note\nfrom raw r"))


def test_a_star_reads_all_columns(shop: Code) -> None:
    shop.model("copy", "SELECT * FROM base")
    shop.model("kept", "WITH b AS (SELECT * FROM base) SELECT id FROM b")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw"))
    assert changed == {"base", "notes", "copy", "kept"}


def test_everyone_below_a_distinct_depends_on_all_its_columns(shop: Code) -> None:
    shop.model("distinct_notes", "SELECT DISTINCT id, note FROM base")
    shop.model("ids", "SELECT count(id) AS n FROM distinct_notes")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw"))
    assert {"distinct_notes", "ids"} <= changed


def test_a_new_column_rebuilds_only_those_that_take_everything(shop: Code) -> None:
    shop.model("rows", "SELECT to_json(base) AS j FROM base")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, note, 1 AS more FROM raw"))
    assert changed == {"base", "rows"}


def test_an_opaque_query_depends_on_everything(shop: Code) -> None:
    shop.model("summary", "SELECT * FROM (SUMMARIZE base)")
    shop.model("below", "SELECT column_name FROM summary")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw"))
    assert {"summary", "below"} <= changed


def test_a_changed_contract_changes_the_rows_of_a_source(shop: Code) -> None:
    changed = shop.rebuilt_by(lambda: shop.source("raw", "id bigint, price double, note text, more text"))
    assert changed == {"raw", "base", "totals", "notes"}


def test_a_used_variable_is_part_of_the_version(shop: Code) -> None:
    shop.variables = {"least": 1, "other": 1}
    shop.model("some", "SELECT id FROM base WHERE price > $least")
    shop.model("more", "SELECT id, price + $least AS p FROM base")
    shop.model("below", "SELECT id FROM more")
    assert not shop.rebuilt_by(lambda: shop.variables.update(other=2))
    assert shop.rebuilt_by(lambda: shop.variables.update(least=2)) == {"some", "more"}


def test_a_changed_macro_rebuilds_who_uses_it(shop: Code) -> None:
    shop.macro("CREATE MACRO net(x) AS x * 0.8")
    shop.macro("CREATE MACRO unused(x) AS x + 1")
    shop.model("nets", "SELECT net(price) AS net FROM base")
    assert not shop.rebuilt_by(lambda: shop.macro("CREATE MACRO unused(x) AS x + 2"))
    assert shop.rebuilt_by(lambda: shop.macro("CREATE MACRO net(x) AS x * 0.9")) == {"nets"}
    assert not shop.rebuilt_by(lambda: shop.macro("CREATE OR REPLACE MACRO net(y) AS y*0.9"))


def test_checks_are_no_part_of_the_version_unless_they_set_rows_aside(shop: Code) -> None:
    from headwater.spec.checks import NotNull

    sql = "SELECT id, price, note FROM raw"
    assert not shop.rebuilt_by(lambda: shop.model("base", sql, checks=(NotNull(columns=("id",)),)))
    set_aside = (NotNull(columns=("id",), on_fail="quarantine"),)
    assert shop.rebuilt_by(lambda: shop.model("base", sql, checks=set_aside)) == {"base", "totals", "notes"}


def test_settings_of_execution_and_words_are_no_part_of_the_version(shop: Code) -> None:
    sql = "SELECT id, price, note FROM raw"
    assert not shop.rebuilt_by(lambda: shop.model("base", sql, owner="b@example.org", tags=("x",), description="new"))


def test_a_python_model_depends_on_its_code_and_all_of_its_inputs(shop: Code) -> None:
    shop.python("scores", {"base": "base"}, {"score": "double"}, code="def scores(base): ...")
    shop.model("below", "SELECT max(score) AS best FROM scores")
    changed = shop.rebuilt_by(lambda: shop.model("base", "SELECT id, price, lower(note) AS note FROM raw"))
    assert {"scores", "below"} <= changed
    again = shop.rebuilt_by(
        lambda: shop.python("scores", {"base": "base"}, {"score": "double"}, code="def scores(base): return 1")
    )
    assert again == {"scores", "below"}


def test_the_time_zone_is_part_of_the_version(shop: Code) -> None:
    sql = "SELECT id, price, note FROM raw"
    assert "base" in shop.rebuilt_by(lambda: shop.model("base", sql, timezone="Europe/Berlin"))


def test_the_slot_length_is_part_of_the_version(flights: Code) -> None:
    query = flights.models["daily"].query
    changed = flights.rebuilt_by(lambda: flights.model("daily", query, kind="incremental", time="day", every="1w"))
    assert changed == {"daily"}


def test_the_cache_changes_nothing(shop: Code) -> None:
    cold = shop.graph()
    assert shop.graph() == cold
    shop.cache = type(shop.cache)()
    assert shop.graph() == cold


def test_a_corrupt_cache_is_an_empty_cache(shop: Code) -> None:
    cold = shop.graph()
    for key in shop.cache._entries:
        shop.cache._entries[key] = b"\xc1garbage"
    assert shop.graph() == cold


def test_the_digest_tells_code_apart_not_its_layout(shop: Code) -> None:
    before = shop.graph().digest
    shop.model("base", "select id, price, note from raw")
    assert shop.graph().digest == before
    shop.model("base", "select id, price, note from raw", owner="b@example.org")
    assert shop.graph().digest != before


def test_a_graph_survives_being_written_down(flights: Code) -> None:
    from headwater.graph.encoding import decode, encode

    flights.sink("out", "daily")
    graph = flights.graph()
    assert decode(encode(graph)) == graph
