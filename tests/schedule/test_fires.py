"""At which times schedules fire."""

from datetime import timedelta

import pytest

from headwater.schedule.fires import fires, last_fire, next_fire
from headwater.schedule.patterns import cron_problem, is_possible
from headwater.schedule.remarks import idle_days, meeting, seldom
from tests.schedule.making import at, cron, every, fired


def days(schedule, after, until):
    return [text[:5] for text in fired(schedule, after, until)]


def test_cron_fires_at_its_local_time():
    schedule = cron("15 6 * * *", "America/New_York")
    assert next_fire([schedule], at("2024-01-10 12:00")) == at("2024-01-11 11:15")


def test_the_first_moment_is_excluded_and_the_last_included():
    schedule = cron("0 6 * * *")
    assert fired(schedule, "2024-01-10 06:00", "2024-01-11 06:00") == ["01-11 06:00 +0000"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 0 29 2 *", "02-29"),
        ("0 0 31 * *", "01-31 03-31"),
        ("0 0 L * *", "01-31 02-29 03-31"),
        ("0 0 LW * *", "01-31 02-29 03-29"),
        ("0 0 1 * MON", "01-08 01-15 01-22 01-29 02-01 02-05 02-12 02-19 02-26 03-01 03-04 03-11 03-18 03-25"),
        ("0 0 * * FRI#1", "01-05 02-02 03-01"),
        ("0 0 * * 5L", "01-26 02-23 03-29"),
        ("@monthly", "02-01 03-01"),
    ],
)
def test_days_of_cron(line, expected):
    assert " ".join(days(cron(line), "2024-01-01 12:00", "2024-03-31 12:00")) == expected


def test_a_leap_day_fires_every_four_years_but_not_in_2100():
    found = list(fires(cron("0 0 29 2 *"), at("2090-01-01"), at("2110-01-01")))
    assert [moment.year for moment in found] == [2092, 2096, 2104, 2108]


def test_a_sixth_field_before_the_others_is_seconds():
    assert len(list(fires(cron("*/10 * * * * *"), at("2024-01-01 00:00"), at("2024-01-01 00:01")))) == 6


def test_every_counts_as_slots_do():
    assert fired(every("6h"), "2024-01-10 01:00", "2024-01-10 13:00") == ["01-10 06:00 +0000", "01-10 12:00 +0000"]
    assert days(every("1w"), "2024-01-01 12:00", "2024-01-20 00:00") == ["01-08", "01-15"]
    assert days(every("3mo"), "2024-01-01 12:00", "2024-12-31 00:00") == ["04-01", "07-01", "10-01"]


def test_every_counts_from_its_start():
    assert fired(every("45m", start=at("2024-01-10 08:10")), "2024-01-10 00:00", "2024-01-10 10:00") == [
        "01-10 08:10 +0000",
        "01-10 08:55 +0000",
        "01-10 09:40 +0000",
    ]


def test_months_from_the_31st_end_with_their_last_day():
    schedule = every("1mo", start=at("2024-01-31 06:00"))
    assert days(schedule, "2024-01-01 00:00", "2024-06-01 00:00") == ["01-31", "02-29", "03-31", "04-30", "05-31"]


def test_every_counts_from_its_start_in_local_time():
    schedule = every("1d", "Europe/Berlin", start=at("2024-03-29 06:00", "Europe/Berlin"))
    found = fired(schedule, "2024-03-29 07:00", "2024-04-01 07:00")
    assert found == ["03-30 06:00 +0100", "03-31 06:00 +0200", "04-01 06:00 +0200"]


def test_start_is_included_and_end_is_not():
    schedule = cron("0 6 * * *", start=at("2024-01-10 06:00"), end=at("2024-01-12 06:00"))
    assert days(schedule, "2024-01-01 00:00", "2024-02-01 00:00") == ["01-10", "01-11"]


def test_days_off():
    schedule = every("12h", except_=("2024-01-11",))
    found = fired(schedule, "2024-01-10 13:00", "2024-01-12 01:00")
    assert found == ["01-12 00:00 +0000"]


def test_nothing_is_computed_before_it_is_asked_for():
    endless = fires(cron("* * * * *"), at("2024-01-01"), at("8000-01-01"))
    assert next(endless) == at("2024-01-01 00:01")


def test_the_last_time_is_found_without_going_through_all():
    minutes = cron("* * * * *")
    assert last_fire(minutes, at("1950-01-01"), at("2024-01-10 12:00:30")) == at("2024-01-10 12:00")
    assert last_fire(cron("0 0 29 2 *"), at("1950-01-01"), at("2027-01-01")) == at("2024-02-29")
    assert last_fire(minutes, at("2024-01-10 12:00"), at("2024-01-10 12:00:30")) is None


def test_the_next_of_several_schedules():
    assert next_fire([cron("0 6 * * *"), cron("0 5 * * *")], at("2024-01-10")) == at("2024-01-10 05:00")
    assert next_fire([cron("0 6 * * *", end=at("2024-01-01"))], at("2024-01-10")) is None


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("61 * * * *", "`61` is no minute"),
        ("* 24 * * *", "`24` is no hour"),
        ("* * 0 * *", "`0` is no day of the month"),
        ("* * * 13 *", "`13` is no month"),
        ("* * * * 8", "`8` is no weekday"),
        ("60 * * * * *", "`60` is no second"),
        ("* * * * FRI-MON", "`FRI-MON` is no weekday"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("* * * *", "it has 4 fields"),
        ("", "it has 0 fields"),
        ("@reboot", "`@reboot` is no name of a cron line"),
        ("1" * 5000 + " * * * *", "it is longer than 200 characters"),
    ],
)
def test_what_is_wrong_with_a_cron_line(line, what):
    assert cron_problem(line)[0] == what


@pytest.mark.parametrize("line", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *"])
def test_a_day_that_never_comes(line):
    assert not is_possible(line)


def test_schedules_that_meet():
    monday, daily = cron("0 7 * * MON", "Europe/Berlin"), cron("0 6 * * *")
    assert meeting(monday, daily, at("2024-07-01")) == at("2024-10-28 06:00")
    assert meeting(cron("0 6 * * *"), cron("30 6 * * *"), at("2024-07-01")) is None


def test_a_schedule_that_fires_seldom_says_when():
    assert seldom(cron("0 0 29 2 *"), at("2024-07-01")) == at("2028-02-29")
    assert seldom(cron("0 0 1 1 *"), at("2024-07-01")) is None


def test_days_off_on_which_nothing_fires():
    assert list(idle_days(cron("0 6 * * 1-5", except_=("2024-12-25", "2024-12-28")))) == ["2024-12-28"]


def test_years_of_minutes_are_endless_but_each_day_is_whole():
    day = timedelta(days=1)
    assert sum(1 for _ in fires(cron("* * * * *"), at("2024-01-01"), at("2024-01-01") + day)) == 1440
