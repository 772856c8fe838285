"""The queue of what was ordered: taken once, lost by dying, ordered once for each scheduled time."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.state.database import open_database
from headwater.state.requests import (
    Request,
    ask_to_cancel,
    claim,
    enqueue,
    find_request,
    finish,
    hand_back,
    open_requests,
    running_requests,
    take_back,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TTL_S = 6.0


@pytest.fixture
def db(tmp_path):
    with open_database(tmp_path / "state.db") as opened:
        yield opened


def ordered(name="a", **given):
    return Request(id=name, environment="prod", created_at=NOON, not_before=NOON, **given)


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def test_a_request_is_taken_once(db):
    enqueue(db, ordered())
    assert claim(db, "one", NOON, TTL_S).request.tries == 1
    assert claim(db, "two", NOON, TTL_S) is None


def test_a_scheduled_time_is_ordered_once(db):
    assert enqueue(db, ordered("a", pipeline="morning", fire_at=NOON))
    assert not enqueue(db, ordered("b", pipeline="morning", fire_at=NOON))
    assert [request.id for request in open_requests(db)] == ["a"]


def test_the_most_urgent_is_taken_first(db):
    for name, priority in [("low", -5), ("first", 0), ("high", 3), ("last", 0)]:
        enqueue(db, ordered(name, priority=priority))
    taken = [claim(db, "w", NOON, TTL_S).request.id for _ in range(4)]
    assert taken == ["high", "first", "last", "low"]


def test_nothing_is_taken_before_its_time(db):
    enqueue(db, Request(id="a", environment="prod", created_at=NOON, not_before=after(60)))
    assert claim(db, "w", after(59), TTL_S) is None
    assert claim(db, "w", after(60), TTL_S).request.id == "a"


def test_what_a_limit_forbids_waits(db):
    enqueue(db, ordered("a", pipeline="x"))
    enqueue(db, ordered("b", pipeline="x"))
    enqueue(db, ordered("c", pipeline="y"))

    def alone(request, running):
        return all(other.pipeline != request.pipeline for other in running)

    assert [claim(db, "w", NOON, TTL_S, alone).request.id for _ in range(2)] == ["a", "c"]
    assert claim(db, "w", NOON, TTL_S, alone) is None


def test_who_dies_loses_it_to_another_who_has_a_larger_fence(db):
    enqueue(db, ordered())
    first = claim(db, "one", NOON, TTL_S)
    ((lost, until),) = running_requests(db)
    assert until == after(TTL_S)
    assert take_back(db, lost, "queued", "worker one died", after(TTL_S), 1)
    second = claim(db, "two", after(TTL_S), TTL_S)
    assert second.fence > first.fence
    assert (second.request.tries, second.request.crashes) == (2, 1)


def test_who_lost_a_request_cannot_say_how_it_ended(db):
    enqueue(db, ordered())
    claim(db, "one", NOON, TTL_S)
    take_back(db, find_request(db, "a"), "queued", "", after(TTL_S), 1)
    claim(db, "two", after(TTL_S), TTL_S)
    assert not finish(db, "a", "one", "done", "", after(7))
    assert finish(db, "a", "two", "done", "", after(8))
    assert find_request(db, "a").ended_at == after(8)


def test_a_dead_workers_request_is_taken_back_once(db):
    enqueue(db, ordered())
    claim(db, "one", NOON, TTL_S)
    lost = find_request(db, "a")
    assert take_back(db, lost, "queued", "", after(TTL_S), 1)
    assert not take_back(db, lost, "queued", "", after(TTL_S), 1)
    assert find_request(db, "a").crashes == 1


def test_a_worker_that_stops_puts_its_request_back_unharmed(db):
    enqueue(db, ordered())
    claim(db, "one", NOON, TTL_S)
    hand_back(db, "a", "one", "the server stops", NOON)
    assert claim(db, "two", NOON, TTL_S).request.crashes == 0


def test_what_nobody_works_on_is_cancelled_at_once(db):
    enqueue(db, ordered())
    assert ask_to_cancel(db, "a", "ann", NOON).status == "queued"
    assert claim(db, "w", NOON, TTL_S) is None
    assert find_request(db, "a").status == "cancelled"


def test_a_running_request_learns_who_wants_it_to_stop(db):
    enqueue(db, ordered())
    claim(db, "w", NOON, TTL_S)
    ask_to_cancel(db, "a", "ann", NOON)
    assert (find_request(db, "a").status, find_request(db, "a").cancelled_by) == ("running", "ann")


def test_what_has_ended_cannot_be_cancelled(db):
    enqueue(db, ordered())
    claim(db, "w", NOON, TTL_S)
    finish(db, "a", "w", "done", "", NOON)
    assert ask_to_cancel(db, "a", "ann", NOON).status == "done"
    assert find_request(db, "a").cancelled_by == ""
