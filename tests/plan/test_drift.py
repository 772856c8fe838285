"""What is usual: the statistics of drift, beside the plainest way to compute them."""

import math
import statistics
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.graph.values import Drift, TimeCut
from headwater.plan.calendar import slot_of
from headwater.plan.drift import Series, judge, judge_series, judge_whole, needed_before, time_of_week

NUMBERS = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False)
HISTORIES = st.lists(NUMBERS, min_size=5, max_size=20)
DAY = timedelta(days=1)


def rule(within=3.0, unit="sigma", over=14, **more):
    return Drift(metric="m", unit=unit, within=within, over=over, **more)


def is_usual(value, history, how):
    return judge(value, history, how).standing == "usual"


@given(value=NUMBERS, history=HISTORIES, within=st.floats(0, 10))
def test_sigma_is_the_deviation_of_the_sample_around_its_mean(value, history, within):
    mean, sigma = statistics.mean(history), max(statistics.stdev(history), abs(statistics.mean(history)) / 100)
    away, room = abs(value - mean), within * sigma
    assume(not math.isclose(away, room, rel_tol=1e-6, abs_tol=1e-6))
    assert is_usual(value, history, rule(within)) == (away < room)


@given(value=NUMBERS, history=HISTORIES, within=st.floats(0, 200))
def test_a_percentage_is_of_the_median(value, history, within):
    middle = statistics.median(history)
    away, room = abs(value - middle), abs(middle) * within / 100
    assume(not math.isclose(away, room, rel_tol=1e-6, abs_tol=1e-6))
    assert is_usual(value, history, rule(within, "percent")) == (away < room)


@given(value=NUMBERS, history=st.permutations([1.0, 2.0, 5.0, 7.0, 11.0, 13.0]))
def test_the_order_of_a_history_does_not_matter(value, history):
    assert is_usual(value, history, rule()) == is_usual(value, sorted(history), rule())


@given(value=NUMBERS, history=HISTORIES)
def test_what_was_not_measured_counts_for_nothing(value, history):
    with_gaps = [*history, None, math.inf]
    assert judge(value, with_gaps, rule()) == judge(value, history, rule())


@given(value=st.none() | st.floats(allow_nan=False), history=st.lists(NUMBERS, max_size=4))
def test_with_fewer_than_five_it_learns_and_passes(value, history):
    assert judge(value, history, rule()).standing == ("nothing" if value is None else "learning")


@given(
    history=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5),
    unit=st.sampled_from(["sigma", "percent"]),
)
def test_any_history_can_be_judged_by(history, unit):
    assert judge(history[0], history, rule(unit=unit)).standing in {"usual", "unlike"}
    assert judge(math.inf, history, rule(unit=unit)).standing == "unlike"


@given(value=NUMBERS, times=st.integers(5, 20))
def test_a_history_without_change_allows_what_is_the_same_and_a_little_more(value, times):
    history = [value] * times
    assert is_usual(value, history, rule(0, "percent"))
    assert is_usual(value * 1.029, history, rule(3))
    assert is_usual(value * 1.031, history, rule(3)) == (value == 0)


def test_a_history_of_zeros_allows_only_zero():
    assert [is_usual(value, [0.0] * 5, rule()) for value in (0.0, 1e-3)] == [True, False]


def key(number):
    return ("hub", slot_of(datetime(2024, 1, 1, tzinfo=UTC) + number * DAY))


VALUES = st.lists(st.none() | st.floats(0, 100), max_size=40)


@given(values=VALUES, judged=st.sets(st.integers(0, 39)), over=st.integers(2, 8), refuses=st.booleans())
def test_a_series_is_judged_as_each_slot_by_itself_would_be(values, judged, over, refuses):
    fills = {key(number): str(number) for number in range(len(values))}
    keys = frozenset(key(number) for number in judged) & fills.keys()
    how = rule(20.0, "percent", over)
    series = Series(fills=fills, before={}, judged=keys)
    found = judge_series(series, how, lambda fill, _: values[int(fill)], season=lambda _: "", refuses=refuses)
    standing = {each.key: each.judgement.standing for each in found}

    past, expected = [], {}
    for each, value in zip(sorted(fills), values, strict=True):
        if each in keys:
            expected[each] = judge(value, past[-over:], how).standing
        if not (refuses and expected.get(each) == "unlike"):
            past.append(value)
    assert standing == expected


@given(count=st.integers(0, 60), judged=st.sets(st.integers(0, 59)), over=st.integers(2, 8))
def test_what_is_needed_is_what_is_judged_and_so_many_before_it(count, judged, over):
    fills = {key(number): str(number) for number in range(count)}
    keys = frozenset(key(number) for number in judged) & fills.keys()
    wanted = {n for n in range(count) if any(each - over <= n <= each for each in judged if each < count)}
    found = needed_before(Series(fills=fills, before={}, judged=keys), over, lambda _: "")
    assert {int(fill) for fill in found.values()} == wanted


@given(values=st.lists(NUMBERS, min_size=1, max_size=12, unique=True))
def test_a_verdict_on_a_whole_table_depends_on_what_it_read_alone(values):
    known = {str(number): value for number, value in enumerate(values)}
    first = judge_whole("0", key(0), [*known, *known], rule(), lambda fill, _: known[fill])
    again = judge_whole("0", key(0), known, rule(), lambda fill, _: known[fill])
    assert first == again


def test_what_is_not_known_is_not_judged():
    def value(fill, _):
        raise KeyError(fill)

    series = Series(fills={key(0): "a"}, before={}, judged=frozenset({key(0)}))
    assert list(judge_series(series, rule(), value, season=lambda _: "", refuses=True)) == []


def test_the_time_of_the_week_is_local_also_where_clocks_change():
    cut = TimeCut(column="t", type="TIMESTAMP", timezone="America/New_York", every="1h")
    winter, summer = datetime(2024, 3, 8, 14, tzinfo=UTC), datetime(2024, 3, 15, 13, tzinfo=UTC)
    assert time_of_week(slot_of(winter), cut) == time_of_week(slot_of(summer), cut) == "5 09:00:00"
