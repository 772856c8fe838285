"""The order of tasks, repetition after errors that may pass, and what a stop or an error in the middle leaves."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.diagnostics import Broken, Cancelled, Invalid, Retryable, conceal
from headwater.events import TaskFailed, TaskStarted
from headwater.run.executor import Terms
from headwater.run.journal import Ended, Started, Unrecorded
from headwater.spec.nodes import Retries
from headwater.spec.units import Seconds
from tests.run.making import Play, failing, task


def test_a_task_runs_after_what_it_reads():
    play = Play()
    play.run([task("c", "b"), task("a"), task("b", "a")])
    assert play.began == play.done == ["a", "b", "c"]


def test_the_longest_chain_comes_first_then_the_name():
    play = Play()
    play.run([task("alone"), task("b1"), task("b2", "b1"), task("a1"), task("a2", "a1"), task("a3", "a2")])
    assert play.began == ["a1", "a2", "b1", "a3", "alone", "b2"]


def test_a_larger_priority_comes_before_a_longer_chain():
    play = Play()
    play.run([task("a"), task("b", "a"), task("urgent", priority=1)])
    assert play.began == ["urgent", "a", "b"]


def test_a_failing_task_stops_only_what_reads_it():
    play = Play({"a": failing(Invalid)})
    executed = play.run([task("a"), task("b", "a"), task("c", "b"), task("d")])
    assert (play.done, set(executed.failures), executed.left) == (["d"], {"a"}, {"b", "c"})


def test_an_error_that_may_pass_is_repeated():
    play = Play({"a": failing(Retryable, times=2)})
    assert not play.run([task("a")]).failures
    assert play.began == ["a", "a", "a"]


def test_an_error_that_will_not_pass_is_not_repeated():
    play = Play({"a": failing(Broken)})
    play.run([task("a")])
    assert play.began == ["a"]


def test_pauses_double_up_to_the_longest_with_full_jitter():
    play = Play({"a": failing(Retryable)}, random=0.5)
    play.run([task("a", attempts=5, backoff_s=2.0, backoff_max_s=10.0)])
    pauses = [event.retry_in_s for event in play.events if isinstance(event, TaskFailed)]
    assert (pauses, sum(play.slept)) == ([1.0, 2.0, 4.0, 5.0, None], 12.0)


def test_very_many_attempts_pause_the_longest_time():
    play = Play({"a": failing(Retryable, times=1200)})
    play.run([task("a", attempts=1201, backoff_s=2.0, backoff_max_s=3.0)])
    assert len(play.began) == 1201


def test_a_pipelines_retries_stand_for_those_of_its_nodes():
    play = Play({"a": failing(Retryable)})
    play.pace = replace(play.pace, retries=Retries(attempts=2, backoff=Seconds(1), max=Seconds(1)))
    play.run([task("a", attempts=9)])
    assert play.began == ["a", "a"]


def test_a_task_that_waits_to_be_repeated_keeps_nobody_from_working():
    play = Play({"a": failing(Retryable, times=1)})
    play.run([task("a"), task("b"), task("c")])
    assert (play.began, play.done) == (["a", "b", "c", "a"], ["b", "c", "a"])


def test_a_chain_of_ten_thousand_fails_at_once():
    chain = [task("t0")] + [task(f"t{n}", f"t{n - 1}") for n in range(1, 10_000)]
    assert len(Play({"t0": failing(Invalid)}).run(chain).left) == 9_999


def test_what_is_set_aside_is_not_tried_and_all_else_goes_on():
    play = Play(terms=Terms(set_aside={"a": "it crashed its worker 3 times"}))
    executed = play.run([task("a"), task("b", "a"), task("c")])
    assert (play.began, executed.left) == (["c"], {"b"})
    (diagnostic,) = executed.failures["a"].diagnostics
    assert (diagnostic.code, "it crashed its worker 3 times" in diagnostic.message) == ("HW1042", True)
    assert "--retry-set-aside a" in diagnostic.hint


def test_a_task_that_reads_what_is_left_is_left_though_it_is_set_aside():
    play = Play({"a": failing(Invalid)}, terms=Terms(set_aside={"b": "it crashed"}))
    executed = play.run([task("a"), task("b", "a"), task("c", "b")])
    assert (set(executed.failures), "c" in executed.left, play.began) == ({"a", "b"}, True, ["a"])


def test_who_says_stop_is_heard_while_tasks_run():
    running, release = threading.Event(), threading.Event()

    def hang(number: int) -> None:
        running.set()
        release.wait()
        raise Retryable.of("HW0503", "it was interrupted")

    play = Play({"a": hang}, workers=2)
    play.pace = replace(play.pace, interrupt=release.set)
    stopper = threading.Thread(target=lambda: running.wait() and play.pace.stop.say(Cancelled.of("HW1040", "ada")))
    stopper.start()
    with pytest.raises(Cancelled, match="ada"):
        play.run([task("a"), task("b", "a")])
    stopper.join()
    assert play.began == ["a"]


def test_nothing_is_repeated_after_a_stop():
    play = Play()
    play.acts = {"a": lambda _: (play.pace.stop.say(Cancelled.of("HW1040", "ada")), failing(Retryable)(1))[1]}
    with pytest.raises(Cancelled):
        play.run([task("a"), task("b")])
    assert (play.began, play.slept) == (["a"], [])


def test_a_pause_ends_when_somebody_says_stop():
    play = Play({"a": failing(Retryable)})
    sleep = play.pace.sleep
    play.pace = replace(play.pace, sleep=lambda s: (sleep(s), play.pace.stop.say(Cancelled.of("HW1040", "ada")))[0])
    with pytest.raises(Cancelled):
        play.run([task("a", backoff_s=100.0)])
    assert len(play.slept) == 1


def test_an_observer_that_raises_ends_the_execution():
    play = Play()
    play.events = Refusing()
    with pytest.raises(KeyboardInterrupt):
        play.run([task("a"), task("b")])
    assert play.began == []


class Refusing(list):
    """An observer in whose middle somebody presses Ctrl-C."""

    def append(self, _event: object) -> None:
        raise KeyboardInterrupt


def test_a_defect_in_a_task_reaches_the_caller():
    def defect(number: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Play({"a": defect}).run([task("a")])


PROBLEMS = st.sampled_from([None, None, None, Invalid, Broken, Retryable])


@st.composite
def plays(draw: st.DrawFn) -> tuple[dict[str, set[str]], dict[str, tuple[object, int]], int]:
    """Task → what it reads; task → how it fails in its first attempts; workers."""
    names = [f"t{number}" for number in range(draw(st.integers(0, 14)))]
    reads = {
        name: draw(st.sets(st.sampled_from(names[:at]), max_size=4)) if at else set() for at, name in enumerate(names)
    }
    fails = {name: (draw(PROBLEMS), draw(st.integers(1, 6))) for name in names}
    return reads, fails, draw(st.integers(1, 4))


@given(plays())
def test_each_task_runs_after_its_inputs_and_is_done_once(found):
    reads, fails, workers = found
    play = Play({n: failing(p, t) for n, (p, t) in fails.items() if p}, workers=workers)
    executed = play.run([task(name, " ".join(above)) for name, above in reads.items()])
    is_bad = {name for name, (problem, times) in fails.items() if problem and (problem is not Retryable or times >= 4)}
    left: set[str] = set()
    for name, above in reads.items():
        if above & (left | is_bad):
            left.add(name)
    assert executed.left == left
    assert set(executed.failures) == is_bad - left
    assert sorted(play.done) == sorted(reads.keys() - left - is_bad) == sorted(executed.receipts)
    for at, (what, name) in enumerate(play.log):
        assert what == "done" or reads[name] <= {task for what, task in play.log[:at] if what == "done"}
    started = [(e.task, e.attempt) for e in play.events if isinstance(e, TaskStarted)]
    assert len(started) == len(set(started)) == len(play.began)


@given(plays())
def test_one_worker_does_the_same_in_the_same_order_every_time(found):
    reads, fails, _ = found

    def once() -> tuple[list[str], list[object]]:
        play = Play({n: failing(p, t) for n, (p, t) in fails.items() if p})
        play.run([task(name, " ".join(above)) for name, above in reversed(reads.items())])
        return play.began, play.events

    assert all(a == b for a, b in pairwise([once(), once(), once()]))


class Kept(Unrecorded):
    """A journal that keeps what is said of attempts that have ended."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def note(self, ended: Sequence[Ended], started: Sequence[Started]) -> None:
        del started
        self.messages += [each.message for each in ended]


def test_what_a_defect_says_is_kept_without_secrets() -> None:
    conceal.learn("c4nary-of-attempts", "${env:A}")
    kept = Kept()

    def act(number: int) -> None:
        raise RuntimeError(f"no c4nary-of-attempts in {number}")

    with pytest.raises(RuntimeError):
        Play({"a": act}, terms=Terms(journal=kept)).run([task("a")])
    assert kept.messages == ["no ${env:A} in 1"]
