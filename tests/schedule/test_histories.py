"""Schedules and triggers at random: what holds for every line, zone and history."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.schedule.due import Standing, due
from headwater.schedule.fires import fires, last_fire, next_fire
from headwater.schedule.triggers import Facts, judge, leaves
from headwater.spec.schedules import Timetable, Trigger
from tests.schedule.making import Pipeline, at, cron

ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo",
    "America/Nuuk", "Asia/Kathmandu", "America/Sao_Paulo",
)  # fmt: skip
MINUTE = timedelta(minutes=1)


def field(low, high):
    number = st.integers(low, high)
    some = st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, sorted(set(found)))))
    return st.one_of(st.just("*"), some, st.integers(1, high).map("*/{}".format), number.map(lambda n: f"{n}-{high}"))


LINES = st.tuples(field(0, 59), field(0, 23), st.sampled_from(["*", "*", "1", "15,31"]), st.just("*"), field(0, 6)).map(
    " ".join
)
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
STEPS = st.timedeltas(timedelta(0), timedelta(days=4))


@st.composite
def schedules(draw):
    keys = {"timezone": draw(st.sampled_from(ZONES)), "catch_up": draw(st.sampled_from(["all", "latest", "none"]))}
    if draw(st.booleans()):
        keys["start"] = draw(MOMENTS).replace(second=0, microsecond=0)
    if draw(st.integers(0, 3)):
        return Timetable(cron=draw(LINES), **keys)
    return Timetable(every=draw(st.sampled_from(["7m", "45m", "5h", "1d", "3d", "1w", "1mo", "5mo"])), **keys)


@given(schedules(), MOMENTS, STEPS, STEPS)
def test_a_stretch_of_time_fires_what_its_parts_fire(schedule, a, one, other):
    b, c = a + one, a + one + other
    whole = list(fires(schedule, a, c))
    assert [*fires(schedule, a, b), *fires(schedule, b, c)] == whole
    assert all(before < after for before, after in pairwise(whole))
    assert all(a < moment <= c for moment in whole)


@given(schedules(), MOMENTS, STEPS)
def test_the_first_and_the_last_are_those_of_all(schedule, a, length):
    found = list(fires(schedule, a, a + length))
    assert last_fire(schedule, a, a + length) == (found[-1] if found else None)
    if found:
        assert next_fire([schedule], a) == found[0]


def minutes(a, b):
    first = a.replace(second=0, microsecond=0) + MINUTE
    return [first + n * MINUTE for n in range(int((b - first) / MINUTE) + 1)]


def matches(line, local):
    def fits(text, value, low):
        if text.startswith("*"):
            return (value - low) % int(text[2:] or 1) == 0
        spans = [part.split("-") for part in text.split(",")]
        return any(int(span[0]) <= value <= int(span[-1]) for span in spans)

    minute, hour, day, _, weekday = line.split()
    days = fits(day, local.day, 1), fits(weekday, local.isoweekday() % 7, 0)
    is_day = all(days) if "*" in day[:1] + weekday[:1] else any(days)
    return is_day and fits(hour, local.hour, 0) and fits(minute, local.minute, 0)


def by_hand(line, zone, a, b):
    """Go through all minutes: times of the day are looked up on a calendar, those of every hour on the clock."""
    clock = {u: u.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for u in minutes(a - 2 * DAY, b + 2 * DAY)}
    if any(part.startswith("*") for part in line.split()[:2]):
        return [u for u, local in clock.items() if a < u <= b and matches(line, local)]
    first = {}
    for u, local in clock.items():
        first.setdefault(local, u)
    shown, found = sorted(first), set()
    for local in minutes(shown[0], shown[-1]):
        if matches(line, local):
            found.add(first[local] if local in first else min(u for u, other in clock.items() if other > local))
    return sorted(u for u in found if a < u <= b)


DAY = timedelta(days=1)
CHANGES = {
    "America/New_York": ["2024-03-10 07:00", "2024-11-03 06:00"],
    "Europe/Berlin": ["2024-03-31 01:00", "2024-10-27 01:00"],
    "Australia/Lord_Howe": ["2024-10-05 15:30", "2024-04-06 15:00"],
    "Africa/Cairo": ["2024-04-25 22:00", "2024-10-31 21:00"],
    "America/Nuuk": ["2024-03-31 01:00", "2024-10-27 01:00"],
}


@settings(max_examples=60)
@given(LINES, st.sampled_from([(zone, text) for zone, texts in CHANGES.items() for text in texts]))
@example("15,45 2 * * *", ("America/New_York", "2024-03-10 07:00"))
@example("0 0-23 * * *", ("Australia/Lord_Howe", "2024-04-06 15:00"))
def test_in_nights_in_which_clocks_change_it_fires_as_a_calendar_and_a_clock_say(line, change):
    zone, moment = change
    a, b = at(moment) - timedelta(hours=7), at(moment) + timedelta(hours=7)
    assert list(fires(cron(line, zone), a, b)) == by_hand(line, zone, a, b)


LOOKS = st.lists(st.timedeltas(timedelta(0), timedelta(hours=30)), min_size=1, max_size=8)


@given(st.lists(schedules(), min_size=1, max_size=2), MOMENTS, LOOKS)
@settings(max_examples=60)
def test_all_orders_each_time_once_whenever_somebody_looks(found, begin, looks):
    pipeline = Pipeline(
        schedule=tuple(Timetable(cron=s.cron, every=s.every, timezone=s.timezone, catch_up="all") for s in found)
    )
    standing, now, ordered = Standing(fired_until=begin), begin, []
    for pause in looks:
        now += pause
        while True:
            result = due(pipeline, standing, now)
            assert result.fired_until >= standing.fired_until
            ordered += [fire.at for fire in result.fires]
            standing = Standing(fired_until=result.fired_until)
            if result.fired_until == now:
                break
    assert ordered == sorted({moment for each in pipeline.schedule for moment in fires(each, begin, now)})


@given(
    st.lists(schedules(), min_size=1, max_size=3),
    MOMENTS,
    st.lists(
        st.tuples(
            st.timedeltas(timedelta(hours=-3), timedelta(hours=30)), st.booleans(), st.integers(0, 1), st.integers(0, 1)
        ),
        min_size=1,
        max_size=8,
    ),
)
@settings(max_examples=60)
def test_whatever_the_clock_does_nothing_is_ordered_twice_or_too_early(found, begin, looks):
    pipeline = Pipeline(schedule=tuple(found))
    fired_until, now, ordered = begin, begin, []
    for step, is_paused, running, waiting in looks:
        now += step
        standing = Standing(fired_until=fired_until, is_paused=is_paused, running=running, waiting=waiting)
        result = due(pipeline, standing, now)
        assert result.fired_until >= fired_until
        assert all(fired_until < fire.at <= now for fire in result.fires)
        assert result.next_at is None or result.next_at >= now or result.next_at > result.fired_until
        ordered += [fire.at for fire in result.fires]
        fired_until = result.fired_until
    assert ordered == sorted(set(ordered))


def triggers():
    leaf = st.one_of(
        st.sampled_from(["a", "b"]).map(lambda name: Trigger(kind="updated", name=name)),
        st.just(Trigger(kind="files", name="*.csv")),
        st.just(Trigger(kind="webhook", name="push")),
    )
    several = lambda parts: st.builds(  # noqa: E731 - hypothesis takes a function
        Trigger, kind=st.sampled_from(["any", "all"]), of=st.lists(parts, min_size=1, max_size=3).map(tuple)
    )
    return st.recursive(leaf, several, max_leaves=6)


FACTS = st.builds(
    Facts,
    updated=st.dictionaries(st.sampled_from("ab"), st.sampled_from("123")),
    files=st.dictionaries(st.just("*.csv"), st.sampled_from("123")),
    webhook=st.dictionaries(st.just("push"), st.integers(0, 3)),
)


@given(triggers(), st.lists(st.tuples(FACTS, st.integers(-50, 400)), max_size=12), st.sampled_from([0.0, 30.0]))
def test_the_same_facts_fire_once_at_most(trigger, looks, debounce_s):
    memory, now = {}, at("2024-01-10")
    for facts, seconds in looks:
        now += timedelta(seconds=seconds)
        judged = judge(trigger, memory, facts, now, debounce_s)
        memory = json.loads(json.dumps(judged.memory))
        if judged.fires:
            assert judged.because
            again = judge(trigger, memory, facts, now + timedelta(days=1), debounce_s)
            assert not again.fires


@given(triggers())
def test_what_is_new_everywhere_fires_any_trigger(trigger):
    names = {(leaf.kind, leaf.name) for leaf in leaves(trigger)}
    first = Facts(updated={"a": "x", "b": "x"}, files={"*.csv": "x"}, webhook={"push": 0})
    second = Facts(updated={"a": "y", "b": "y"}, files={"*.csv": "y"}, webhook={"push": 1})
    memory = judge(trigger, {}, first, at("2024-01-10")).memory
    judged = judge(trigger, memory, second, at("2024-01-10"))
    assert judged.fires
    assert judged.because.count("`") == 2 * len(names)
