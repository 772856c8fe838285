"""What a reader sees of a head: one state, whatever happens meanwhile."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.diagnostics import Conflict
from headwater.state.database import Database
from headwater.state.environments import delete
from headwater.state.heads import entries, read_head
from tests.state.making import entry, fill, first, release, served, swap
from tests.state.places import as_text

A, B = fill("a"), fill("b")
A2, B2 = fill("a", position="p2"), fill("b", position="p2")


def test_several_functions_see_one_state_inside_a_read(db: Database) -> None:
    release(db, first(A, B))
    with db.read(), ThreadPoolExecutor(1) as elsewhere:
        before = entries(db, "dev", "a")
        elsewhere.submit(release, db, swap((A, A2), (B, B2))).result()
        assert entries(db, "dev", "a") == before
    assert entries(db, "dev", "a") != before


def test_a_head_keeps_giving_its_own_entries_after_later_moves(db: Database) -> None:
    release(db, first(A, B))
    head = read_head(db, "dev")
    release(db, swap((A, A2), (B, None)))
    release(db, swap((A2, A), (None, B2)))
    assert head.entries_of("a") == {("hub", A.slot): entry(A)}
    assert head.entries_of("b") == {("hub", B.slot): entry(B)}


def test_a_head_of_a_deleted_environment_says_so(db: Database) -> None:
    release(db, first(A))
    head = read_head(db, "dev")
    delete(db, "dev")
    release(db, first(A2))
    with pytest.raises(Conflict):
        head.entries_of("a")


def test_a_move_inside_a_read_leaves_the_snapshot_as_it_was(db: Database) -> None:
    release(db, first(A))
    with db.read():
        before = served(db)
        release(db, swap((A, A2)))
        assert served(db) == before
    assert served(db) == {"a": {"all": A2.id}}


def test_a_reader_inside_a_write_sees_what_was_written(db: Database) -> None:
    with db.write():
        release(db, first(A))
        assert served(db) == {"a": {"all": A.id}}


def test_reading_a_head_loads_no_engine(db: Database) -> None:
    release(db, first(A))
    script = (
        "import sys; from tests.state.places import of_text; from headwater.state.database import open_database;"
        "from headwater.state.heads import read_head; from headwater.state.releases import history;"
        f"db = open_database(of_text({as_text(db.place)!r})); read_head(db, 'dev'); history(db, 'dev', 5); db.close();"
        "print(sorted({'duckdb', 'pyarrow', 'sqlglot', 'msgspec'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
