"""How rows lie at a site tells nothing: the same rows in another order, or in other files, give the very same bytes."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from headwater.app.site.site import open_site
from headwater.connect.runtimes import Observe
from headwater.policy.charters import digest
from tests.runtimes.worlds import World

ROWS = (
    "4,2024-01-01T00:10:00Z,2.50,anna,zoe@example.org\n",
    "2,2024-01-01T00:20:00Z,2.50,bert,yan@example.org\n",
    "9,2024-01-01T00:10:00Z,3.50,anna,abe@example.org\n",
    "1,2024-01-01T00:40:00Z,1.50,bert,kim@example.org\n",
    "7,2024-01-01T00:10:00Z,2.50,cleo,bob@example.org\n",
)
BY_EMAIL = tuple(sorted(ROWS, key=lambda row: row.split(",")[-1]))
ID = {"id": "BIGINT"}
QUESTIONS = {
    "rows": ("SELECT id FROM granted.g1", ID),
    "rows that are united": ("SELECT id FROM granted.g1 UNION ALL SELECT id FROM granted.g1", ID),
    "the first row": ("SELECT id FROM granted.g1 LIMIT 1", ID),
    "the second row": ("SELECT id FROM granted.g1 LIMIT 1 OFFSET 1", ID),
    "the first of equals": ("SELECT id FROM granted.g1 ORDER BY price DESC, ts LIMIT 2", ID),
    "numbers of rows": ("SELECT id, row_number() OVER () AS n FROM granted.g1", {**ID, "n": "BIGINT"}),
    "numbers of equals": (
        "SELECT id, row_number() OVER (PARTITION BY name ORDER BY price) AS n FROM granted.g1",
        {**ID, "n": "BIGINT"},
    ),
    "a list": ("SELECT list(id) AS ids FROM granted.g1", {"ids": "BIGINT[]"}),
    "a list by group": (
        "SELECT name, string_agg(id, ',') AS ids FROM granted.g1 GROUP BY name",
        {"name": "VARCHAR", "ids": "VARCHAR"},
    ),
    "any value": ("SELECT any_value(id) AS id FROM granted.g1", ID),
    "the first value": ("SELECT first(id) AS id FROM granted.g1", ID),
    "one of those that are greatest": ("SELECT arg_max(id, price > 2) AS id FROM granted.g1", ID),
    "the most frequent of equals": ("SELECT mode(name) AS name FROM granted.g1 WHERE id > 1", {"name": "VARCHAR"}),
    "one of each": ("SELECT DISTINCT ON (name) id FROM granted.g1", ID),
    "groups": ("SELECT name, count(*) AS n FROM granted.g1 GROUP BY name", {"name": "VARCHAR", "n": "BIGINT"}),
}


def _nothing(stop: object) -> None:
    del stop


@contextmanager
def _site(world: World):
    world.approve("eu")
    with open_site("eu", world.home("eu"), world.path / "eu" / "root") as site:
        yield site


def _answer(world: World, question: str) -> bytes:
    query, columns = QUESTIONS[question]
    with _site(world) as site:
        ask = Observe(charter=digest(world.charter), source="sales")
        (position,) = site.observe(ask, _nothing)
        made = world.fragment(query, columns)
        reads = tuple(replace(each, positions=((None, None, position),)) for each in made.reads)
        with site.perform(replace(made, reads=reads), {}, _nothing) as performed:
            return performed.path.read_bytes()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_order_of_rows_in_files_does_not_leave(question, tmp_path):
    sorted_by_name, sorted_by_email = World(tmp_path / "a"), World(tmp_path / "b")
    sorted_by_name.file("eu", "1.csv", "".join(ROWS))
    sorted_by_email.file("eu", "1.csv", "".join(BY_EMAIL[:2]))
    sorted_by_email.file("eu", "2.csv", "".join(BY_EMAIL[2:]))
    assert _answer(sorted_by_name, question) == _answer(sorted_by_email, question)
