"""A state that is locked, full or gone while somebody works: who is patient waits, says so, and goes on."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from headwater.diagnostics import Broken, Conflict, HeadwaterError, Retryable
from headwater.state.database import Database, open_database
from headwater.state.fills import known, record
from headwater.state.patience import Patience
from headwater.state.places import PostgresPlace
from tests.postgres import Postgres
from tests.state.cutting import cutting
from tests.state.making import fill, first, release, served, swap

A, A2, A3 = fill("a"), fill("a", position="p2"), fill("a", position="p3")


class Story:
    """What somebody patient was told, and what happens while they wait."""

    def __init__(self, *meanwhile: Callable[[], object], limit_s: float = 60) -> None:
        self.told: list[str] = []
        self._meanwhile = list(meanwhile)
        self.patience = Patience(
            limit_s=limit_s,
            sleep=self._sleep,
            paused=lambda reason: self.told.append(reason.diagnostics[0].code),
            resumed=lambda _: self.told.append("resumed"),
        )

    def _sleep(self, _: float) -> None:
        if self._meanwhile:
            self._meanwhile.pop(0)()


def lock(db: Database) -> Callable[[], None]:
    """Another process takes the lock; gives what lets go of it."""
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        with open_database(db.place) as other, other.write():
            taken.set()
            go.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(60)

    def let_go() -> None:
        go.set()
        holder.join()

    return let_go


def test_a_locked_state_is_waited_for(db: Database) -> None:
    let_go = lock(db)
    story = Story(let_go)
    with open_database(db.place, busy_timeout_s=0.05) as mine, mine.patient(story.patience):
        release(mine, first(A))
    assert story.told == ["HW0605", "resumed"]
    assert served(db) == {"a": {"all": A.id}}


def test_patience_ends(db: Database) -> None:
    let_go = lock(db)
    story = Story(limit_s=1)
    with (
        open_database(db.place, busy_timeout_s=0.01) as mine,
        mine.patient(story.patience),
        pytest.raises(Conflict) as caught,
    ):
        record(mine, [A])
    let_go()
    assert (caught.value.diagnostics[0].code, story.told) == ("HW0605", ["HW0605"])


def test_without_patience_it_is_said_at_once(db: Database) -> None:
    let_go = lock(db)
    with open_database(db.place, busy_timeout_s=0.01) as mine, pytest.raises(Conflict):
        record(mine, [A])
    let_go()


def test_a_file_that_is_gone_is_waited_for_and_never_written_elsewhere(file_db: Database, tmp_path: Path) -> None:
    record(file_db, [A])
    file_db.close()
    with open_database(file_db.place) as db:
        known(db, [A.id])
        place, away = Path(str(db.place)), tmp_path / "away.db"
        place.rename(away)
        story = Story(lambda: away.rename(place))
        with db.patient(story.patience):
            record(db, [A2])
        assert story.told == ["HW0601", "resumed"]
        assert set(known(db, [A.id, A2.id])) == {A.id, A2.id}


def test_a_file_that_is_gone_is_said(file_db: Database) -> None:
    record(file_db, [A])
    Path(str(file_db.place)).unlink()
    with pytest.raises(Broken) as caught:
        record(file_db, [A2])
    assert caught.value.diagnostics[0].code == "HW0601"


def test_a_full_disk_is_waited_for_and_the_move_made_whole(file_db: Database) -> None:
    release(file_db, first(A))
    with file_db.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    many = [fill("a", f"slot {number}") for number in range(500)]
    story = Story(lambda: None)
    with file_db.patient(story.patience):  # the limit belongs to the connection: the next one has none
        release(file_db, swap((A, A2), *((None, each) for each in many)))
    assert story.told == ["HW0604", "resumed"]
    assert len(served(file_db)["a"]) == 501


@pytest.fixture
def remote(postgres: Postgres):
    with open_database(postgres.place()) as db:
        yield db


def end_connections(postgres: Postgres) -> None:
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headwater'")


def test_a_server_that_restarts_is_waited_for(remote: Database, postgres: Postgres) -> None:
    release(remote, first(A))
    postgres.stop()
    story = Story(postgres.start)
    with remote.patient(story.patience):
        release(remote, swap((A, A2)))
    assert story.told == ["HW1020", "resumed"]
    assert served(remote) == {"a": {"all": A2.id}}


def test_a_server_that_is_away_is_said(remote: Database, postgres: Postgres) -> None:
    postgres.stop()
    with pytest.raises(Broken) as caught:
        record(remote, [A])
    postgres.start()
    assert caught.value.diagnostics[0].code == "HW1020"
    assert "only-for-tests" not in str(caught.value)


def test_idle_connections_that_were_cut_are_replaced_unseen(remote: Database, postgres: Postgres) -> None:
    release(remote, first(A))
    end_connections(postgres)
    assert served(remote) == {"a": {"all": A.id}}


def test_a_change_that_is_cut_in_the_middle_is_made_once(remote: Database, postgres: Postgres) -> None:
    story = Story()
    with remote.patient(story.patience), remote.write():
        record(remote, [A])
        end_connections(postgres)
        with remote.write():
            record(remote, [A2])
        end_connections(postgres)
    assert set(known(remote, [A.id, A2.id])) == {A.id, A2.id}
    assert story.told == ["HW1020", "resumed"]


def test_a_reader_that_is_cut_in_the_middle_still_sees_one_state(remote: Database, postgres: Postgres) -> None:
    record(remote, [A])
    with remote.patient(Story().patience), remote.read():
        assert set(known(remote, [A.id, A2.id])) == {A.id}
        end_connections(postgres)
        record(remote, [A2])
        with pytest.raises(Retryable) as caught:
            known(remote, [A.id, A2.id])
    assert caught.value.diagnostics[0].code == "HW1025"


def test_without_patience_a_cut_change_is_undone(remote: Database, postgres: Postgres) -> None:
    def change() -> None:
        with remote.write():
            record(remote, [A])
            end_connections(postgres)
            record(remote, [A2])

    with pytest.raises(HeadwaterError) as caught:
        change()
    assert caught.value.diagnostics[0].code == "HW1020"
    assert known(remote, [A.id, A2.id]) == {}


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_whose_answer_is_lost_is_made_once(postgres: Postgres, arrives: bool) -> None:
    place = postgres.place()
    open_database(place).close()
    with cutting(postgres.port, b"COMMIT", arrives=arrives) as port:
        through = PostgresPlace(place.url.replace(str(postgres.port), str(port)), place.schema)
        story = Story()
        with open_database(through) as db, db.patient(story.patience):
            release(db, first(A))
            release(db, swap((A, A2)))
            assert served(db) == {"a": {"all": A2.id}}
    assert story.told == ["HW1020", "resumed"]


def test_a_full_disk_of_a_server_is_said(remote: Database, postgres: Postgres) -> None:
    with pytest.raises(Broken) as caught, remote.write() as connection:
        connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$")
    assert caught.value.diagnostics[0].code == "HW0604"


def test_a_statement_that_failed_is_not_committed_away(remote: Database) -> None:
    def change() -> None:
        with remote.write() as connection:
            record(remote, [A])
            with suppress(psycopg.Error):
                connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.Error):
        change()
    assert known(remote, [A.id]) == {}


def test_a_file_can_be_looked_at_while_a_transaction_waits(file_db: Database) -> None:
    other = sqlite3.connect(str(file_db.place), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    story = Story(lambda: served(open_database(file_db.place)), other.close)
    with open_database(file_db.place, busy_timeout_s=0.01) as mine, mine.patient(story.patience):
        record(mine, [A])
    assert story.told == ["HW0605", "resumed"]
