"""Limits on tasks at once: all places or none, over all processes, and never more than there are."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.run.executor import Terms
from headwater.run.journal import Unrecorded
from headwater.run.leasing import TTL_S
from headwater.run.limits import Places
from headwater.spec.limits import Limits
from headwater.state.database import Database, open_database
from headwater.state.leases import acquire, leases_named
from tests.run.making import NOON, Play, task


@pytest.fixture
def db(tmp_path):
    with open_database(tmp_path / "state.db") as database:
        yield database


class InTransactions(Unrecorded):
    """A journal that notes nothing, in real transactions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def commit(self):
        return self._db.write(durable=False)


def terms(db: Database, holder: str = "run1", clock=lambda: NOON, **limits: object) -> Terms:
    return Terms(journal=InTransactions(db), limiter=Places(Limits(**limits), db, holder, clock))


class Gauge:
    """Counts how many tasks with each tag are worked on at once."""

    def __init__(self) -> None:
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._lock = threading.Lock()

    def act(self, tags: tuple[str, ...]):
        def work(number: int) -> None:
            with self._lock:
                self._now.update(tags)
                self.most |= self._now
            threading.Event().wait(0.001)  # lets others begin, if they may
            with self._lock:
                self._now.subtract(tags)

        return work


def test_tasks_of_a_tag_keep_to_its_limit(db):
    gauge, tags = Gauge(), {f"t{number}": ("heavy",) if number % 2 else () for number in range(12)}
    play = Play({n: gauge.act(t) for n, t in tags.items()}, workers=4, terms=terms(db, tags={"heavy": 1}))
    play.run(task(name, tags=tags[name]) for name in tags)
    assert (len(play.done), gauge.most["heavy"]) == (12, 1)


def test_tasks_of_no_limit_go_on_beside_those_that_wait(db):
    play = Play(workers=2, terms=terms(db, tags={"heavy": 1}))
    play.run([task("a", tags=("heavy",)), task("b", tags=("heavy",)), task("c")])
    assert set(play.began[:2]) == {"a", "c"}


def test_places_are_given_back(db):
    Play(terms=terms(db, tasks=2)).run([task("a"), task("b", "a")])
    assert leases_named(db, ["limit:tasks#0", "limit:tasks#1"]) == ()


def test_a_place_that_another_process_holds_is_waited_for(db):
    acquire(db, ["limit:tag:heavy#0"], "other", NOON, 3600)
    play = Play()

    def clock():
        return NOON + timedelta(seconds=play.seconds)

    play.terms = terms(db, clock=clock, tags={"heavy": 1})
    play.run([task("a", tags=("heavy",)), task("b")])
    assert play.began == ["b", "a"]
    assert 3600 <= sum(play.slept) < 3602


def test_who_waits_holds_nothing(db):
    acquire(db, ["limit:tag:heavy#0"], "other", NOON, 3600)
    play = Play()
    play.terms = terms(db, tags={"heavy": 1, "io": 1})
    play.terms.limiter.turn([])
    assert not play.terms.limiter.take("a", frozenset({"tag:heavy", "tag:io"}))
    assert leases_named(db, ["limit:tag:io#0"]) == ()
    assert play.terms.limiter.waits_for_others


def test_the_place_of_a_dead_process_is_free_after_a_leases_time(db):
    dead = Places(Limits(tasks=1), db, "dead", lambda: NOON)
    dead.turn([])
    assert dead.take("a", frozenset({"tasks"}))
    play = Play()
    play.terms = terms(db, clock=lambda: NOON + timedelta(seconds=play.seconds), tasks=1)
    play.run([task("b")])
    assert sum(play.slept) <= TTL_S + 2


GROUPS = st.sets(st.sampled_from(["a", "b", "c"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(GROUPS, max_size=10), st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 2)))
def test_two_runs_together_never_exceed_a_limit_and_both_end(db, groups, limits):
    gauge, plays = Gauge(), []
    for holder in ("run1", "run2"):
        tags = {f"t{at}": tuple(sorted(group)) for at, group in enumerate(groups)}
        play = Play({n: gauge.act(t) for n, t in tags.items()}, workers=3, terms=terms(db, holder, tags=limits))
        play.pace = replace(play.pace, sleep=lambda _: threading.Event().wait(0.001) and None)
        tasks = [task(name, tags=tags[name]) for name in tags]
        plays.append((play, threading.Thread(target=play.run, args=(tasks,))))
    for _, thread in plays:
        thread.start()
    for _, thread in plays:
        thread.join()
    assert all(len(play.done) == len(groups) for play, _ in plays)
    assert all(gauge.most[name] <= most for name, most in limits.items())


def test_limits_on_what_does_not_exist_are_mistakes(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw", tags=["heavy"])
    project.settings(limits={"tags": {"heavi": 1}, "sites": {"hob": 1}, "tasks": 0})
    assert sorted(mistake.split()[0] for mistake in project.mistakes) == ["HW1043", "HW1043", "HW1044"]


def test_limits_are_released_with_the_code(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw", tags=["heavy"])
    project.apply()
    project.settings(limits={"tags": {"heavy": 1}, "tasks": 3})
    assert project.apply().release is not None
    assert project.table("totals") == [(1,)]
