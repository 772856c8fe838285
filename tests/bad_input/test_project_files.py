"""Mistakes in the files of a project: said with code, place and hint, all at once, by every command alike."""

import pytest

from tests.bad_input.conftest import place

COUNT = "SELECT ordered_on, count(*) AS n FROM orders GROUP BY 1\n"


def test_broken_yaml(shop):
    shop.write("more.yaml", "sources:\n  a: {path: [\n")
    assert shop.refuses_files() == ["HW0105 more.yaml:3:1"]


def test_a_misspelt_key_gets_a_suggestion(shop):
    shop.edit("headwater.yaml", "timezone:", "timzone:")
    [found] = shop.refuses("plan")
    assert (place(found), found["hint"]) == ("HW0109 headwater.yaml:4:1", "did you mean `timezone`?")


def test_an_unknown_key(shop):
    shop.edit("sources/orders.yaml", "    format: csv", "    colour: red\n    format: csv")
    assert shop.refuses_files() == ["HW0109 sources/orders.yaml:7:5"]


def test_a_value_of_the_wrong_type(shop):
    shop.edit(
        "sources/orders.yaml",
        "order_id: {type: bigint, required: true}",
        "order_id: {type: bigint, required: maybe, unit: [1]}",
    )
    assert shop.refuses_files() == ["HW0110 sources/orders.yaml:9:42", "HW0110 sources/orders.yaml:9:55"]


def test_a_node_declared_twice(shop):
    shop.write("sources/again.yaml", (shop.root / "sources/orders.yaml").read_bytes())
    [found] = shop.refuses("apply")
    assert place(found) == "HW0115 sources/orders.yaml:3:3"
    assert "first at sources/again.yaml:3:3" in found["message"]


def test_two_files_that_claim_one_node(shop):
    shop.write("models.yaml", "models:\n  sales: {sql: SELECT 1 AS a}\n")
    [found] = shop.refuses("apply")
    assert place(found) == "HW0115 models.yaml:2:3"
    assert "models/sales.sql" in found["message"]


def test_files_whose_names_differ_in_case_only(shop):
    shop.write("models/Sales.sql", "SELECT 1 AS a\n")
    assert shop.refuses_files() == ["HW0115 models/sales.sql:1:1"]


def test_a_header_that_is_cut(shop):
    shop.edit("models/sales.sql", "min: 0}", 'min: 0, name: "x */ y"}')
    assert shop.refuses_files() == ["HW0117 models/sales.sql:6:56"]


def test_every_mistake_is_said_at_once(shop):
    shop.write("models/a.sql", "SELEC 1\n")
    shop.write("models/b.sql", "SELECT x FROM nosuch\n")
    shop.write("models/c.sql", "SELECT quantiti FROM orders\n")
    shop.write("models/d.sql", "SELECT product\nFROM orders AS a JOIN orders AS b USING (order_id)\n")
    places = [
        "HW0203 models/a.sql:1:1",
        "HW0201 models/b.sql:1:15",
        "HW0213 models/c.sql:1:8",
        "HW0214 models/d.sql:1:8",
    ]
    assert shop.refuses_files() == places


def test_a_ring_of_models(shop):
    shop.write("models/a.sql", "SELECT * FROM b\n")
    shop.write("models/b.sql", "SELECT * FROM a\n")
    assert shop.refuses_files() == ["HW0202 models/a.sql:1:15"]


def test_a_model_that_reads_itself(shop):
    shop.write("models/a.sql", "SELECT * FROM a\n")
    assert shop.refuses_files() == ["HW0202 models/a.sql:1:15"]


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ("kind: incremental", ["HW0221", "HW0221"]),
        ("kind: incremental\ntime: ordered_on", ["HW0221", "HW0225"]),
        ("kind: incremental\nevery: 1d", ["HW0221"]),
    ],
)
def test_incremental_needs_time_every_and_a_start(shop, settings, codes):
    shop.write("models/a.sql", f"/* headwater\n{settings}\n*/\n{COUNT}")
    assert [each.split()[0] for each in shop.refuses_files()] == codes


def test_a_parameter_that_nobody_defines(shop):
    shop.write("models/a.sql", "SELECT $nobody AS n FROM orders\n")
    assert shop.refuses_files() == ["HW0208 models/a.sql:1:8"]
    assert shop.fails("plan", "--var", "nobody=1")["code"] == "HW0535"


@pytest.mark.parametrize(
    "statement", ["COPY (SELECT 1) TO 'x.csv'", "DROP TABLE sales", "ATTACH 'x.db'", "SELECT 1 AS a; DROP TABLE b"]
)
def test_a_model_is_a_query(shop, statement):
    shop.write("models/a.sql", statement)
    assert {each.split()[0] for each in shop.refuses_files()} <= {"HW0120", "HW0204"}
    assert not list(shop.root.glob("x.*"))


def test_a_model_that_only_names_a_macro_does_not_need_what_it_reads(shop):
    shop.write("functions/best.sql", "CREATE MACRO best(many) AS TABLE SELECT * FROM sales LIMIT many;\n")
    shop.write("models/a.sql", "SELECT 1 AS best FROM orders\n")
    shop.write("models/b.sql", "SELECT product FROM best(2)\n")
    assert shop("apply").code == 0
    assert len(shop("--json", "query", "FROM best(2)").document) == 2


def test_a_macro_of_values_is_no_table(shop):
    shop.write("functions/late.sql", "CREATE MACRO late(a, b) AS a > b;\n")
    shop.write("models/a.sql", "SELECT 1 AS x FROM late(1, 2) AS c\n")
    assert shop.refuses_files() == ["HW0215 models/a.sql:1:20"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"sinks:\n  a\0b: 1\n", "HW0104"),
        (b"\xff\xfe", "HW0103"),
        (b"sources: &a [*a]\n", "HW0107"),
        (b"sources: " + b"[" * 5000, "HW0107"),
        (b"models: {}\nmodels: {}\n", "HW0108"),
    ],
)
def test_files_that_are_hardly_text(shop, content, code):
    shop.write("odd.yaml", content)
    assert code in {each.split()[0] for each in shop.refuses_files()}


def test_a_byte_order_mark_and_other_line_ends_are_read(shop):
    for path in ("headwater.yaml", "models/sales.sql", "sources/orders.yaml"):
        shop.write(path, b"\xef\xbb\xbf" + (shop.root / path).read_bytes().replace(b"\n", b"\r\n"))
    shop.write("models/a.sql", b"\xef\xbb\xbfSELECT *\r\nFROM nowhere\r\n")
    assert shop.refuses_files() == ["HW0201 models/a.sql:2:6"]


def test_rows_outside_their_slot(shop):
    shop.edit("headwater.yaml", "dev: {", "dev: {as_of: 2026-01-05, ")
    settings = "kind: incremental\ntime: day\nevery: 1d\nstart: 2026-01-01"
    query = "SELECT ordered_on + 1 AS day FROM orders WHERE ordered_on >= $start AND ordered_on < $end"
    shop.write("models/a.sql", f"/* headwater\n{settings}\n*/\n{query}\n")
    found = shop.fails("apply", code=6)
    assert (found["code"], found["file"], found["line"]) == ("HW0510", "models/a.sql", 1)
    assert "such as day = 2026-01-" in found["message"]


@pytest.mark.parametrize(
    "check",
    [
        'query: {sql: "SELECT * FROM sales WHERE CAST(product AS INT) > 0", name: q}',
        'expression: {sql: "CAST(product AS INT) > 0"}',
    ],
)
def test_a_check_that_the_rows_make_impossible(shop, check):
    shop.edit("models/sales.sql", "checks:", f"checks:\n  - {check}")
    found = shop.fails("apply")
    assert (found["code"], found["file"], found["line"]) == ("HW0507", "models/sales.sql", 1)


@pytest.mark.parametrize("reference", ["${env:NO_SUCH_PLACE}", "${file:no/such}", "${keyring:no/such}"])
def test_a_secret_without_a_value_is_named_by_its_reference(shop, reference, monkeypatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    shop.edit("sources/orders.yaml", "data/orders.csv", reference + "/orders.csv")
    found = shop.fails("apply")
    assert (found["code"], found["file"], found["line"]) == ("HW0530", "sources/orders.yaml", 3)
    assert reference in found["message"]


def test_the_value_of_a_secret_is_in_no_output_and_no_plan(shop, monkeypatch):
    monkeypatch.setenv("PLACE", "hunter2-secret")
    shop.edit("sources/orders.yaml", "path: data/orders.csv", "path: ${env:PLACE}/orders.csv\n    on_vanish: delete")
    shop.write("hunter2-secret/orders.csv", (shop.root / "data/orders.csv").read_bytes())
    plan = shop.root / "x.plan"
    said = [shop(*each).everything for each in (["check"], ["plan", "--out", plan], ["apply"], ["lineage", "sales"])]
    assert not [each for each in (*said, plan.read_text()) if "hunter2" in each]
