"""Contracts between nodes: what a change of columns breaks, and for whom."""

import pytest

from headwater.diagnostics import Invalid
from tests.cli.conftest import CommandLine

ORDERS = "SELECT id, price, note FROM raw"
BI = {"bi-team": {"columns": ["id", "price"], "owner": "bi@example.org"}}


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint", "price": "double", "note": "text"}, [(1, 2.5, "x")])
    project.model("orders", ORDERS)
    project.model("totals", "SELECT sum(price) AS total FROM orders")
    project.apply()
    return project


def changes(project):
    found = project.plan().plan.columns
    return [(each.node, each.kind, each.column, each.is_breaking, each.breaks) for each in found]


def refusal(project):
    with pytest.raises(Invalid) as refused:
        project.plan()
    return [(d.code, d.message) for d in refused.value.diagnostics if d.code == "HW0285"]


def orders(project, sql=ORDERS, **header):
    return project.model("orders", sql, **header)


def test_a_new_column_is_compatible(shop):
    orders(shop, "SELECT id, price, note, price * 2 AS twice FROM raw")
    assert changes(shop) == [("orders", "added", "twice", False, ())]


def test_a_column_that_goes_breaks_who_reads_it(shop):
    orders(shop, "SELECT id, note FROM raw")
    shop.model("totals", "SELECT sum(id) AS total FROM orders")
    [removed, _] = changes(shop)
    assert removed == ("orders", "removed", "price", True, ("totals",))


def test_a_column_that_nobody_reads_breaks_nobody(shop):
    orders(shop, "SELECT id, price FROM raw")
    assert changes(shop) == [("orders", "removed", "note", True, ())]


def test_another_name_for_the_same_values_is_a_renaming(shop):
    orders(shop, "SELECT id, price, note AS remark FROM raw")
    [change] = shop.plan().plan.columns
    assert (change.kind, change.before, change.after) == ("renamed", "note", "remark")


def test_another_type_breaks_who_reads_it_and_sinks(shop):
    shop.write("sinks/s.yaml", "sinks: {out: {from: orders, connector: csv, path: out/x, in: [dev]}}")
    shop.apply()
    orders(shop, "SELECT id, CAST(price AS DECIMAL(9,2)) AS price, note FROM raw")
    assert changes(shop)[0] == ("orders", "retyped", "price", True, ("totals", "sink out"))


def test_readers_are_found_through_inline_models(shop):
    shop.model("prices", "SELECT price AS amount FROM orders", kind="inline")
    shop.model("dear", "SELECT max(amount) AS most FROM prices")
    shop.apply()
    orders(shop, "SELECT id, CAST(price AS DECIMAL(9,2)) AS price, note FROM raw")
    assert changes(shop)[0][4] == ("dear", "totals")


def test_the_order_of_columns_does_not_matter(shop):
    orders(shop, ORDERS, contract={"columns": "frozen"})
    shop.apply()
    orders(shop, "SELECT note, price, id FROM raw", contract={"columns": "frozen"})
    assert changes(shop) == []


@pytest.mark.parametrize(
    ("promise", "sql", "refused"),
    [
        ("frozen", "SELECT id, price, note, 1 AS one FROM raw", "`one` is added"),
        ("frozen", "SELECT id, price FROM raw", "`note` is removed"),
        ("compatible", "SELECT id, price FROM raw", "`note` is removed"),
        ("compatible", "SELECT id, price, note AS remark FROM raw", "`note` is renamed to `remark`"),
        (
            "compatible",
            "SELECT id, CAST(price AS FLOAT) AS price, note FROM raw",
            "changes from DOUBLE to FLOAT (totals)",
        ),
    ],
)
def test_a_contract_refuses_what_it_forbids(shop, promise, sql, refused):
    orders(shop, sql, contract={"columns": promise})
    [(_, message)] = refusal(shop)
    assert refused in message


def test_a_refused_change_points_at_the_model_and_applies_nothing(shop):
    orders(shop, "SELECT id, price FROM raw", contract={"columns": "frozen"})
    with pytest.raises(Invalid) as refused:
        shop.apply()
    assert refused.value.diagnostics[0].where.file == "models/orders.sql"
    assert len(shop.history()) == 1


def test_compatible_allows_new_columns(shop):
    orders(shop, "SELECT id, price, note, 1 AS one FROM raw", contract={"columns": "compatible"})
    shop.apply()
    assert shop.query("SELECT one FROM orders") == [(1,)]


def columns(shop, environment):
    return [name for name, *_ in shop.query("DESCRIBE orders", environment)]


def test_a_contract_is_against_what_each_environment_serves(shop):
    orders(shop, "SELECT id, price FROM raw")
    shop.apply("dev")
    orders(shop, "SELECT id, price FROM raw", contract={"columns": "frozen"})
    shop.apply("dev")
    shop.apply("prod")
    assert columns(shop, "prod") == ["id", "price"]


def test_taking_the_contract_out_in_the_same_change_breaks_it_on_purpose(shop):
    orders(shop, ORDERS, contract={"columns": "frozen"})
    shop.apply()
    orders(shop, "SELECT id, price FROM raw")
    shop.apply()
    assert columns(shop, "dev") == ["id", "price"]


def test_a_contract_alone_computes_nothing(shop):
    orders(shop, ORDERS, contract={"columns": "frozen"}, consumers=BI)
    shop.events.clear()
    shop.apply()
    assert shop.computed() == {}


def test_declared_consumers_are_named_and_warned_of(shop):
    orders(shop, ORDERS, consumers=BI)
    shop.apply()
    orders(shop, "SELECT price FROM raw", consumers=BI)
    plan = shop.plan().plan
    assert [(each.column, each.breaks) for each in plan.columns] == [("id", ("consumer bi-team",)), ("note", ())]
    found = shop.check().diagnostics
    assert [d.code for d in found] == ["HW0284"]


def test_a_consumer_without_columns_reads_all_of_them(shop):
    orders(shop, ORDERS, consumers={"bi": {}})
    shop.apply()
    orders(shop, "SELECT id, price FROM raw", consumers={"bi": {}})
    assert changes(shop)[0][4] == ("consumer bi",)


def test_a_table_that_goes_breaks_its_consumers(shop):
    shop.model("lonely", "SELECT 1 AS x FROM raw", consumers={"bi": {}})
    shop.apply()
    shop.without("lonely")
    from headwater.app.compiling import compiled_for

    assert "HW0286" in [d.code for d in compiled_for(shop.workspace, "dev").diagnostics]


def test_a_merged_table_has_a_contract_too(shop):
    header = {"kind": "merge", "key": ["id"], "on_change": "rebuild", "contract": {"columns": "frozen"}}
    shop.model("merged", ORDERS, **header)
    shop.apply()
    shop.model("merged", "SELECT id, price FROM raw", **header)
    assert [code for code, _ in refusal(shop)] == ["HW0285"]


def test_a_broken_contract_is_shown_where_it_is_written(shop):
    orders(shop, contract={"columns": "frozen"})
    shop.apply()
    orders(shop, "SELECT id, price FROM raw", description="Orders", contract={"columns": "frozen"})
    with pytest.raises(Invalid) as refused:
        shop.plan()
    assert str(refused.value.diagnostics[0].where).startswith("models/orders.sql:3")


@pytest.mark.parametrize("wrong", [{"columns": "strict"}, {"rows": "frozen"}, "frozen"])
def test_a_contract_that_is_none_is_a_mistake(shop, wrong):
    orders(shop, ORDERS, contract=wrong)
    assert shop.mistakes


def test_a_plan_says_what_is_compatible_and_what_breaks_whom(shop):
    orders(shop, "SELECT id, CAST(price AS DECIMAL(9,2)) AS price, note, 1 AS one FROM raw")
    shop.reopen()
    said = CommandLine(shop.root)("plan").out
    assert "  orders: `price` changes from DOUBLE to DECIMAL(9,2) (breaking, read by totals)" in said
    assert "  orders: `one` is added (compatible)" in said


def test_a_plan_as_json_has_the_same(shop):
    orders(shop, "SELECT id, price FROM raw")
    shop.reopen()
    assert CommandLine(shop.root)("--json", "plan").document["columns"] == [
        {"node": "orders", "column": "note", "change": "removed", "before": "VARCHAR", "after": None,
         "breaking": True, "breaks": []}
    ]  # fmt: skip
