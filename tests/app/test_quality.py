"""A node's score, release by release."""

from headwater.app.doctor import doctor
from headwater.app.environments import create_environment
from headwater.app.quality import node_quality
from headwater.app.status import status

COLUMNS = {"id": "bigint", "price": "double", "sold": "timestamptz"}
SALES = "SELECT id, price, CAST(sold AS DATE) AS day FROM raw WHERE sold >= $start AND sold < $end"
CHEAP = {"accepted_range": {"column": "price", "max": 10, "on_fail": "warn"}}
POSITIVE = {"accepted_range": {"column": "price", "min": 0}}


def shop(project, *checks):
    project.source("raw", COLUMNS, [(1, 2.5, "2024-01-09 10:00:00+00")], time="sold", start="2024-01-09")
    project.model("sales", SALES, kind="incremental", time="day", every="1d", checks=list(checks))
    return project


def quality(project, environment="dev", node="sales"):
    return node_quality(project.workspace, environment, node)


def scores(project, environment="dev"):
    return [each.score.score for each in quality(project, environment).releases]


def of(project, environment="dev"):
    return next(each.quality for each in status(project.workspace, environment).nodes if each.node == "sales")


def sell(project, price):
    project.file("raw", "2.csv", list(COLUMNS), [(2, price, "2024-01-10 10:00:00+00")])
    return project


def test_every_release_that_touches_a_node_scores_it(project):
    shop(project, CHEAP, POSITIVE).apply()
    sell(project, 20).run()
    sell(project, 2).run()
    assert scores(project) == [100, 75, 100]


def test_a_release_that_does_not_touch_it_does_not(project):
    shop(project, CHEAP).apply()
    project.model("other", "SELECT 1 AS one")
    project.apply()
    assert scores(project) == [100]


def test_a_node_without_checks_has_no_score(project):
    shop(project).apply()
    assert (scores(project), of(project)) == ([None], None)


def test_rows_set_aside_cost_their_share(project):
    shop(project, {**POSITIVE, "on_fail": "quarantine"})
    project.file("raw", "2.csv", list(COLUMNS), [(n, -1 if n == 0 else 1, "2024-01-10 10:00:00+00") for n in range(4)])
    project.apply()
    assert scores(project) == [80]


def test_slots_kept_back_cost_their_share_and_make_no_release(project):
    shop(project, POSITIVE).apply()
    sell(project, -1).run(fails=True)
    assert (scores(project), of(project)) == ([100], 0)


def test_the_score_is_there_straight_after_a_promotion(project):
    shop(project, CHEAP, POSITIVE, {"row_count": {"min": 1}}).apply()
    project.apply("prod")
    assert (of(project, "prod"), scores(project, "prod")) == (100, [100])


def test_an_environment_takes_its_parents_score(project):
    shop(project, CHEAP).apply("prod")
    create_environment(project.workspace, "pr", parent="prod")
    assert of(project, "pr") == 100


def test_a_rollback_goes_back_to_the_score_of_then(project):
    shop(project, CHEAP).apply()
    sell(project, 20).run()
    project.rollback(data=True)
    assert (scores(project), of(project)) == ([100, 0, 100], 100)


def test_scores_survive_the_loss_of_the_state(project):
    shop(project, CHEAP).apply()
    sell(project, 20).run()
    project.reopen()
    (project.root / ".headwater" / "state.db").unlink()
    doctor(project.root, repair=True, effects=project.effects)
    assert scores(project) == [100, 0]


def test_rows_are_counted_slot_by_slot(project):
    shop(project, CHEAP).apply()
    assert [(each.slot[:10], each.rows) for each in quality(project).slots] == [("2024-01-09", 1), ("2024-01-10", 0)]


def test_what_fails_is_shown_with_rows_whether_it_is_served_or_refused(project):
    shop(project, CHEAP, POSITIVE).apply()
    sell(project, 20).run()
    sell(project, -1).run(fails=True)
    shown = [(each.check, each.is_served, each.rows) for each in quality(project).failing]
    assert shown == [
        ("accepted_range(price)", False, ('{"id":2,"price":-1.0,"day":"2024-01-10"}',)),
        ("accepted_range(price)", True, ('{"id":2,"price":20.0,"day":"2024-01-10"}',)),
    ]


def test_a_check_on_a_whole_table_or_view_counts(project):
    shop(project)
    project.model("v", "SELECT price FROM sales", kind="view", checks=[{"row_count": {"min": 9, "on_fail": "warn"}}])
    project.apply()
    (check,) = quality(project, node="v").checks
    assert (check.check, check.failed, quality(project, node="v").score) == ("row_count", 1, 0)


def test_what_a_drift_check_found_last_is_said(project):
    shop(project, {"drift": {"metric": "rows"}}).apply()
    (check,) = quality(project).checks
    assert check.last == "the slot has not ended"


def test_a_day_that_turns_out_unlike_the_others_lowers_the_score_when_it_is_over(project):
    drift = {"drift": {"metric": "rows", "over": 2, "on_fail": "warn"}}
    shop(project, drift)
    project.file("raw", "0.csv", list(COLUMNS), [(n, 1, "2024-01-08 10:00:00+00") for n in range(2)])
    project.source("raw", COLUMNS, time="sold", start="2024-01-08").apply()
    sell(project, 1)
    project.file("raw", "3.csv", list(COLUMNS), [(n, 1, "2024-01-10 10:00:00+00") for n in range(50)])
    project.run()
    project.later(days=1).run()
    assert [each.failed for each in quality(project).checks] == [1]
    assert of(project) < 100
