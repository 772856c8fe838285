"""Opening a state, and all that can be wrong with one: a diagnostic each, and nothing is changed."""

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from headwater.diagnostics import Broken, Conflict, HeadwaterError
from headwater.state.database import Database, open_database
from headwater.state.fills import known, record
from headwater.state.heads import read_head
from headwater.state.releases import history
from tests.state.making import fill, first, release, served, swap

A, A2 = fill("a"), fill("a", position="p2")


def read_everything(path: Path) -> None:
    with open_database(path) as db:
        served(db)
        history(db, None, 10)
        known(db, [fill("a", f"slot {number}").id for number in range(500)])


def code(caught: pytest.ExceptionInfo[HeadwaterError]) -> str:
    return caught.value.diagnostics[0].code


def test_a_state_is_made_with_its_directory_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "state.db"
    open_database(path).close()
    assert [found.name for found in path.parent.iterdir()] == ["state.db"]


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    with open_database(tmp_path / "state.db") as db:
        release(db, first(A))
    with open_database(tmp_path / "state.db", create=False) as db:
        assert served(db) == {"a": {"all": A.id}}


def test_a_lost_state_is_not_made_anew_unasked(tmp_path: Path) -> None:
    with pytest.raises(Broken) as caught:
        open_database(tmp_path / "state.db", create=False)
    assert code(caught) == "HW0601"
    assert "headwater doctor --repair" in caught.value.diagnostics[0].hint
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_a_newer_version_is_refused(db: Database) -> None:
    with db.write() as connection:
        connection.execute("INSERT INTO migrations (number) VALUES (99)")
    with pytest.raises(Broken) as caught:
        open_database(db.place)
    assert code(caught) == "HW0606"


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 50, b"x"])
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(Broken) as caught:
        open_database(path)
    assert code(caught) == "HW0602"
    assert "headwater doctor --repair" in caught.value.diagnostics[0].hint
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("CREATE TABLE customers (id)")
    connection.close()
    with pytest.raises(Broken) as caught:
        open_database(tmp_path / "state.db")
    assert code(caught) == "HW0602"


def test_a_truncated_state_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with open_database(path) as db:
        release(db, first(*[fill("a", f"slot {number}") for number in range(500)]))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(Broken) as caught:
        read_everything(path)
    assert code(caught) == "HW0602"


def test_damage_in_the_middle_is_a_diagnostic(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with open_database(path) as db:
        release(db, first(*[fill("a", f"slot {number}") for number in range(500)]))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(Broken) as caught, open_database(path) as db:
        served(db)
    assert code(caught) == "HW0602"


def test_an_empty_file_becomes_a_state_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    with pytest.raises(Broken) as caught:
        open_database(tmp_path / "state.db", create=False)
    assert code(caught) == "HW0601"
    with open_database(tmp_path / "state.db") as db:
        release(db, first(A))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Broken) as caught:
        open_database(tmp_path / "file" / "state.db")
    assert code(caught) == "HW0603"


def test_a_directory_in_the_place_of_the_state_is_said(tmp_path: Path) -> None:
    with pytest.raises(Broken) as caught:
        open_database(tmp_path)
    assert code(caught) == "HW0603"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_directory_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Broken) as caught:
        open_database(tmp_path / "state.db")
    assert code(caught) == "HW0603"


def test_a_database_that_turns_read_only_is_said(file_db: Database) -> None:
    db = file_db
    release(db, first(A))
    with db.write() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Broken) as caught:
        record(db, [A2])
    assert code(caught) == "HW0603"


def test_a_full_disk_changes_nothing_and_is_said(file_db: Database) -> None:
    db = file_db
    release(db, first(A))
    with db.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Broken) as caught:
        release(db, swap((A, A2), *((None, fill("a", f"slot {number}")) for number in range(500))))
    assert code(caught) == "HW0604"
    assert served(db) == {"a": {"all": A.id}}


def test_a_file_locked_by_another_process_is_a_conflict(file_db: Database) -> None:
    db = file_db
    other = sqlite3.connect(db.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_database(db.place, busy_timeout_s=0.05) as impatient:
        assert read_head(impatient, "dev").nodes == {}
        with pytest.raises(Conflict) as caught:
            record(impatient, [A])
    other.close()
    assert code(caught) == "HW0605"


def test_an_error_inside_a_write_undoes_it(db: Database) -> None:
    with suppress(RuntimeError), db.write():
        record(db, [A])
        raise RuntimeError
    assert known(db, [A.id]) == {}


def test_a_write_is_a_part_of_the_write_around_it(db: Database) -> None:
    with suppress(RuntimeError), db.write():
        with db.write():
            record(db, [A])
        with db.write(durable=False):
            record(db, [A2])
        raise RuntimeError
    assert known(db, [A.id, A2.id]) == {}


def test_many_threads_write_and_read_at_once(db: Database) -> None:
    fills = [fill("a", f"slot {number}") for number in range(40)]
    release(db, first(fill("a")))
    start = threading.Barrier(8)

    def work(mine: list[object]) -> None:
        start.wait()
        for found in mine:
            release(db, swap((None, found)))
            read_head(db, "dev").entries_of("a")

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, fills[number::8]) for number in range(8)]:
            done.result()
    assert len(served(db)["a"]) == 41


def test_a_path_with_odd_characters_works(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20ü" / "state.db"
    with open_database(path) as db:
        release(db, first(A))
    assert path.exists()


def test_a_move_waits_for_the_disk_and_a_note_does_not(file_db: Database) -> None:
    db = file_db
    with db.write() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with db.write(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
