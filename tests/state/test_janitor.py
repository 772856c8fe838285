"""What the janitor may take, and what it may not."""

import pytest

from headwater.state.database import Database
from headwater.state.environments import delete
from headwater.state.fills import known, record
from headwater.state.janitor import condemn, forget, missing_rows, unreferenced
from headwater.state.leases import acquire, release_leases
from tests.state.making import NOON, fill, first, later, release, served, swap

A, A2, A3 = fill("a"), fill("a", position="p2"), fill("a", position="p3")
NOTHING = frozenset()


@pytest.fixture
def history(db: Database) -> tuple[str, str, str]:
    """Three releases, an hour apart; each replaces the fill of the one before."""
    one = release(db, first(A))
    two = release(db, swap((A, A2), at=later(3600)))
    three = release(db, swap((A2, A3), at=later(7200)))
    return one.id, two.id, three.id


def free(db: Database, after: float, protected: frozenset[str] = NOTHING) -> set[str]:
    return {found.id for found in unreferenced(db, later(after), protected)}


def test_what_a_head_serves_stays(db: Database, history: tuple[str, str, str]) -> None:
    assert free(db, 9999) == {A.id, A2.id}


def test_what_releases_within_keep_put_back_stays(db: Database, history: tuple[str, str, str]) -> None:
    assert free(db, 7200) == {A.id}
    assert free(db, 3600) == set()


def test_fills_of_deleted_environments_are_free(db: Database, history: tuple[str, str, str]) -> None:
    delete(db, "dev")
    assert free(db, 0) == {A.id, A2.id, A3.id}


def test_saved_plans_and_leases_protect(db: Database, history: tuple[str, str, str]) -> None:
    acquire(db, [f"fill:{A.id}"], "ada", NOON, 60)
    assert free(db, 9999) == {A2.id}
    assert free(db, 9999, frozenset([A2.id])) == set()
    assert condemn(db, [A.id]) == frozenset()
    release_leases(db, [f"fill:{A.id}"], "ada")
    assert condemn(db, [A.id]) == {A.id}


def test_a_refused_fill_is_kept_as_long_as_a_release_if_its_time_is_told(db: Database) -> None:
    record(db, [A], at=NOON)
    record(db, [A2])
    assert free(db, -1) == {A2.id}
    assert free(db, 1) == {A.id, A2.id}


def test_condemning_asks_again(db: Database, history: tuple[str, str, str]) -> None:
    found = free(db, 9999)
    release(db, swap((A3, A), at=later(9999)))
    assert condemn(db, found) == {A2.id}
    assert served(db) == {"a": {"all": A.id}}


def test_condemning_with_keep_spares_what_was_replaced_meanwhile(db: Database, history: tuple[str, str, str]) -> None:
    found = free(db, 9000)
    release(db, swap((A3, A), at=later(9999)))
    release(db, swap((A, A3), at=later(9999)))
    assert condemn(db, found, keep_after=later(9000)) == {A2.id}


def test_a_janitor_that_died_is_finished_by_the_next(db: Database, history: tuple[str, str, str]) -> None:
    condemn(db, [A.id])
    assert A.id in free(db, 9999)


def test_forgetting_touches_only_the_condemned(db: Database, history: tuple[str, str, str]) -> None:
    condemn(db, [A.id])
    forget(db, [A.id, A2.id])
    assert set(known(db, [A.id, A2.id, A3.id])) == {A2.id, A3.id}
    assert A.id not in free(db, 9999)


def test_a_release_says_when_its_rows_are_gone(db: Database, history: tuple[str, str, str]) -> None:
    one, two, three = history
    assert not any(missing_rows(db, name) for name in history)
    condemn(db, [A.id])
    assert (missing_rows(db, one), missing_rows(db, two), missing_rows(db, three)) == (True, False, False)
    forget(db, [A.id])
    assert (missing_rows(db, one), missing_rows(db, two)) == (True, False)


def test_a_fill_that_came_and_went_after_a_release_does_not_matter_to_it(db: Database) -> None:
    one = release(db, first(A))
    release(db, swap((A, A2)))
    release(db, swap((A2, A)))
    condemn(db, [A2.id])
    assert not missing_rows(db, one.id)


def test_releases_of_deleted_environments_have_no_rows(db: Database, history: tuple[str, str, str]) -> None:
    delete(db, "dev")
    release(db, first(A))
    assert all(missing_rows(db, name) for name in history)
