"""Local hours that are skipped, or come twice: what schedules do in the nights in which clocks change."""

from headwater.spec.schedules import Timetable
from tests.schedule.making import cron, every, fired

NEW_YORK, BERLIN, LORD_HOWE, APIA = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"


def spring(schedule: Timetable) -> list[str]:
    """In New York, 02:00 to 03:00 of 10 March 2024 did not exist."""
    return fired(schedule, "2024-03-10 01:00", "2024-03-10 04:00")


def autumn(schedule: Timetable) -> list[str]:
    """In New York, 01:00 to 02:00 of 3 November 2024 came twice."""
    return fired(schedule, "2024-11-03 00:30", "2024-11-03 02:30")


def test_a_skipped_time_fires_once_right_after_the_gap():
    assert spring(cron("30 2 * * *", NEW_YORK)) == ["03-10 03:00 -0400"]


def test_all_times_of_a_gap_together_fire_once():
    assert spring(cron("15,30,45 2,3 * * *", NEW_YORK)) == [
        "03-10 03:00 -0400",
        "03-10 03:15 -0400",
        "03-10 03:30 -0400",
        "03-10 03:45 -0400",
    ]


def test_a_skipped_time_and_the_end_of_the_gap_are_one_time():
    assert spring(cron("0 2,3 * * *", NEW_YORK)) == ["03-10 03:00 -0400"]


def test_every_hour_of_the_clock_skips_the_one_that_is_not_there():
    assert spring(cron("30 * * * *", NEW_YORK)) == ["03-10 01:30 -0500", "03-10 03:30 -0400"]


def test_a_doubled_time_fires_the_first_time_only():
    assert autumn(cron("30 1 * * *", NEW_YORK)) == ["11-03 01:30 -0400"]


def test_every_real_hour_fires_where_an_hour_comes_twice():
    assert autumn(cron("0 * * * *", NEW_YORK)) == ["11-03 01:00 -0400", "11-03 01:00 -0500", "11-03 02:00 -0500"]


def test_minutes_go_on_through_a_doubled_hour():
    assert len(autumn(cron("*/5 * * * *", NEW_YORK))) == 3 * 12


def test_the_day_after_is_as_always():
    schedule = cron("30 2 * * *", NEW_YORK)
    assert fired(schedule, "2024-03-10 12:00", "2024-03-11 12:00") == ["03-11 02:30 -0400"]


def test_a_zone_changes_by_its_own_rule():
    schedule = cron("30 2 * * *", BERLIN)
    assert fired(schedule, "2024-03-30 12:00", "2024-03-31 12:00") == ["03-31 03:00 +0200"]
    assert fired(schedule, "2024-10-26 12:00", "2024-10-27 12:00") == ["10-27 02:30 +0200"]


def test_half_an_hour_is_skipped_on_lord_howe_island():
    assert fired(cron("15 2 * * *", LORD_HOWE), "2024-10-06 01:00", "2024-10-06 05:00") == ["10-06 02:30 +1100"]
    assert fired(cron("*/20 3 * * *", LORD_HOWE), "2024-10-06 01:00", "2024-10-06 05:00") == [
        "10-06 03:00 +1100",
        "10-06 03:20 +1100",
        "10-06 03:40 +1100",
    ]


def test_half_an_hour_comes_twice_on_lord_howe_island():
    assert fired(cron("45 1 * * *", LORD_HOWE), "2024-04-07 00:00", "2024-04-07 05:00") == ["04-07 01:45 +1100"]
    assert fired(cron("*/15 1 * * *", LORD_HOWE), "2024-04-07 00:30", "2024-04-07 02:00") == [
        "04-07 01:00 +1100",
        "04-07 01:15 +1100",
        "04-07 01:30 +1100",
        "04-07 01:45 +1100",
        "04-07 01:30 +1030",
        "04-07 01:45 +1030",
    ]


def test_a_day_that_apia_never_had_is_not_made_up_for():
    found = fired(cron("0 6 * * *", APIA), "2011-12-28 12:00", "2012-01-01 12:00")
    assert found == ["12-29 06:00 -1000", "12-31 06:00 +1400", "01-01 06:00 +1400"]


def test_midnight_may_be_what_is_skipped():
    assert fired(cron("0 0 * * *", "Africa/Cairo"), "2024-04-25 12:00", "2024-04-26 12:00") == ["04-26 01:00 +0300"]


def test_days_follow_the_local_calendar_and_hours_the_time_that_passes():
    assert fired(every("1d", NEW_YORK), "2024-03-09 12:00", "2024-03-11 12:00") == [
        "03-10 00:00 -0500",
        "03-11 00:00 -0400",
    ]
    assert len(fired(every("1h", NEW_YORK), "2024-03-10 00:00", "2024-03-11 00:00")) == 23
    assert len(fired(every("1h", NEW_YORK), "2024-11-03 00:00", "2024-11-04 00:00")) == 25


def test_a_day_off_is_one_of_the_schedule_s_zone():
    schedule = cron("0 22 * * *", NEW_YORK, except_=("2024-12-25",))
    found = fired(schedule, "2024-12-24 00:00", "2024-12-27 00:00")
    assert found == ["12-24 22:00 -0500", "12-26 22:00 -0500"]
