"""What takes longer than it may is stopped, whoever else is still in time."""

import threading

from headwater.run.deadlines import Deadlines


def test_a_model_that_takes_longer_than_its_timeout_is_interrupted(project):
    endless = "SELECT sum(a.range * b.range) AS n FROM range(10000000) AS a, range(10000000) AS b"
    project.model("endless", endless, timeout="200ms")
    outcome = project.apply(fails=True)
    assert [each.code for each in outcome.settled.failures["endless"].diagnostics] == ["HW0508"]


def test_who_comes_later_and_may_take_less_is_stopped_first():
    deadlines, acted, hasty = Deadlines(), [], threading.Event()
    with deadlines.within(600, lambda: acted.append("patient")), deadlines.within(0, hasty.set):
        assert hasty.wait(30)
    deadlines.close()
    assert acted == []


def test_who_has_ended_in_time_is_left_alone():
    deadlines, acted, later = Deadlines(), [], threading.Event()
    with deadlines.within(0.1, lambda: acted.append("late")):
        pass
    with deadlines.within(0.2, later.set):
        assert later.wait(30)
    deadlines.close()
    assert acted == []


def test_deadlines_can_be_watched_again_after_the_thread_has_ended():
    deadlines, again = Deadlines(), threading.Event()
    with deadlines.within(60, lambda: None):
        pass
    deadlines.close()
    with deadlines.within(0, again.set):
        assert again.wait(30)
    deadlines.close()
