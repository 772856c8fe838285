"""Whether what a pipeline waits for has happened."""

import json
from datetime import timedelta

from headwater.schedule.triggers import Facts, judge
from headwater.spec.schedules import Trigger
from tests.schedule.making import at

NOON = at("2024-01-10 12:00")
A, B = Trigger(kind="updated", name="a"), Trigger(kind="updated", name="b")
PUSH, FILES = Trigger(kind="webhook", name="push"), Trigger(kind="files", name="in/*.csv")


def any_of(*parts):
    return Trigger(kind="any", of=parts)


def all_of(*parts):
    return Trigger(kind="all", of=parts)


class Watch:
    """A trigger that is judged again and again, with what it remembers stored as JSON in between."""

    def __init__(self, trigger, debounce_s=0.0):
        self.trigger, self.debounce_s, self.memory = trigger, debounce_s, "{}"

    def sees(self, second=0, *, files=None, push=None, **nodes):
        facts = Facts(
            updated=nodes,
            files={} if files is None else {"in/*.csv": files},
            webhook={} if push is None else {"push": push},
        )
        now = NOON + timedelta(seconds=second)
        judged = judge(self.trigger, json.loads(self.memory), facts, now, self.debounce_s)
        self.memory = json.dumps(judged.memory)
        return judged.because if judged.fires else None


def test_new_data_fires_once():
    watch = Watch(A)
    assert watch.sees(a="1") is None
    assert watch.sees(a="2") == "new data of `a`"
    assert watch.sees(a="2") is None
    assert watch.sees(a="3") == "new data of `a`"


def test_a_node_that_gets_its_first_data_fires():
    watch = Watch(A)
    assert watch.sees(a="") is None
    assert watch.sees(a="1") == "new data of `a`"


def test_what_could_not_be_looked_at_says_nothing():
    watch = Watch(A)
    watch.sees(a="1")
    assert watch.sees() is None
    assert watch.sees(a="1") is None


def test_files_that_come_fire():
    watch = Watch(FILES)
    watch.sees(files="")
    assert watch.sees(files="x") == "files `in/*.csv`"


def test_an_arrival_fires_even_the_first():
    watch = Watch(PUSH)
    assert watch.sees(push=7) == "webhook `push`"
    assert watch.sees(push=7) is None
    assert watch.sees(push=9) == "webhook `push`"


def test_any_fires_when_one_is_new():
    watch = Watch(any_of(A, PUSH))
    watch.sees(a="1", push=0)
    assert watch.sees(a="1", push=1) == "webhook `push`"
    assert watch.sees(a="2", push=1) == "new data of `a`"
    assert watch.sees(a="3", push=2) == "new data of `a`, webhook `push`"


def test_all_waits_until_each_is_new():
    watch = Watch(all_of(A, B))
    watch.sees(a="1", b="1")
    assert watch.sees(a="2", b="1") is None
    assert watch.sees(a="3", b="1") is None
    assert watch.sees(a="3", b="2") == "new data of `a`, new data of `b`"
    assert watch.sees(a="4", b="2") is None


def test_conditions_nest():
    watch = Watch(any_of(all_of(A, B), PUSH))
    watch.sees(a="1", b="1", push=0)
    assert watch.sees(a="2", b="1", push=0) is None
    assert watch.sees(a="2", b="1", push=1) == "new data of `a`, webhook `push`"
    assert watch.sees(a="2", b="2", push=1) is None


def test_debounce_waits_for_rest():
    watch = Watch(A, debounce_s=30)
    watch.sees(0, a="1")
    assert watch.sees(10, a="2") is None
    assert watch.sees(35, a="3") is None
    assert watch.sees(64, a="3") is None
    assert watch.sees(65, a="3") == "new data of `a`"
    assert watch.sees(200, a="3") is None


def test_a_stream_that_never_rests_fires_after_ten_times_its_debounce():
    watch = Watch(A, debounce_s=30)
    watch.sees(0, a="0")
    assert [second for second in range(1, 700) if watch.sees(second, a=str(second))] == [301, 602]


def test_debounce_says_until_when_it_waits():
    judged = judge(A, {"seen": {"updated:a": "1"}}, Facts(updated={"a": "2"}), NOON, 30)
    assert judged.again_at == NOON + timedelta(seconds=30)


def test_a_change_that_is_taken_back_while_it_waits_is_none():
    watch = Watch(A, debounce_s=30)
    watch.sees(0, a="1")
    watch.sees(10, a="2")
    watch.sees(20, a="1")
    assert watch.sees(100, a="1") is None


def test_debounce_survives_a_clock_that_goes_back():
    watch = Watch(A, debounce_s=30)
    watch.sees(0, a="1")
    watch.sees(3600, a="2")
    assert watch.sees(0, a="2") is None
    assert watch.sees(30, a="2") == "new data of `a`"


def test_a_condition_that_is_gone_is_forgotten():
    watch = Watch(any_of(A, B))
    watch.sees(a="1", b="1")
    watch.trigger = A
    watch.sees(a="1")
    assert json.loads(watch.memory) == {"seen": {"updated:a": "1"}}
