"""The fills that the state knows, whole and unchanged."""

from dataclasses import replace

from headwater.state.database import Database
from headwater.state.fills import condemned, files_of, known, record, recorded, served_elsewhere
from headwater.state.janitor import condemn, forget
from tests.state.making import fill, first, release

A = replace(fill("a"), rejects=2, rejects_file="r.parquet", attempt="x1")


def test_a_fill_is_given_back_as_it_was_recorded(db: Database) -> None:
    record(db, [A])
    assert known(db, [A.id, "unknown"]) == {A.id: A}
    assert files_of(db, [A.id]) == {A.id: A.files}
    assert recorded(db, [A.id, "unknown"]) == {A.id}


def test_the_first_record_of_a_fill_stays(db: Database) -> None:
    record(db, [A])
    record(db, [replace(A, attempt="x2"), A])
    assert known(db, [A.id])[A.id].attempt == "x1"


def test_thousands_of_fills_are_asked_for_at_once(db: Database) -> None:
    fills = [fill("a", f"slot {number}") for number in range(2001)]
    record(db, fills)
    assert len(known(db, [found.id for found in fills])) == 2001


def test_condemned_fills_are_not_known_but_listed(db: Database) -> None:
    record(db, [A])
    condemn(db, [A.id])
    assert known(db, [A.id]) == {}
    assert files_of(db, [A.id]) == {}
    assert recorded(db, [A.id]) == frozenset()
    assert condemned(db) == (A,)


def test_a_forgotten_fill_may_be_computed_again(db: Database) -> None:
    record(db, [A])
    condemn(db, [A.id])
    forget(db, [A.id])
    again = replace(A, attempt="x2")
    record(db, [again])
    assert known(db, [A.id]) == {A.id: again}


def test_a_fill_that_some_environment_serves_is_found_by_what_it_stands_on(db: Database) -> None:
    release(db, first(A, environment="dev"))
    key = (A.node, A.version, A.site, A.slot)
    assert served_elsewhere(db, *key, A.moving) == A
    assert served_elsewhere(db, *key, fill("a", position="p9").moving) is None
