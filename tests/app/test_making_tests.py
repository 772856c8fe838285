"""`headwater test --new`: a test made of few real rows that take every branch, and none of whose secrets is shown."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.app.initialise import initialise
from headwater.app.unit_tests.making import new_test
from headwater.app.unit_tests.running import run_tests
from headwater.diagnostics import HeadwaterError
from headwater.run.unit_tests.covering import Witness, cover, thinned
from headwater.run.unit_tests.disguising import Disguise
from tests.harness import Project

ORDERS = {"id": "bigint", "who": "text", "kind": "text", "price": "double"}
ROWS = [(n, f"ann{n % 5}", ["tea", "coffee", "milk"][n % 3], n * 1.5) for n in range(60)]


@pytest.fixture
def orders(project):
    project.source("orders", ORDERS, rows=ROWS)
    project.source("people", {"who": "text", "land": "text"}, rows=[(f"ann{n}", "us") for n in range(4)])
    return project


def made(project, model="it", **more):
    return new_test(project.workspace, project.check("dev"), model, environment="dev", **more)


def entry_of(found):
    (entry,) = yaml.safe_load("tests:\n" + found.text)["tests"].values()
    return entry


def given_rows(found, name):
    return entry_of(found)["given"][name]


def expected(found):
    return entry_of(found)["expect"]["rows"]


def missed(found):
    return [d.message.rpartition(": ")[2] for d in found.diagnostics if d.code == "HW0677"]


def refused(project, *args, **more):
    with pytest.raises(HeadwaterError) as problem:
        made(project, *args, **more)
    return [d.code for d in problem.value.diagnostics]


def test_each_branch_of_a_case_gets_a_row(orders):
    orders.model(
        "it",
        "SELECT CASE WHEN price > 50 THEN 'dear' WHEN kind = 'tea' THEN 'tea' ELSE 'cheap' END AS class FROM orders",
    )
    assert sorted(row["class"] for row in expected(made(orders))) == ["cheap", "dear", "tea"]
    assert len(given_rows(made(orders), "orders")) == 3


def test_a_filter_gets_a_row_that_passes_and_one_that_does_not(orders):
    orders.model("it", "SELECT id FROM orders WHERE price > 50")
    found = made(orders)
    assert sorted(row["price"] > 50 for row in given_rows(found, "orders")) == [False, True]
    assert len(expected(found)) == 1


def test_a_filter_that_is_null_gets_a_row_where_data_has_one(orders):
    orders.file("orders", "2.csv", list(ORDERS), [(99, "bob", "tea", None)])
    orders.model("it", "SELECT id FROM orders WHERE price > 50")
    assert None in [row["price"] for row in given_rows(made(orders), "orders")]


def test_each_part_of_a_filter_fails_by_itself(orders):
    orders.model("it", "SELECT id FROM orders WHERE price > 50 AND kind = 'tea'")
    rows = given_rows(made(orders), "orders")
    assert sorted((row["price"] > 50, row["kind"] == "tea") for row in rows) == [
        (False, True),
        (True, False),
        (True, True),
    ]


def test_a_join_gets_a_hit_with_its_partner_and_a_miss(orders):
    orders.model("it", "SELECT o.id, p.land FROM orders AS o LEFT JOIN people AS p ON p.who = o.who")
    found = made(orders)
    assert {row["land"] for row in expected(found)} == {"us", None}
    assert {row["who"] for row in given_rows(found, "orders")} >= {"ann4"}


def test_an_inner_join_gets_rows_of_both_sides_that_it_drops(orders):
    orders.file("people", "2.csv", ["who", "land"], [("zoe", "fr")])
    orders.model("it", "SELECT o.id FROM orders AS o JOIN people AS p USING (who)")
    found = made(orders)
    assert {"ann4"} < {row["who"] for row in given_rows(found, "orders")}
    assert "zoe" in {row["who"] for row in given_rows(found, "people")}


def test_having_gets_a_group_that_passes_and_one_that_does_not(orders):
    orders.file("orders", "2.csv", list(ORDERS), [(99, "bob", "wine", 1)])
    orders.model("it", "SELECT kind, count(*) AS n FROM orders GROUP BY kind HAVING count(*) > 2")
    found = made(orders)
    assert [row["n"] for row in expected(found)] == [3]
    assert len(given_rows(found, "orders")) == 4


def test_a_branch_shows_in_a_group_that_comes_through(orders):
    orders.model(
        "it",
        "SELECT CASE WHEN price > 50 THEN 'dear' ELSE 'cheap' END AS class, count(*) AS n FROM orders GROUP BY ALL HAVING count(*) > 1",
    )
    assert {row["class"] for row in expected(made(orders))} == {"dear", "cheap"}


def test_each_arm_of_a_union_gets_a_row(orders):
    orders.model("it", "SELECT who FROM orders WHERE price > 80 UNION ALL SELECT land FROM people WHERE land = 'us'")
    assert {"us"} < {row["who"] for row in expected(made(orders))}


def test_qualify_gets_the_rows_of_a_window_that_it_needs(orders):
    orders.model("it", "SELECT kind, id FROM orders QUALIFY row_number() OVER (PARTITION BY kind ORDER BY id) = 1")
    found = made(orders)
    assert len(given_rows(found, "orders")) == 2
    assert len(expected(found)) == 1


@pytest.mark.parametrize(
    "condition", ["EXISTS (SELECT 1 FROM people AS p WHERE p.who = o.who)", "o.who IN (SELECT who FROM people)"]
)
def test_a_subquery_gets_the_rows_that_it_finds(orders, condition):
    orders.model("it", f"SELECT o.id FROM orders AS o WHERE {condition}")
    found = made(orders)
    assert len(expected(found)) == 1
    assert len(given_rows(found, "people")) == 1


def test_branches_below_common_table_expressions_count(orders):
    orders.model(
        "it",
        "WITH c AS (SELECT who, max(price) AS best FROM orders WHERE kind <> 'milk' GROUP BY who) "
        "SELECT c.who, CASE WHEN c.best > 85 THEN 'x' ELSE 'y' END AS z, p.land FROM c LEFT JOIN people AS p USING (who)",
    )
    found = made(orders)
    assert {row["z"] for row in expected(found)} == {"x", "y"}
    assert {row["land"] for row in expected(found)} == {"us", None}


def test_branches_inside_a_macro_count(orders):
    orders.write("functions/dear.sql", "CREATE MACRO dear(x) AS CASE WHEN x > 50 THEN 'dear' ELSE 'cheap' END;\n")
    orders.model("it", "SELECT dear(price) AS class FROM orders")
    assert {row["class"] for row in expected(made(orders))} == {"dear", "cheap"}


def test_only_columns_that_the_model_reads_are_given(orders):
    orders.model("it", "SELECT id FROM orders WHERE price > 50")
    assert set(given_rows(made(orders), "orders")[0]) == {"id", "price"}


def test_a_branch_that_no_row_takes_is_made_up_and_marked(orders):
    orders.model("it", "SELECT CASE WHEN kind = 'wine' THEN 1 ELSE 0 END AS x FROM orders")
    found = made(orders)
    assert {row["x"] for row in expected(found)} == {0, 1}
    assert "# made up, no real row does: WHEN `kind = 'wine'`\n" in found.text
    assert missed(found) == []


def test_a_branch_that_cannot_be_made_up_is_reported_where_it_stands(orders):
    orders.model("it", "SELECT\n  CASE WHEN id * 2 + 1 = id * 2 THEN 1 ELSE 0 END AS x\nFROM orders")
    (found,) = [d for d in made(orders).diagnostics if d.code == "HW0677"]
    assert (found.where.file, found.where.line, found.where.column) == ("models/it.sql", 2, 13)
    assert found.message == "no row takes this branch: WHEN `((id * 2) + 1) = (id * 2)`"


def test_the_same_rows_give_the_same_test(orders):
    orders.model("it", "SELECT kind, count(*) FILTER (WHERE price > 50) AS n FROM orders GROUP BY kind")
    first = made(orders).text
    orders.reopen()
    assert made(orders).text == first


def test_the_test_passes_where_it_was_written(orders):
    orders.model("it", "SELECT *, price > 50 AS dear FROM orders WHERE kind <> 'milk'")
    found = made(orders)
    orders.write(found.file.path, found.file.after)
    (result,) = run_tests(orders.root).results
    assert (result.name, result.passed) == ("it on real rows", True)


def test_it_fails_when_a_branch_changes(orders):
    orders.model("it", "SELECT CASE WHEN price > 50 THEN 'dear' ELSE 'cheap' END AS class FROM orders")
    found = made(orders)
    orders.write(found.file.path, found.file.after)
    orders.model("it", "SELECT CASE WHEN price > 50 THEN 'dear' ELSE 'fair' END AS class FROM orders")
    assert not run_tests(orders.root).results[0].passed


def test_what_differs_from_call_to_call_is_not_expected(orders):
    orders.model("it", "SELECT id, random() AS luck FROM orders WHERE price > 50")
    found = made(orders)
    assert expected(found)[0].keys() == {"id"}
    assert [d.code for d in found.diagnostics] == ["HW0676"]


def test_no_more_rows_than_asked_for_are_given(orders):
    orders.model(
        "it", "SELECT CASE WHEN id < 5 THEN 1 WHEN id < 9 THEN 2 WHEN id < 20 THEN 3 ELSE 4 END AS x FROM orders"
    )
    found = made(orders, most_rows=2)
    assert len(given_rows(found, "orders")) == 2
    assert len([d for d in found.diagnostics if d.code == "HW0677"]) == 2


# Masking


def test_values_with_a_class_are_never_shown(project):
    project.source("orders", ORDERS | {"who": {"type": "text", "class": "pii.name"}}, rows=ROWS)
    project.model("it", "SELECT who, count(*) AS n FROM orders GROUP BY who HAVING count(*) > 2")
    found = made(project)
    assert "ann" not in found.text
    assert [row["n"] for row in expected(found)] == [3]


def test_masked_keys_still_meet(project):
    project.source("orders", ORDERS | {"who": {"type": "text", "class": "internal"}}, rows=ROWS)
    project.source("people", {"who": "text", "land": "text"}, rows=[(f"ann{n}", "us") for n in range(4)])
    project.model("it", "SELECT o.id, p.land FROM orders AS o LEFT JOIN people AS p ON p.who = o.who")
    found = made(project)
    assert {row["land"] for row in expected(found)} == {"us", None}
    assert "ann" not in found.text


def test_what_is_made_of_a_masked_column_is_masked(orders):
    orders.source("orders", ORDERS | {"who": {"type": "text", "class": "pii"}})
    orders.model("upper", "SELECT upper(who) AS name, price FROM orders").apply()
    orders.model("it", "SELECT name FROM upper WHERE price > 50")
    assert "ANN" not in made(orders).text


def test_a_masked_value_keeps_the_branch_that_it_takes(project):
    project.source("orders", ORDERS | {"who": {"type": "text", "class": "pii.name"}}, rows=ROWS)
    project.model("it", "SELECT id, CASE WHEN who LIKE 'a%3' THEN 'three' ELSE 'other' END AS x FROM orders")
    found = made(project)
    assert {row["x"] for row in expected(found)} == {"three", "other"}
    assert not {row["who"] for row in given_rows(found, "orders")} & {f"ann{n}" for n in range(5)}


def test_a_column_that_says_it_is_public_is_shown(project):
    project.source("orders", ORDERS | {"who": {"type": "text", "class": "public"}}, rows=ROWS)
    project.model("it", "SELECT who FROM orders WHERE price > 50")
    assert "ann" in made(project).text


TYPED = [
    ("VARCHAR", st.text(max_size=20)),
    ("BIGINT", st.integers(-(2**63), 2**63 - 1)),
    ("TINYINT", st.integers(-128, 127)),
    ("DOUBLE", st.floats(allow_nan=False)),
]


@pytest.mark.parametrize(("type_", "values"), TYPED)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_stand_in_is_the_same_for_the_same_value_and_of_its_type(type_, values, data):
    value = data.draw(values)
    disguise = Disguise(0)
    found = disguise.of(value, type_)
    assert type(found) is type(value)
    assert found == disguise.of(value, type_) == Disguise(0).of(value, type_)
    assert type_ != "TINYINT" or -128 <= found <= 127


@given(st.sets(st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=12), max_size=30))
def test_two_values_get_two_stand_ins_that_are_not_themselves(values):
    disguise = Disguise(0)
    found = {value: disguise.of(value, "VARCHAR") for value in sorted(values)}
    assert len(set(found.values())) == len(values)
    assert all(fake != value for value, fake in found.items() if value.isascii())


def test_null_stays_null():
    assert Disguise(0).of(None, "VARCHAR") is None


# Time


def test_an_incremental_model_gets_the_slot_whose_rows_take_most_branches(project):
    rows = [
        ("2024-01-01T10:00:00Z", 1),
        ("2024-01-02T10:00:00Z", 1),
        ("2024-01-02T11:00:00Z", 9),
        ("2024-01-03T10:00:00Z", 1),
    ]
    project.source("ticks", {"seen": "timestamptz", "n": "bigint"}, rows=rows, time="seen", start="2024-01-01")
    project.model(
        "it",
        "SELECT CAST(seen AS DATE) AS day, CASE WHEN n > 5 THEN 'high' ELSE 'low' END AS what FROM ticks WHERE seen >= $start AND seen < $end",
        kind="incremental", time="day", every="1d",
    )  # fmt: skip
    found = made(project)
    assert "slot: [2024-01-02T00:00:00Z, 2024-01-03T00:00:00Z]\n" in found.text
    assert {row["what"] for row in expected(found)} == {"high", "low"}


def test_a_model_that_asks_for_now_gets_a_fixed_one(project):
    project.source("ticks", {"seen": "timestamptz"}, rows=[("2024-01-01T10:00:00Z",)], time="seen", start="2024-01-01")
    project.model("it", "SELECT seen, seen < now() AS past FROM ticks")
    assert "now: 2024-01-02T00:00:00Z\n" in made(project).text


# What cannot be taken apart


def test_a_python_model_gets_a_handful_of_rows(orders):
    orders.write(
        "models/it.py",
        "import pyarrow as pa\nimport headwater as hw\n\n\n"
        '@hw.model(inputs={"orders": "orders"}, columns={"n": "bigint"})\n'
        'def it(orders: pa.Table):\n    return pa.table({"n": [orders.num_rows]})\n',
    )
    found = made(orders)
    assert expected(found) == [{"n": 3}]
    assert [d.code for d in found.diagnostics] == ["HW0675"]


def test_a_recursive_query_gets_a_sample_and_says_so(orders):
    orders.model(
        "it",
        "WITH RECURSIVE r AS (SELECT min(id) AS n FROM orders UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r",
    )
    found = made(orders)
    assert len(expected(found)) == 4
    assert [d.code for d in found.diagnostics] == ["HW0675"]


def test_a_query_without_branches_gets_a_few_rows(orders):
    orders.model("it", "SELECT id, price * 2 AS twice FROM orders")
    assert len(expected(made(orders))) == 3


def test_a_view_can_be_tested(orders):
    orders.model("base", "SELECT id, kind FROM orders").apply()
    orders.model("it", "SELECT id FROM base WHERE kind = 'tea'", kind="view")
    assert len(expected(made(orders))) == 1


# Mistakes


def test_a_model_must_exist(orders):
    orders.model("it", "SELECT 1 AS x FROM orders")
    assert refused(orders, "itt") == ["HW0670"]
    assert refused(orders, "orders") == ["HW0671"]


def test_an_input_must_be_served(orders):
    orders.model("base", "SELECT id FROM orders")
    orders.model("it", "SELECT id FROM base")
    assert refused(orders) == ["HW0672"]


def test_a_test_is_never_replaced(orders):
    orders.model("it", "SELECT id FROM orders")
    found = made(orders)
    orders.write(found.file.path, found.file.after)
    assert refused(orders) == ["HW0673"]
    assert made(orders, name="another").name == "another"


def test_a_new_test_stands_below_those_that_are_there(orders):
    orders.model("it", "SELECT id FROM orders WHERE price > 50")
    first = "# mine\ntests:\n    by hand:   # four spaces\n        model: it\n        expect: []\n\nsites:\n  hub:\n"
    orders.write("tests/it.yaml", first)
    found = made(orders)
    orders.write(found.file.path, found.file.after)
    assert found.file.after.startswith("# mine\ntests:\n    by hand:   # four spaces\n")
    assert [result.name for result in run_tests(orders.root).results] == ["by hand", "it on real rows"]


def test_a_file_that_cannot_be_added_to_is_left_alone(orders):
    orders.model("it", "SELECT id FROM orders")
    orders.write("tests/it.yaml", "tests: {by hand: {model: it, expect: []}}\n")
    assert refused(orders) == ["HW0673"]


def test_there_must_be_rows(project):
    project.source("orders", ORDERS, rows=[])
    project.model("it", "SELECT id FROM orders")
    assert refused(project) == ["HW0674"]
    assert refused(project, most_rows=0) == ["HW0674"]


@given(
    st.lists(
        st.tuples(
            st.frozensets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1),
            st.lists(st.integers(0, 30), min_size=1, max_size=4).map(tuple),
        ),
        max_size=12,
    )
)
def test_a_cover_takes_everything_that_can_be_taken(found):
    witnesses = [Witness(takes, rows) for takes, rows in found]
    possible = frozenset().union(*(each.takes for each in witnesses))
    chosen = set(cover(witnesses, possible))
    assert frozenset().union(*(each.takes for each in witnesses if set(each.rows) <= chosen)) == possible


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_nothing_more_can_be_taken_from_what_was_thinned_out(rows, needed):
    kept = thinned(sorted(rows | needed), lambda rest: needed <= set(rest))
    assert set(kept) == needed


def test_a_model_that_remembers_is_tested_by_its_own_query(orders):
    orders.model("it", "SELECT who, price FROM orders WHERE price > 80", kind="merge", key=["who"])
    found = made(orders)
    assert entry_of(found)["model"] == "it@changes"
    assert expected(found)[0].keys() >= {"who", "price"}
    assert "hw_link" not in found.text


@pytest.mark.slow
def test_every_model_of_a_real_project_gets_a_test_that_passes(tmp_path):
    initialise(tmp_path, "flights", name="flights")
    settings = tmp_path / "headwater.yaml"
    settings.write_text(settings.read_text().replace(", runtime: local", ""))  # rows at sites are not for test files
    project = Project(tmp_path)
    project.apply()
    models = [node.name for node in project.graph().nodes if node.source is None and "@" not in node.name]
    for model in models:
        found = made(project, model)
        project.write(found.file.path, found.file.after)
    results = run_tests(tmp_path).results
    assert len(models) > 8
    assert [each.name for each in results if not each.passed] == []
    assert {f"{model} on real rows" for model in models} <= {each.name for each in results}
