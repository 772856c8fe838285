"""Drift checks: a slot, or a whole table, is compared with what stood before it."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.app.doctor import doctor

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = {"sold": "timestamptz", "price": "double"}
SALES = "SELECT CAST(sold AS DATE) AS day, price FROM raw WHERE sold >= $start AND sold < $end"


def shop(project, check, *counts, **header):
    """A table of sales per day; ``counts`` are the rows of each day, from 2024-01-01 on, and now is after the last."""
    project.source("raw", COLUMNS, time="sold", start="2024-01-01")
    header = {"kind": "incremental", "time": "day", "every": "1d", "complete": True, **header}
    project.model("sales", SALES, checks=[{"drift": check}], **header)
    for count in counts:
        day(project, count)
    return project


def day(project, count, price=1.0, number=None):
    """The next day's file (or again that of a day) with so many rows, and time goes on to the day after."""
    done = len(list((project.root / "data" / "raw").glob("*.csv")))
    number = done if number is None else number
    at = FIRST + timedelta(days=number, hours=6)
    project.file("raw", f"{number:03}.csv", list(COLUMNS), [(at, price)] * count)
    project.now = max(project.now, at + timedelta(days=1)) if done else at + timedelta(days=1)
    return project


def slots(project, environment="dev"):
    return [slot[5:10] for _, slot in sorted(project.head(environment).entries_of("sales"))]


def test_a_day_unlike_those_before_is_refused(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 11, 9, 10).apply()
    day(project, 2).run(fails=True)
    assert slots(project) == ["01-01", "01-02", "01-03", "01-04", "01-05"]
    assert project.failed_checks() == [("sales", "drift(rows)", 1)]


def test_it_learns_before_it_judges(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 300, 1, 20).apply()
    assert slots(project) == ["01-01", "01-02", "01-03", "01-04"]
    assert project.failed_checks() == []


def test_a_warning_lets_the_day_in_and_says_by_how_much(project):
    shop(project, {"metric": "rows", "within": "20%", "on_fail": "warn"}, 10, 10, 10, 10, 10).apply()
    outcome = day(project, 2).run()
    (said,) = outcome.diagnostics
    assert (
        said.message
        == "check `drift(rows)` of `sales`, slot 2024-01-06T00:00:00Z: 2, where 8 to 12 is usual (5 measurements)"
    )
    assert len(slots(project)) == 6


def test_a_refused_day_is_no_history_to_the_next(project):
    shop(project, {"metric": "rows", "within": "3 sigma"}, 10, 10, 11, 9, 10).apply()
    day(project, 200).run(fails=True)
    day(project, 300).run(fails=True)
    day(project, 11).run(fails=True)
    assert slots(project) == ["01-01", "01-02", "01-03", "01-04", "01-05", "01-08"]


def test_a_refused_day_stays_refused_and_is_not_computed_again(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10).apply()
    day(project, 2).run(fails=True)
    project.events.clear()
    assert project.plan().plan.nodes["sales"].blocked == {("hub", "2024-01-06T00:00:00Z")}
    project.run(fails=True)
    assert project.computed() == {}


def test_a_mended_day_enters(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10).apply()
    day(project, 2).run(fails=True)
    day(project, 9, number=5).run()
    assert slots(project)[-1] == "01-06"


def test_a_refused_day_enters_once_history_says_otherwise(project):
    shop(project, {"metric": "rows", "within": "20%", "over": 2}, 10, 10).apply()
    day(project, 20).run(fails=True)
    day(project, 20, number=0)
    day(project, 20, number=1)
    project.run(fails=None)
    project.run()
    assert slots(project) == ["01-01", "01-02", "01-03"]


def test_a_quiet_sunday_is_no_alarm_where_weeks_have_a_season(project):
    weeks = [(10, 10, 10, 10, 10, 3, 1)] * 6
    check = {"metric": "rows", "within": "20%", "season": "week", "over": 5}
    shop(project, check, *(count for week in weeks for count in week)).apply()
    assert len(slots(project)) == 42
    day(project, 1).run(fails=True)
    assert project.failed_checks() == [("sales", "drift(rows)", 1)]


def test_without_a_season_the_sunday_is_one(project):
    shop(project, {"metric": "rows", "within": "20%", "on_fail": "warn"}, 10, 10, 10, 10, 10, 3, 1).apply()
    assert len(project.failed_checks()) == 2


def test_a_year_at_once_is_judged_day_by_day(project):
    counts = [10 + day % 3 for day in range(365)]
    counts[100], counts[200] = 1, 90
    shop(project, {"metric": "rows", "within": "30%", "on_fail": "warn"}, *counts).apply()
    assert [(e.check, e.slot[:10]) for e in project.events if getattr(e, "failing", 0)] == [
        ("drift(rows)", "2024-04-10"),
        ("drift(rows)", "2024-07-19"),
    ]


def test_days_filled_backwards_are_judged_by_the_days_before_them(project):
    project.environment("dev", window="3d")
    shop(project, {"metric": "rows", "within": "20%"}, *[9] * 6, 1, *[50] * 3).apply()
    assert slots(project) == ["01-08", "01-09", "01-10"]
    project.environment("dev", window="10d")
    project.apply(fails=True)
    (said,) = [e for e in project.events if getattr(e, "failing", 0)]
    assert said.slot == "2024-01-07T00:00:00Z"


@pytest.mark.parametrize(
    ("metric", "usual", "unlike"),
    [
        ("mean.price", 10.0, 20.0),
        ("mean.price", 10.0, float("nan")),
        ("nulls.price", 1.0, None),
        ("nulls.price", None, 1.0),
    ],
)
def test_what_is_measured_of_a_column(project, metric, usual, unlike):
    shop(project, {"metric": metric, "within": "10%"})
    for _ in range(5):
        day(project, 4, usual)
    project.apply()
    day(project, 4, unlike).run(fails=True)
    assert project.failed_checks() == [("sales", f"drift({metric})", 1)]


def test_a_day_without_rows_has_no_mean_to_compare(project):
    shop(project, {"metric": "mean.price", "within": "10%"}, 4, 4, 4, 4, 4).apply()
    day(project, 0).run()
    day(project, 4).run()
    assert len(slots(project)) == 7


def test_only_rows_that_are_asked_for_are_measured(project):
    shop(project, {"metric": "rows", "within": "10%", "where": "price > 5"}, 9, 9, 9, 9, 9).apply()
    day(project, 500).run()
    day(project, 4, 6.0).run(fails=True)
    assert project.failed_checks() == [("sales", "drift(rows)", 1)]


def test_rows_that_come_late_are_noticed(project):
    shop(project, {"metric": "freshness.sold", "within": "20%"})
    query = "SELECT CAST(sold AS DATE) AS day, sold FROM raw WHERE sold >= $start AND sold < $end"
    check = {"drift": {"metric": "freshness.sold", "within": "20%"}}
    project.model("sales", query, kind="incremental", time="day", every="1d", complete=True, checks=[check])
    for number in range(6):
        hour = 18 if number < 5 else 1
        project.file("raw", f"{number}.csv", list(COLUMNS), [(FIRST + timedelta(days=number, hours=hour), 1.0)])
    project.now = FIRST + timedelta(days=6)
    project.apply(fails=True)
    (said,) = [e for e in project.events if getattr(e, "failing", 0)]
    assert said.slot == "2024-01-06T00:00:00Z"


def whole(project, **check):
    project.source("raw", COLUMNS, time="sold", start="2024-01-01")
    project.model("totals", "SELECT price FROM raw", checks=[{"drift": {"metric": "rows", **check}}])
    return project


def test_a_whole_table_is_compared_with_its_earlier_releases(project):
    day(whole(project, within="50%"), 10).apply()
    for _ in range(5):
        day(project, 1).run()
    day(project, 100).run(fails=True)
    assert project.query("SELECT count(*) FROM totals") == [(15,)]


def test_another_logic_begins_another_history(project):
    day(whole(project, within="50%"), 10).apply()
    for _ in range(5):
        day(project, 1).run()
    project.model("totals", "SELECT price FROM raw LIMIT 1", checks=[{"drift": {"metric": "rows", "within": "50%"}}])
    project.apply()
    assert project.query("SELECT count(*) FROM totals") == [(1,)]


def test_a_promoted_day_is_judged_by_the_history_of_where_it_goes(project):
    project.environment("dev", window="3d")
    shop(project, {"metric": "rows", "within": "20%", "over": 2}, 10, 10).apply("prod")
    for _ in range(3):
        day(project, 14)
    project.apply()
    project.events.clear()
    project.run("prod", fails=True)
    assert project.computed() == {}
    assert (slots(project), slots(project, "prod")) == (["01-03", "01-04", "01-05"], ["01-01", "01-02"])


def test_a_rebuilt_state_judges_as_the_lost_one_did(project):
    shop(project, {"metric": "mean.price", "within": "10%"}, 4, 4, 4, 4, 4).apply()
    before = measured(project)
    project.reopen()
    (project.root / ".headwater" / "state.db").unlink()
    assert doctor(project.root, repair=True, effects=project.effects).is_healthy
    assert measured(project) == before != set()
    day(project, 4, 2.0).run(fails=True)


def measured(project):
    with project.workspace.db.read() as connection:
        return set(connection.execute("SELECT fill, metric, value FROM measurements"))


def test_what_was_measured_stays_and_verdicts_can_be_made_again(project):
    shop(project, {"metric": "mean.price", "within": "10%", "on_fail": "warn"}, 4, 4, 4, 4, 4).apply()
    day(project, 4, 2.0).run()
    before = measured(project)
    project.model("other", "SELECT 1 AS one")
    project.apply()
    day(project, 4).run()
    assert before < measured(project)


def test_a_day_is_judged_once_it_is_over(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10, complete=False).apply()
    project.file("raw", "005.csv", list(COLUMNS), [(FIRST + timedelta(days=5, hours=1), 1.0)])
    project.later(hours=1)
    project.run()
    assert project.failed_checks() == []
    project.later(days=1)
    project.run(fails=True)
    assert project.failed_checks() == [("sales", "drift(rows)", 1)]
    project.events.clear()
    project.run()
    assert project.failed_checks() == []


def test_a_check_that_is_added_looks_at_what_is_there(project):
    shop(project, {"metric": "rows", "within": "1000%"}, 10, 10, 10, 10, 10, 1).apply()
    project.model(
        "sales", SALES, kind="incremental", time="day", every="1d", complete=True,
        checks=[{"drift": {"metric": "rows", "within": "20%"}}],
    )  # fmt: skip
    project.apply(fails=True)
    assert project.failed_checks() == [("sales", "drift(rows)", 1)]


def test_a_rollback_keeps_days_that_the_old_check_passed(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10).apply()
    project.model("other", "SELECT 1 AS one")
    project.apply()
    day(project, 11).run()
    project.rollback()
    assert slots(project)[-1] == "01-06"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({"metric": "row"}, "HW0662"),
        ({"metric": "rows.price"}, "HW0662"),
        ({"metric": "mean"}, "HW0662"),
        ({"metric": "mean.prize"}, "HW0240"),
        ({"metric": "mean.day"}, "HW0242"),
        ({"metric": "freshness.price"}, "HW0242"),
        ({"metric": "rows", "within": "3"}, "HW0663"),
        ({"metric": "rows", "within": "-3 sigma"}, "HW0663"),
        ({"metric": "rows", "over": 1}, "HW0664"),
        ({"metric": "rows", "season": "month"}, "HW0112"),
        ({"metric": "rows", "on_fail": "quarantine"}, "HW0241"),
        ({"within": "3 sigma"}, "HW0111"),
    ],
)
def test_what_a_drift_check_cannot_be(project, check, expected):
    (found,) = shop(project, check).mistakes
    assert found.startswith(f"{expected} models/sales.sql:")


def test_a_season_needs_slots_shorter_than_it(project):
    assert shop(project, {"metric": "rows", "season": "week"}, every="1mo").mistakes[0].startswith("HW0661")
    project.model("sales", "SELECT price FROM raw", checks=[{"drift": {"metric": "rows", "season": "week"}}])
    assert project.mistakes[0].startswith("HW0661")


def test_a_view_has_no_history(project):
    shop(project, {"metric": "rows"}).model(
        "v", "SELECT price FROM sales", kind="view", checks=[{"drift": {"metric": "rows"}}]
    )
    assert project.mistakes == ["HW0660 models/v.sql:3:11"]


def test_a_source_has_no_history(project):
    project.source("raw", COLUMNS, checks=[{"drift": {"metric": "rows"}}])
    assert project.mistakes[0].startswith("HW0660 sources/raw.yaml")


def test_a_table_that_keeps_its_rows_keeps_its_history(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10, on_change="forward").apply()
    project.model(
        "sales", SALES.replace("price", "price + 1 AS price", 1), kind="incremental", time="day", every="1d",
        complete=True, on_change="forward", checks=[{"drift": {"metric": "rows", "within": "20%"}}],
    )  # fmt: skip
    project.apply()
    day(project, 2).run(fails=True)
    day(project, 10).run(fails=True)
    assert slots(project) == ["01-01", "01-02", "01-03", "01-04", "01-05", "01-07"]


def test_a_restated_day_that_is_refused_stays_as_it_was(project):
    shop(project, {"metric": "rows", "within": "20%"}, 10, 10, 10, 10, 10, 10, 10).apply()
    day(project, 90, number=5)
    day(project, 90, number=6).run(fails=True)
    assert project.query("SELECT count(*) FROM sales") == [(70,)]
    assert len(project.failed_checks()) == 2


def test_a_python_model_says_it_too(project):
    project.source("raw", COLUMNS, [("2024-01-01 06:00:00+00", 1.0)], time="sold", start="2024-01-01")
    code = """
import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={"raw": "raw"}, columns={"price": "double"}, checks=[hw.drift("mean.price", "20%", over=5)])
def prices(raw: pa.Table, run: hw.Run) -> pa.Table:
    return raw.select(["price"])
"""
    project.write("models/prices.py", code)
    (check,) = next(node for node in project.graph().nodes if node.name == "prices").checks
    assert (check.name, check.drift.within, check.drift.over) == ("drift(mean.price)", 20, 5)
