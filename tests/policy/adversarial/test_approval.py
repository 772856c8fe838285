"""Whoever writes the query does not write the policy: a site answers under what its operator approved, to the letter."""

from dataclasses import replace

import pytest

from headwater.app.site.answers import Unanswered
from headwater.app.site.site import open_site
from headwater.connect.runtimes import Granted, Measure, Observe
from headwater.diagnostics import Refused
from headwater.policy.charters import digest, encode
from tests.runtimes.worlds import CHARTER, World, rule

ROWS = "4,2024-01-01T00:10:00Z,2.50,anna,zoe@example.org\n"
EMAIL = 'SELECT email FROM "granted"."g1"'
WIDER = (rule(ship=("id", "email")),)
EDITS = {
    "one column more": {"policies": (rule(ship=("id", "ts", "price", "name", "email")),)},
    "another rule beside": {"policies": (rule(), rule("all", ship=("email",)))},
    "no predicate any more": {"policies": (rule(),)},
    "another jurisdiction of the hub": {"places": {"eu": "eu", "hub": "eu", "us": "us"}},
    "no jurisdictions": {"places": {}},
    "another class": {"sources": ()},
    "another project": {"project": "other"},
}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, replace(CHARTER, policies=(rule(predicate="price > 1"),)))
    made.file("eu", "1.csv", ROWS)
    made.approve("eu")
    return made


def _nothing(stop: object) -> None:
    del stop


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_charter_is_another_one(world, edit):
    edited = replace(world.charter, **EDITS[edit])
    assert digest(edited) != digest(world.charter)
    with open_site("eu", world.home("eu"), world.path / "eu" / "root") as site:
        site.offer(encode(edited))
        reads = (Granted(name="g1", source="sales", rule="sales-to-us"),)
        asked = world.fragment(EMAIL, {"email": "VARCHAR"}, charter=digest(edited), reads=reads)
        with pytest.raises((Unanswered, Refused)):
            site.prove(asked)
        for question in (Observe, Measure):
            answer = site.observe if question is Observe else site.measure
            with pytest.raises((Unanswered, Refused)):
                answer(question(charter=digest(edited), source="sales"), _nothing)


def test_the_words_of_an_edited_charter_under_the_old_digest_change_nothing(world):
    with open_site("eu", world.home("eu"), world.path / "eu" / "root") as site:
        site.offer(encode(replace(world.charter, policies=WIDER)))
        with pytest.raises((Unanswered, Refused)):
            site.prove(world.fragment(EMAIL, {"email": "VARCHAR"}))


def test_a_site_proves_what_a_hub_that_lies_about_grants_would_not(world):
    lies = {
        "rule of nobody": (Granted(name="g1", source="sales", rule="all"),),
        "no rule needed": (Granted(name="g1", source="sales", rule=""),),
        "no grant at all": (),
    }
    with open_site("eu", world.home("eu"), world.path / "eu" / "root") as site:
        for reads in lies.values():
            with pytest.raises((Unanswered, Refused)):
                site.prove(world.fragment(EMAIL, {"email": "VARCHAR"}, reads=reads))
