"""What runs where, and what may move: one small question at a time."""

import duckdb
import pytest

from headwater.graph.resolve_references import parse
from headwater.placement.placing import place
from headwater.placement.values import Located
from headwater.policy.values import Grant, Places
from headwater.sql.tree import Unclear
from tests.placement.places import BINDER, assert_same, described, occurrences, placed, raw, read, run_placed

NOWHERE = Places(jurisdictions={})

COLUMNS = (("id", "INTEGER"), ("town", "VARCHAR"), ("amount", "HUGEINT"))
SCHEMAS = {"orders": COLUMNS, "towns": COLUMNS, "prices": COLUMNS}
LOCATED = {
    "orders": Located(sites=("bern", "rome"), partition={"id": "orders"}),
    "towns": Located(sites=("bern", "rome", "hub"), replicated=True),
    "prices": Located(sites=("bern",)),
}
ROWS = {
    "orders": {"bern": "(1, 'a', 7), (1, 'b', NULL)", "rome": "(2, 'a', 5), (3, NULL, 9)"},
    "towns": dict.fromkeys(("bern", "rome", "hub"), "(1, 'a', 1), (2, 'b', 2)"),
    "prices": {"bern": "(1, 'x', 4), (2, 'y', 6), (3, 'z', 8)"},
}


@pytest.fixture
def sites():
    engines = {site: duckdb.connect() for site in ("hub", "bern", "rome")}
    for table, parts in ROWS.items():
        for site, rows in parts.items():
            engines[site].execute(f"CREATE TABLE {table} (id INTEGER, town VARCHAR, amount HUGEINT)")
            engines[site].execute(f"INSERT INTO {table} VALUES {rows}")
    return engines


def one_machine():
    engine = duckdb.connect()
    for table, parts in ROWS.items():
        engine.execute(f"CREATE TABLE {table} (id INTEGER, town VARCHAR, amount HUGEINT)")
        for rows in dict.fromkeys(parts.values()):
            engine.execute(f"INSERT INTO {table} VALUES {rows}")
    return engine


def asked(text, sites, **given):
    made = placed(text, LOCATED, SCHEMAS, **given)
    ran, one = run_placed(made, sites), one_machine()
    assert_same((ran.rows, ran.columns), (one.execute(text).fetchall(), described(one, text)), ordered=False)
    return made, ran


def test_sums_cross_instead_of_rows_and_keep_their_type(sites):
    made, ran = asked("SELECT sum(amount) AS total, count(*) AS n FROM orders", sites)
    assert [each.because for each in made.exchanges] == ["partial aggregates"]
    assert sorted(ran.crossing("x1")) == [(7, 2), (14, 2)]


def test_groups_that_hold_the_partition_are_complete_where_they_lie(sites):
    _, ran = asked("SELECT id, count(DISTINCT town) AS n FROM orders GROUP BY id HAVING count(*) > 1", sites)
    assert ran.crossing("x1") == [(1, 2)]


def test_the_first_rows_of_each_site_are_enough(sites):
    made, ran = asked("SELECT id, town FROM orders ORDER BY id DESC, town LIMIT 1", sites)
    assert made.exchanges[0].because == "the first 1"
    assert len(ran.crossing("x1")) == 2


def test_a_join_with_what_lies_everywhere_moves_only_its_result(sites):
    _, ran = asked("SELECT o.id FROM orders o JOIN towns t ON o.id = t.id WHERE t.town = 'b'", sites)
    assert ran.crossing("x1") == [(2,)]


def test_a_single_value_is_sent_before_the_rows_it_judges(sites):
    made, ran = asked("SELECT id FROM orders WHERE amount > (SELECT avg(amount) FROM orders)", sites)
    assert [each.senders for each in made.exchanges] == [("bern", "rome"), ("hub",), ("bern", "rome")]
    assert ran.crossing(made.exchanges[-1].name) == [(3,)]


def test_rows_that_may_not_go_to_a_site_are_joined_where_the_question_is_asked(sites):
    places = Places(jurisdictions={"hub": "ch", "bern": "ch", "rome": "it"})
    query = "SELECT id, town, amount FROM {}"
    grants = {
        name: {
            site: Grant(
                rule="", relation=name, site=site, to=frozenset({"ch"}), shape="raw", columns=COLUMNS, labels={},
                query=query.format(name),
            )
            for site in located.sites
        }
        for name, located in LOCATED.items()
        if name != "towns"
    }  # fmt: skip
    text = "SELECT o.id, p.town FROM orders o JOIN prices p ON o.id = p.id WHERE o.amount > (SELECT min(amount) FROM prices)"
    made, _ = asked(text, sites, places=places, grants=grants | {"towns": {}})
    assert all(each.to == ("hub",) or "rome" not in each.to for each in made.exchanges)


def test_what_is_not_understood_gathers_the_columns_it_needs(sites):
    made, _ = asked("SELECT o.id, t.town FROM towns t POSITIONAL JOIN (SELECT id FROM orders WHERE false) o", sites)
    assert all(each.columns == (("id", "INTEGER"),) for each in made.exchanges)


def test_a_text_that_does_not_read_back_as_its_query_is_not_sent():
    query, columns = read("SELECT min(amount) AS least FROM orders", SCHEMAS)
    grants = {"orders": raw("orders", LOCATED["orders"], COLUMNS, "hub", NOWHERE)}
    found = occurrences(query, LOCATED, SCHEMAS, grants)

    def misread(text):
        return parse(BINDER, text.replace("granted", "grunted"))

    with pytest.raises(Unclear, match="cannot be written as SQL for sure"):
        place(query, columns, found, at="hub", places=NOWHERE, bind=BINDER, parse=misread)
