"""Environments are made, maybe on a parent's entries, listed and deleted."""

from dataclasses import replace

import pytest

from headwater.diagnostics import Conflict, Invalid
from headwater.spec.addresses import HUB
from headwater.spec.observations import Observation
from headwater.state.database import Database
from headwater.state.environments import create, delete, environments
from headwater.state.heads import read_head
from headwater.state.observations import last_observations
from headwater.state.releases import history
from tests.state.making import NOON, fill, first, item, later, release, served, swap

A, A2 = fill("a"), fill("a", position="p2")
QUOTED = "Robert\"); DROP TABLE entries;--'ü" + "x" * 200


def test_an_environment_takes_its_parents_entries_holds_and_observations_as_they_stand(db: Database) -> None:
    seen = Observation("raw", HUB, (item("a.csv"),))
    made = release(
        db, replace(first(A, environment="prod"), holds_set={("a", HUB, A.slot): A2.moving}, observations=(seen,))
    )
    create(db, "pr-1", at=NOON, parent="prod", like="pr", expires=later(60))
    release(db, swap((A, A2), environment="prod"))
    head = read_head(db, "pr-1")
    assert served(db, "pr-1") == {"a": {"all": A.id}}
    assert (head.code, head.release, head.holds) == ("c1", None, {("a", HUB, A.slot): A2.moving})
    assert last_observations(db, "pr-1") == {("raw", HUB): seen}
    row = next(row for row in environments(db) if row.name == "pr-1")
    assert (row.parent, row.like, row.expires, row.origin_release) == ("prod", "pr", later(60), made.id)


def test_a_child_moves_without_its_parent(db: Database) -> None:
    release(db, first(A, environment="prod"))
    create(db, "pr-1", at=NOON, parent="prod", like=None, expires=None)
    release(db, swap((A, A2), environment="pr-1"))
    assert served(db, "prod") == {"a": {"all": A.id}}


def test_an_environment_is_made_once(db: Database) -> None:
    create(db, "pr-1", at=NOON, parent=None, like=None, expires=None)
    with pytest.raises(Conflict) as caught:
        create(db, "pr-1", at=NOON, parent=None, like=None, expires=None)
    assert caught.value.diagnostics[0].code == "HW0607"


def test_a_parent_that_was_never_written_is_empty(db: Database) -> None:
    create(db, "pr-1", at=NOON, parent="prod", like=None, expires=None)
    assert served(db, "pr-1") == {}


def test_deleting_keeps_the_history_and_forgets_the_head(db: Database) -> None:
    made = release(db, first(A))
    delete(db, "dev", at=NOON)
    assert environments(db) == ()
    assert served(db) == {}
    assert history(db, "dev", 10) == (made,)


def test_an_environment_made_again_starts_empty(db: Database) -> None:
    release(db, first(A))
    delete(db, "dev")
    again = release(db, first(A2))
    assert served(db) == {"a": {"all": A2.id}}
    assert again.parent is None


def test_deleting_what_is_not_there_suggests_what_is(db: Database) -> None:
    create(db, "pr-1", at=NOON, parent=None, like=None, expires=None)
    with pytest.raises(Invalid) as caught:
        delete(db, "pr1")
    assert "pr-1" in caught.value.diagnostics[0].hint


def test_any_text_is_a_name(db: Database) -> None:
    odd = fill(QUOTED)
    release(db, first(odd, environment=QUOTED))
    assert served(db, QUOTED) == {QUOTED: {"all": odd.id}}
    delete(db, QUOTED)
    assert environments(db) == ()
