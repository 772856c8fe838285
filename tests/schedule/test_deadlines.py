"""Until when a run must have ended, and whether it will."""

from datetime import timedelta

import pytest

from headwater.schedule.deadlines import deadline_of, outlook
from headwater.spec.schedules import Deadline
from tests.schedule.making import Pipeline, at, cron

NEW_YORK = "America/New_York"
SEVEN = at("2024-01-10 07:00")


def pipeline(*schedule, **deadline):
    return Pipeline(schedule=schedule, deadline=Deadline(**deadline))


def test_a_local_time_is_that_of_the_schedule_s_zone():
    morning = pipeline(cron("15 6 * * *", NEW_YORK), at="07:00")
    assert deadline_of(morning, at("2024-01-10 06:15", NEW_YORK)) == at("2024-01-10 07:00", NEW_YORK)


def test_a_local_time_that_is_over_is_that_of_the_next_day():
    night = pipeline(cron("0 23 * * *", NEW_YORK), at="07:00")
    assert deadline_of(night, at("2024-01-10 23:00", NEW_YORK)) == at("2024-01-11 07:00", NEW_YORK)


def test_of_several_schedules_the_one_that_fires_counts():
    both = pipeline(cron("0 6 * * *", NEW_YORK), cron("0 6 * * *", "Europe/Berlin"), at="07:00")
    berlin = at("2024-01-10 06:00", "Europe/Berlin")
    assert deadline_of(both, berlin) == berlin + timedelta(hours=1)


def test_a_run_that_no_schedule_asks_for_takes_the_project_s_zone():
    triggered = pipeline(at="07:00", timezone=NEW_YORK)
    assert deadline_of(triggered, at("2024-01-10 03:00", NEW_YORK)) == at("2024-01-10 07:00", NEW_YORK)


def test_a_duration_counts_from_when_the_run_was_due():
    assert deadline_of(pipeline(after_s=7200.0), at("2024-01-10 05:00")) == SEVEN


def test_no_deadline():
    assert deadline_of(Pipeline(), SEVEN) is None


def test_a_deadline_may_be_skipped_by_the_clock():
    night = pipeline(cron("0 1 * * *", NEW_YORK), at="02:30")
    assert deadline_of(night, at("2024-03-10 01:00", NEW_YORK)) == at("2024-03-10 03:30", NEW_YORK)


@pytest.mark.parametrize(
    ("started", "now", "expected"),
    [
        ("06:00", "06:10", "on_track"),
        ("06:30", "06:31", "on_track"),
        ("06:45", "06:46", "at_risk"),
        (None, "06:20", "on_track"),
        (None, "06:45", "at_risk"),
        ("06:00", "06:59", "on_track"),
        ("06:00", "07:00", "missed"),
        (None, "07:30", "missed"),
    ],
)
def test_whether_it_will_be_kept(started, now, expected):
    started_at = at(f"2024-01-10 {started}") if started else None
    past = [60.0, 1500.0, 1200.0, 1200.0, 9000.0]
    assert outlook(SEVEN, started_at, at(f"2024-01-10 {now}"), past) == expected


def test_without_a_past_nothing_is_foreseen():
    assert outlook(SEVEN, None, SEVEN - timedelta(seconds=1), []) == "on_track"
