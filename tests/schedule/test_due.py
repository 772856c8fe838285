"""What a pipeline's schedules ask for when somebody looks: late, twice, after a pause, with runs under way."""

from datetime import timedelta

import pytest

from headwater.schedule.due import MOST, Standing, due
from tests.schedule.making import Pipeline, at, cron, daily, every

MORNING = at("2024-01-10 06:00")


def looked(pipeline, until, now, **standing):
    return due(pipeline, Standing(fired_until=at(until), **standing), at(now))


def times(found):
    return [f"{fire.at:%m-%d %H:%M}" for fire in found.fires]


def test_a_time_that_has_come_is_ordered():
    found = looked(daily(), "2024-01-10 05:59", "2024-01-10 06:00")
    assert times(found) == ["01-10 06:00"]
    assert found.fires[0].because == "scheduled for 2024-01-10 06:00 UTC"
    assert found.next_at == MORNING + timedelta(days=1)


def test_of_times_within_a_minute_the_second_is_told():
    often = Pipeline(schedule=(every("10s"),))
    found = looked(often, "2024-01-10 05:59:55", "2024-01-10 06:00:25")
    assert found.fires[0].because.startswith("scheduled for 2024-01-10 06:00:20 UTC")


def test_a_time_is_ordered_once():
    first = looked(daily(), "2024-01-10 05:59", "2024-01-10 06:00")
    assert due(daily(), Standing(fired_until=first.fired_until), MORNING).fires == ()


def test_a_pipeline_seen_for_the_first_time_starts_from_now():
    found = due(daily(catch_up="all"), Standing(), MORNING + timedelta(hours=1))
    assert found.fires == ()
    assert found.fired_until == MORNING + timedelta(hours=1)
    assert found.is_news


def test_a_start_in_the_past_is_caught_up_if_all_is():
    since_monday = daily(catch_up="all", start=at("2024-01-08 00:00"))
    assert times(due(since_monday, Standing(), MORNING)) == ["01-08 06:00", "01-09 06:00", "01-10 06:00"]
    latest = daily(start=at("2024-01-08 00:00"))
    assert times(due(latest, Standing(), MORNING)) == []


def test_latest_runs_the_last_of_those_that_were_missed():
    found = looked(daily(), "2024-01-06 12:00", "2024-01-10 09:00")
    assert times(found) == ["01-10 06:00"]
    assert found.fires[0].because == "scheduled for 2024-01-10 06:00 UTC, 3 earlier times passed over"
    assert found.passed_over == 3


def test_all_runs_each_of_those_that_were_missed_oldest_first():
    found = looked(daily(catch_up="all"), "2024-01-07 12:00", "2024-01-10 09:00")
    assert times(found) == ["01-08 06:00", "01-09 06:00", "01-10 06:00"]
    assert found.fires[0].because == "scheduled for 2024-01-08 06:00 UTC, caught up"


def test_none_runs_only_what_is_less_than_a_minute_late():
    never = daily(catch_up="none")
    assert times(looked(never, "2024-01-07 12:00", "2024-01-10 06:00:59")) == ["01-10 06:00"]
    late = looked(never, "2024-01-07 12:00", "2024-01-10 06:02")
    assert times(late) == []
    assert late.passed_over == 3
    assert late.is_news


def test_while_it_is_paused_nothing_is_ordered_and_nothing_settled():
    found = looked(daily(), "2024-01-07 12:00", "2024-01-10 09:00", is_paused=True)
    assert times(found) == []
    assert found.fired_until == at("2024-01-07 12:00")


@pytest.mark.parametrize(("catch_up", "expected"), [("all", 3), ("latest", 1), ("none", 0)])
def test_what_follows_a_pause_is_what_catch_up_says(catch_up, expected):
    pipeline = daily(catch_up=catch_up)
    paused = looked(pipeline, "2024-01-07 12:00", "2024-01-10 09:00", is_paused=True)
    resumed = due(pipeline, Standing(fired_until=paused.fired_until), at("2024-01-10 09:00"))
    assert len(resumed.fires) == expected


def test_a_time_that_comes_while_a_run_waits_joins_it():
    found = looked(daily(), "2024-01-10 05:00", "2024-01-10 06:00", waiting=1)
    assert times(found) == []
    assert found.fired_until == MORNING
    assert found.passed_over == 1


def test_one_run_may_wait_while_another_is_under_way():
    assert times(looked(daily(), "2024-01-10 05:00", "2024-01-10 06:00", running=1)) == ["01-10 06:00"]


def test_max_active_lets_more_be_under_way():
    twice = Pipeline(schedule=(cron("0 6 * * *"),), max_active=2)
    assert times(looked(twice, "2024-01-10 05:00", "2024-01-10 06:00", waiting=1)) == ["01-10 06:00"]
    assert times(looked(twice, "2024-01-10 05:00", "2024-01-10 06:00", waiting=1, running=1)) == []


def test_all_never_joins():
    each = daily(catch_up="all")
    assert times(looked(each, "2024-01-10 05:00", "2024-01-10 06:00", waiting=1, running=1)) == ["01-10 06:00"]


def test_years_of_minutes_are_caught_up_in_parts():
    pipeline = daily("* * * * *", catch_up="all")
    first = looked(pipeline, "2020-01-01 00:00", "2024-01-10 06:00")
    assert len(first.fires) == MOST
    assert first.fired_until == at("2020-01-01 16:40")
    full = due(pipeline, Standing(fired_until=first.fired_until, waiting=MOST), MORNING)
    assert (full.fires, full.fired_until) == ((), first.fired_until)
    more = due(pipeline, Standing(fired_until=first.fired_until, waiting=MOST - 10), MORNING)
    assert more.fires[0].at == at("2020-01-01 16:41")
    assert len(more.fires) == 10


def test_a_clock_that_goes_back_fires_nothing_twice():
    found = looked(daily(), "2024-01-10 06:00", "2024-01-10 05:00")
    assert found.fires == ()
    assert found.fired_until == MORNING
    again = due(daily(), Standing(fired_until=found.fired_until), MORNING)
    assert again.fires == ()


def test_schedules_of_one_pipeline_that_meet_run_once():
    pipeline = Pipeline(schedule=(cron("0 6 * * *", catch_up="all"), every("1h"), cron("0 6 * * 3", catch_up="all")))
    assert times(looked(pipeline, "2024-01-10 05:30", "2024-01-10 06:00")) == ["01-10 06:00"]


def test_each_schedule_of_a_pipeline_catches_up_in_its_own_way():
    pipeline = Pipeline(
        schedule=(cron("0 6 * * *", catch_up="all"), cron("0 12 * * *"), cron("0 13 * * *")), max_active=9
    )
    found = looked(pipeline, "2024-01-08 00:00", "2024-01-09 20:00")
    assert times(found) == ["01-08 06:00", "01-09 06:00", "01-09 13:00"]


def test_how_far_it_has_fired_is_news_now_and_then():
    assert not looked(daily(), "2024-01-10 07:00", "2024-01-10 07:09").is_news
    assert looked(daily(), "2024-01-10 07:00", "2024-01-10 07:10").is_news


def test_without_a_schedule_time_is_settled_all_the_same():
    found = looked(Pipeline(), "2024-01-01 00:00", "2024-01-10 06:00")
    assert (found.fires, found.fired_until, found.next_at) == ((), MORNING, None)


def test_continuous_runs_one_after_another():
    stream = Pipeline(continuous_s=5)
    assert times(due(stream, Standing(), MORNING)) == ["01-10 06:00"]
    soon = due(stream, Standing(fired_until=MORNING), MORNING + timedelta(seconds=4))
    assert (soon.fires, soon.next_at) == ((), MORNING + timedelta(seconds=5))
    busy = due(stream, Standing(fired_until=MORNING, running=1), MORNING + timedelta(seconds=60))
    assert busy.fires == ()


def test_continuous_never_catches_up():
    found = due(Pipeline(continuous_s=5), Standing(fired_until=MORNING), MORNING + timedelta(days=1))
    assert [fire.because for fire in found.fires] == ["continuous, every 5s"]
    assert found.fired_until == MORNING + timedelta(days=1)
