"""A task is set aside when its worker dies over it three times in a row, and not before."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.state.attempts import Beginning, Ending, begin_attempts, end_attempts
from headwater.state.database import open_database
from headwater.state.suspects import note_crashes, suspects

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_database(tmp_path / "state.db") as opened:
        yield opened


def dies(db, node="a"):
    return note_crashes(db, "prod", [(node, "v1")], "run", NOON, 3)


def succeeds(db, node="a", version="v1"):
    beginning = Beginning(
        run="run", environment="prod", task="t", node=node, version=version, slots=1, attempt=1, at=NOON
    )
    (seq,) = begin_attempts(db, [beginning])
    end_attempts(db, [Ending(seq=seq, status="done", at=NOON + timedelta(seconds=1))])


def test_three_deaths_in_a_row_set_a_task_aside(db):
    assert [dies(db) for _ in range(3)] == [(), (), ("a",)]


def test_a_success_between_deaths_makes_them_count_anew(db):
    dies(db)
    dies(db)
    succeeds(db)
    assert suspects(db, "prod") == ()
    assert [dies(db), dies(db)] == [(), ()]


def test_the_success_of_another_task_or_version_says_nothing(db):
    dies(db)
    succeeds(db, "b")
    succeeds(db, "a", "v2")
    assert [each.crashes for each in suspects(db, "prod")] == [1]
