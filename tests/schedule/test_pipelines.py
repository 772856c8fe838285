"""What pipelines say in project files about when they run, and what a release keeps of it."""

import json
from datetime import timedelta

import msgspec
import pytest

from headwater.graph.encoding import decode, encode
from headwater.graph.schedule_warnings import schedule_warnings
from headwater.graph.values import PipelineNode
from headwater.spec.nodes import Retries
from headwater.spec.schedules import Deadline, Timetable, Trigger
from tests.schedule.making import at


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint"}, [(1,)])
    project.model("a", "SELECT id FROM raw")
    return project


def pipeline(shop, text, header=""):
    shop.write("pipelines.yaml", f"{header}pipelines:\n  p:\n    select: a\n    {text}\n")
    return shop


def kept(shop, text, header="") -> PipelineNode:
    return pipeline(shop, text, header).graph().pipelines[0]


def mistakes(shop, text):
    """Codes with the column: everything stands on line 4."""
    return [each.replace(" pipelines.yaml:4:", " ") for each in pipeline(shop, text).mistakes]


def warnings(shop, text):
    checked = pipeline(shop, text).check()
    assert checked.is_sound, checked.diagnostics
    return [(each.code, each.message) for each in schedule_warnings(checked.project, at("2024-07-01"))]


def test_a_schedule_is_kept_with_everything_filled_in(shop):
    shop.settings(timezone="Europe/Berlin", calendars={"holidays": ["2026-12-25", "2026-01-01"]})
    node = kept(
        shop, 'schedule: {cron: "15 6 * * *", start: 2026-01-01, catch_up: all, except: [holidays, 2026-05-01]}'
    )
    assert node.schedule == (
        Timetable(
            cron="15 6 * * *",
            timezone="Europe/Berlin",
            start=at("2025-12-31 23:00"),
            catch_up="all",
            except_=("2026-01-01", "2026-05-01", "2026-12-25"),
        ),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('schedule: "15 6 * * *"', [Timetable(cron="15 6 * * *")]),
        ("schedule: 15 6 * * 1", [Timetable(cron="15 6 * * 1")]),
        ("schedule: '@daily'", [Timetable(cron="@daily")]),
        ("schedule: {every: 15m}", [Timetable(every="15m")]),
        ('schedule: ["0 6 * * *", {every: 1w}]', [Timetable(cron="0 6 * * *"), Timetable(every="1w")]),
    ],
)
def test_a_schedule_is_a_map_a_list_or_a_text(shop, text, expected):
    assert list(kept(shop, text).schedule) == expected


def test_conditions_combine_to_any_depth(shop):
    node = kept(
        shop,
        'when: {any: [{all: [{updated: A}, {message: go}]}, {updated: [raw, a]}, {files: "in/*.csv"}, '
        '{webhook: push, secret: "${env:PUSH}"}]}',
    )
    a, raw = Trigger(kind="updated", name="a"), Trigger(kind="updated", name="raw")
    assert node.when == Trigger(
        kind="any",
        of=(
            Trigger(kind="all", of=(a, Trigger(kind="message", name="go"))),
            Trigger(kind="any", of=(raw, a)),
            Trigger(kind="files", name="in/*.csv"),
            Trigger(kind="webhook", name="push", secret="${env:PUSH}"),  # noqa: S106 - a reference
        ),
    )


def test_all_other_settings_are_kept(shop):
    node = kept(
        shop,
        "when: {updated: raw}\n    debounce: 30s\n    timeout: 2h\n    concurrency: 4\n    priority: -1\n    max_active: 2"
        "\n    retries: {attempts: 5}\n    in: [prod]",
    )
    assert (node.debounce_s, node.timeout_s, node.concurrency, node.priority, node.max_active) == (30, 7200, 4, -1, 2)
    assert node.retries == Retries(attempts=5)
    assert node.in_ == ("prod",)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("07:00", Deadline(at="07:00:00")),
        ('"7:30"', Deadline(at="07:30:00")),
        ("1h30m", Deadline(after_s=5400.0)),
    ],
)
def test_a_deadline_is_a_local_time_or_a_duration(shop, written, expected):
    assert kept(shop, f'schedule: "0 6 * * *"\n    deadline: {written}').deadline == expected


def test_a_release_gives_back_what_it_kept(shop):
    text = "schedule: {every: 1d, start: 2026-01-01}\n    when: {all: [{updated: a}, {message: x}]}\n    deadline: 2h"
    graph = pipeline(shop, text).graph()
    assert decode(encode(graph)) == graph


def test_a_release_of_before_has_pipelines_without_schedules(shop):
    document = json.loads(encode(pipeline(shop, "publish: each").graph()))
    document["pipelines"] = [{"name": "p", "select": ["a"], "publish": "each"}]
    old = decode(msgspec.json.encode(document)).pipelines[0]
    assert (old.schedule, old.when, old.max_active) == ((), None, 1)


@pytest.mark.parametrize(
    "text", ['schedule: "0 7 * * *"', "continuous: 5s", "when: {updated: raw}", "priority: 1", "in: [prod]"]
)
def test_a_changed_schedule_is_a_change_of_code_that_rebuilds_nothing(shop, text):
    before = kept_graph(shop, "publish: together")
    shop.apply()
    after = kept_graph(shop, text)
    assert after.digest != before.digest
    assert shop.plan().computed == {}
    assert shop.apply().release is not None


def kept_graph(shop, text):
    return pipeline(shop, text).graph()


def test_a_pipeline_in_python_says_the_same(shop):
    shop.write(
        "models/nodes.py",
        "import headwater as hw\n\n"
        'hw.pipeline(name="p", select=["a"], schedule="0 6 * * *", in_=["prod"],\n'
        '            when={"any": [{"updated": "raw"}, {"message": "go"}]}, continuous=None)\n',
    )
    node = shop.graph().pipelines[0]
    assert node.schedule == (Timetable(cron="0 6 * * *"),)
    assert node.when.kind == "any"
    assert node.in_ == ("prod",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schedule: {timezone: UTC}", ["HW1000 15"]),
        ('schedule: {cron: "0 6 * * *", every: 1h}', ["HW1000 42"]),
        ('schedule: {cron: "0 26 * * *"}', ["HW1001 22"]),
        ('schedule: ["0 6 * * *", "6 o\'clock"]', ["HW1001 29"]),
        ("schedule: {cron: 0 0 30 2 *}", ["HW1002 22"]),
        ("schedule: {cron: 0 0 1 1 *, start: 2026-02-01, end: 2026-03-01, except: [2026-01-01]}", ["HW1002 57"]),
        ("schedule: {cron: 0 6 * * *, start: 2026-02-01T07:00, end: 2026-02-01T08:00}", ["HW1002 63"]),
        ("schedule: {cron: 0 6 * * *, timezone: Europe/Berln}", ["HW0126 43"]),
        ("schedule: {cron: 0 6 * * *, except: [2026-02-30]}", ["HW1005 42"]),
        ("schedule: {every: 1h, start: 2026-01-02, end: 2026-01-02}", ["HW1007 51"]),
        ("schedule: {every: 1h, start: 0206-01-02}", ["HW1007 34"]),
        ("schedule: {every: 500ms}", ["HW0110 23"]),
        ("schedule: {every: 1h, catch_up: some}", ["HW0112 37"]),
        ("when: {}", ["HW1008 11"]),
        ("when: {updated: a, message: x}", ["HW1008 11"]),
        ("when: {any: [{updated: raw}, {updated: rwa}]}", ["HW1009 44"]),
        ('when: {files: ""}', ["HW1008 12"]),
        ("when: {webhook: push}", ["HW1010 21"]),
        ("when: {webhook: push, secret: hunter2}", ["HW1010 35"]),
        ("when: {message: x, secret: '${env:X}'}", ["HW1010 32"]),
        ("when: {message: a b}", ["HW0114 21"]),
        ("deadline: 2h", ["HW1011 15"]),
        ("continuous: 500ms", ["HW1013 17"]),
        ("debounce: 5s", ["HW1013 15"]),
        ("timeout: 0s", ["HW1013 14"]),
        ("concurrency: 0", ["HW1013 18"]),
        ("max_active: 0", ["HW1013 17"]),
        ("retries: {attempts: 0}", ["HW0112 25"]),
        ("in: [prdo]", ["HW0128 10"]),
        ("scheduel: {every: 1h}", ["HW0109 5"]),
    ],
)
def test_what_cannot_be_is_named_with_its_place(shop, text, expected):
    assert mistakes(shop, text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('schedule: "0 6 * * *"\n    deadline: soon', "HW1011 pipelines.yaml:5:15"),
        ('schedule: "0 6 * * *"\n    deadline: "25:00"', "HW1011 pipelines.yaml:5:15"),
        ('schedule: "0 6 * * *"\n    continuous: 5s', "HW1012 pipelines.yaml:5:17"),
        ("schedule:\n      cron: */5 * * * *", "HW0105 pipelines.yaml:5:14"),
    ],
)
def test_mistakes_of_several_lines(shop, text, code):
    assert code in pipeline(shop, text).mistakes


def test_a_cron_line_without_quotes_says_what_to_do(shop):
    found = pipeline(shop, "schedule: {cron: */5 * * * *}").check().diagnostics
    assert "in quotes" in found[0].hint


def test_a_webhook_has_one_secret(shop):
    one, other = ('{webhook: push, secret: "${env:%s}"}' % name for name in ("A", "B"))  # noqa: UP031 - braces
    shop.write("pipelines.yaml", f"pipelines:\n  p: {{when: {one}}}\n  q: {{when: {one}}}\n  r: {{when: {other}}}\n")
    assert shop.mistakes == ["HW1014 pipelines.yaml:4:13"]


def test_a_calendar_holds_days(shop):
    shop.settings(calendars={"holidays": ["2026-12-25", "christmas"]})
    assert [code.split()[0] for code in shop.mistakes] == ["HW1005"]


def test_a_leap_day_is_told_with_its_next_time(shop):
    found = warnings(shop, "schedule: {cron: 0 0 29 2 *}")
    assert found == [("HW1003", "`0 0 29 2 *` fires seldom: the next time is 2028-02-29 00:00 UTC")]


def test_schedules_that_meet_are_told_with_the_first_time(shop):
    found = warnings(shop, 'schedule: ["0 6 * * *", {cron: 0 7 * * 1, timezone: Europe/Berlin}]')
    assert found == [
        ("HW1004", "`0 6 * * *` and `0 7 * * 1 Europe/Berlin` both fire at 2024-10-28 07:00 Europe/Berlin"),
    ]


def test_a_day_off_on_which_nothing_fires_is_told(shop):
    found = warnings(shop, "schedule: {cron: 0 6 * * 1-5, except: [2026-12-25, 2026-12-26]}")
    assert found == [("HW1006", "`0 6 * * 1-5` would not fire on 2026-12-26 anyway")]


def test_usual_schedules_get_no_remark(shop):
    assert warnings(shop, 'schedule: ["15 6 * * 1-5", "0 9 * * 6,0"]') == []


def test_a_secret_is_not_shown_where_it_should_not_stand(shop, capsys, monkeypatch):
    from headwater.cli.views.diagnostics import render

    pipeline(shop, "when: {webhook: push, secret: hunter2}")
    found = shop.check().diagnostics
    shown = "\n".join(render(found, shop.root))
    assert "HW1010" in shown
    assert "hunter2" not in shown + str([each.as_json() for each in found])


def test_years_are_planned_without_waiting(shop):
    from headwater.schedule.due import Standing, due

    node = kept(shop, 'schedule: {cron: "15 6 * * *", catch_up: all}')
    found = due(node, Standing(fired_until=at("2020-01-01")), at("2020-01-01") + timedelta(days=365))
    assert len(found.fires) == 365
