"""The audit chain shows whoever changed it."""

from contextlib import suppress

import pytest

from headwater.state import audit
from headwater.state.database import Database
from headwater.state.environments import create
from tests.state.making import NOON, fill, first, later, release, swap

A, A2 = fill("a"), fill("a", position="p2")


@pytest.fixture
def chain(db: Database) -> Database:
    release(db, first(A))
    release(db, swap((A, A2)))
    create(db, "pr-1", at=later(5), parent="dev", like=None, expires=None)
    release(db, swap((A2, A)))
    return db


def test_every_release_and_environment_is_in_the_chain(chain: Database) -> None:
    kinds = [entry.kind for entry in audit.audit_entries(chain)]
    assert kinds == ["release", "release", "environment created", "release"]
    assert audit.verify(chain) == (4, None)


def test_the_last_entries_come_newest_first_also_of_one_kind(chain: Database) -> None:
    assert [entry.sequence for entry in audit.last_entries(chain, 2)] == [4, 3]
    assert [entry.sequence for entry in audit.last_entries(chain, 2, "release")] == [4, 2]


def test_an_empty_chain_holds(db: Database) -> None:
    assert audit.verify(db) == (0, None)


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET document = replace(document, 'ada', 'eve') WHERE seq = 2", 2),
        ("UPDATE audit SET at = '2020' WHERE seq = 3", 3),
        ("UPDATE audit SET kind = 'x' WHERE seq = 1", 1),
        ("UPDATE audit SET hash = previous WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("INSERT INTO audit SELECT 5, at, kind, document, previous, hash FROM audit WHERE seq = 4", 5),
    ],
)
def test_tampering_is_found_at_the_first_entry_it_touches(chain: Database, tampering: str, broken: int) -> None:
    with chain.write() as connection:
        connection.execute(tampering)
    assert audit.verify(chain)[1] == broken


def test_rewriting_one_entry_with_a_fitting_hash_breaks_the_next(chain: Database) -> None:
    with chain.write() as connection:
        row = connection.execute("SELECT at, kind, previous FROM audit WHERE seq = 2").fetchone()
        forged = audit._hash(2, row[0], row[1], "{}", row[2])
        connection.execute("UPDATE audit SET document = '{}', hash = ? WHERE seq = 2", (forged,))
    assert audit.verify(chain) == (2, 3)


def test_entries_can_be_read_from_a_sequence_on(chain: Database) -> None:
    assert [entry.sequence for entry in audit.audit_entries(chain, after=2)] == [3, 4]


def test_an_entry_belongs_to_its_transaction(db: Database) -> None:
    with suppress(RuntimeError), db.write() as connection:
        audit.append(connection, "note", {"x": 1}, NOON)
        raise RuntimeError
    assert audit.verify(db) == (0, None)
