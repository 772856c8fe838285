"""Slots and time: every instant is in exactly one slot, whatever the zone does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.plan.calendar import Calendar, slot_of, start_of

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]
LENGTHS = ["30s", "5m", "1h", "6h", "1d", "2d", "1w", "1mo", "3mo"]
instants = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(at=instants, zone=st.sampled_from(ZONES), every=st.sampled_from(LENGTHS))
def test_an_instant_lies_in_its_slot(at, zone, every):
    calendar = Calendar.of(every, zone)
    start, end = calendar.interval(calendar.slot_at(at.replace(microsecond=0)))
    assert start <= at.replace(microsecond=0) < end


@given(at=instants, zone=st.sampled_from(ZONES), every=st.sampled_from(LENGTHS))
def test_slots_follow_each_other_without_gap_or_overlap(at, zone, every):
    calendar = Calendar.of(every, zone)
    start = calendar.floor(at)
    assert calendar.floor(calendar.next(start)) == calendar.next(start) > start


@given(at=instants)
def test_a_slot_name_gives_its_start_back(at):
    assert start_of(slot_of(at.replace(microsecond=0))) == at.replace(microsecond=0)


@pytest.mark.parametrize(("day", "hours"), [("2013-03-10", 23), ("2013-11-03", 25), ("2013-06-01", 24)])
def test_a_day_has_as_many_hours_as_the_zone_says(day, hours):
    calendar = Calendar.of("1d", "America/New_York")
    start, end = calendar.interval(calendar.slot_at(datetime.fromisoformat(f"{day}T12:00:00Z")))
    assert end - start == timedelta(hours=hours)


def test_slots_are_counted_from_a_fixed_epoch_and_not_from_a_window():
    calendar = Calendar.of("2d", "UTC")
    whole = list(calendar.starts(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)))
    part = list(calendar.starts(datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 1, 20, tzinfo=UTC)))
    assert set(part) <= set(whole)


def test_weeks_begin_on_monday():
    assert Calendar.of("1w", "UTC").slot_at(datetime(2024, 5, 8, tzinfo=UTC)) == "2024-05-06T00:00:00Z"
