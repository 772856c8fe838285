"""How well pipelines do follows from the records of their runs, whatever the order in which these are given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.app.statistics import outages, quantile, summary
from headwater.state.run_records import RunRecord

START = datetime(2024, 1, 10, tzinfo=UTC)


def at(minutes):
    return START + timedelta(minutes=minutes)


def ran(begin, end, status="done", **more):
    defaults = {"fire_at": None, "failed_at": None, "kind": "schedule", "pipeline": "morning", "because": ""}
    return RunRecord(
        id=f"{begin}-{end}-{status}",
        environment="prod",
        status=status,
        ordered_at=at(begin),
        started_at=at(begin),
        ended_at=at(end),
        **(defaults | {"author": "", "worker": "", "tries": 1, "crashes": 0, "message": "", "release": None} | more),
    )


MINUTES = st.integers(0, 60)
RUNS = st.lists(
    st.builds(
        lambda begin, took, status, late, failed: ran(
            begin,
            begin + took,
            status,
            fire_at=at(begin - late),
            failed_at=at(begin + min(failed, took)) if status == "failed" else None,
        ),
        MINUTES,
        st.integers(-3, 9),  # a clock may go back
        st.sampled_from(["done", "failed", "set_aside", "cancelled"]),
        st.integers(-2, 5),
        st.integers(0, 5),
    ),
    max_size=20,
)


def stats(runs, told=()):
    return summary("prod", "morning", runs, told)


def test_success_duration_and_lateness():
    found = stats(
        [ran(0, 10, fire_at=at(-1)), ran(20, 22, fire_at=at(20)), ran(30, 31, "failed"), ran(40, 41, "cancelled")]
    )
    assert (found.runs, found.succeeded, found.failed, found.cancelled) == (4, 2, 1, 1)
    assert found.success_rate == pytest.approx(2 / 3)
    assert (found.median_s, found.p95_s, found.late_p95_s) == (120, 600, 60)


def test_recovery_is_counted_from_the_first_failure_to_the_end_of_the_next_good_run():
    found = stats([ran(0, 1), ran(10, 12, "failed", failed_at=at(11)), ran(20, 22, "failed"), ran(30, 35), ran(40, 41)])
    assert found.outages == 1
    assert found.time_to_recovery_s == timedelta(minutes=35 - 11).total_seconds()
    assert found.time_to_detect_s == 60


def test_a_pipeline_is_down_until_a_run_goes_well():
    found = stats([ran(0, 1), ran(10, 12, "failed")])
    assert (found.is_down, found.outages, found.time_to_recovery_s) == (True, 1, None)
    assert not stats([ran(0, 1), ran(10, 12, "failed"), ran(20, 21)]).is_down


def test_an_incident_that_was_opened_while_it_failed_is_when_it_was_detected():
    (found,) = outages([ran(10, 30, "failed"), ran(40, 41)], [at(5), at(12), at(60)])
    assert found.detect_s == 120


def test_a_cancelled_run_is_neither_a_failure_nor_a_recovery():
    assert stats([ran(0, 1, "cancelled")]).success_rate is None
    assert stats([ran(0, 1, "failed"), ran(2, 3, "cancelled")]).is_down


def test_nothing_is_known_of_nothing():
    found = stats([])
    assert (found.success_rate, found.median_s, found.time_to_detect_s, found.time_to_recovery_s) == (None,) * 4


@given(RUNS, st.randoms())
def test_the_order_of_records_makes_no_difference(runs, random):
    shuffled = list(runs)
    random.shuffle(shuffled)
    assert stats(shuffled) == stats(runs)


@given(RUNS, st.lists(MINUTES.map(at), max_size=5))
def test_no_duration_is_negative(runs, told):
    found = stats(runs)
    durations = [found.median_s, found.p95_s, found.late_median_s, found.late_p95_s, found.time_to_detect_s]
    assert all(each is None or each >= 0 for each in [*durations, found.time_to_recovery_s])
    assert all(each.detect_s >= 0 and (each.recover_s or 0) >= 0 for each in outages(runs, told))
    assert found.succeeded + found.failed + found.cancelled == found.runs


@given(RUNS, RUNS)
def test_two_histories_one_after_the_other_have_the_outages_of_both(first, second):
    mended = [*first, ran(100, 101)]  # the first ends well, so that no outage reaches into the second
    later = [
        replace(run, **{name: getattr(run, name) and getattr(run, name) + timedelta(days=1) for name in _TIMES})
        for run in second
    ]
    assert outages([*mended, *later]) == (*outages(mended), *outages(later))


_TIMES = ("ordered_at", "started_at", "ended_at", "fire_at", "failed_at")


@given(RUNS)
def test_outages_follow_each_other(runs):
    found = outages(runs)
    assert all(before.over_at is not None and before.over_at <= after.seen_at for before, after in pairwise(found))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(0.01, 1))
def test_a_quantile_is_one_of_the_values_and_leaves_its_share_below(values, share):
    ordered = sorted(values)
    found = quantile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
