"""Doing a run again: the same order, or what failed in it, with its own release or another."""

import pytest

from headwater.app.rerunning import rerun_of
from headwater.app.running import run
from headwater.diagnostics import Invalid
from headwater.run.context import Ticket
from headwater.state.runs import runs

BAD = "SELECT id, CASE WHEN id > 1 THEN error('broken') ELSE id END AS v FROM raw"
GOOD = "SELECT id, id AS v FROM raw"


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("fine", "SELECT count(*) AS n FROM raw")
    project.model("broken", BAD)
    project.model("reader", "SELECT sum(v)::bigint AS v FROM broken")
    project.apply()
    return project


def failing_run(shop, **asked):
    shop.file("raw", "2.csv", ["id"], [(2,)])
    shop.run(ticket=Ticket(run_id="r1"), fails=True, **asked)
    shop.events.clear()


def rerun(shop, **how):
    found = rerun_of(shop.workspace, "r1", **how)
    return found, run(shop.workspace, found.order)


def test_a_rerun_is_the_same_order_with_the_same_release(shop):
    failing_run(shop, select=("fine", "broken"), message="nightly")
    used = shop.history()[1].id
    found, _ = rerun(shop)
    assert found.order.select == ("fine", "broken")
    assert (found.used, found.said) == (used, f"with release {used}, which r1 used")


def test_what_failed_is_tried_again_with_all_that_reads_it(shop):
    failing_run(shop)
    shop.file("raw", "2.csv", ["id"], [(0,), (1,)])
    rerun(shop, failed=True)
    assert shop.computed() == {"broken": 1, "reader": 1}
    assert shop.table("fine") == [(2,)]


def test_a_node_with_other_code_than_the_release_is_refused_and_others_go_on(shop):
    failing_run(shop)
    shop.file("raw", "2.csv", ["id"], [(0,)])
    shop.model("broken", GOOD)
    shop.apply()
    shop.file("raw", "3.csv", ["id"], [(4,)])
    _, outcome = rerun(shop)
    assert [d.code for d in outcome.diagnostics] == ["HW1140"]
    assert (shop.table("fine"), shop.table("reader")) == ([(3,)], [(1,)])


def test_with_the_latest_release_it_takes_the_code_of_now(shop):
    failing_run(shop)
    shop.model("broken", GOOD)
    shop.apply()
    shop.file("raw", "3.csv", ["id"], [(4,)])
    found, outcome = rerun(shop, failed=True, release="latest")
    assert (outcome.exit_code, shop.table("reader")) == (0, [(7,)])
    assert found.said == f"with the current release {found.release}; r1 used {found.used}"


def test_what_a_check_refused_counts_as_failed(shop):
    shop.model("checked", "SELECT id FROM raw", checks=[{"accepted_range": {"column": "id", "max": 1}}])
    shop.apply()
    shop.model("broken", GOOD)
    shop.apply()
    failing_run(shop)
    assert rerun_of(shop.workspace, "r1", failed=True).order.start_from == ("checked",)


def test_a_rerun_of_a_run_in_which_nothing_failed_says_so(shop):
    shop.run(ticket=Ticket(run_id="r1"))
    with pytest.raises(Invalid) as refused:
        rerun_of(shop.workspace, "r1", failed=True)
    assert refused.value.diagnostics[0].code == "HW1148"


def test_an_unknown_run_is_told(shop):
    assert refusal(shop, "nope") == "HW1145"


def test_an_apply_is_not_repeated(shop):
    [apply] = runs(shop.workspace.db, "dev", 100)
    assert refusal(shop, apply.id) == "HW1146"


def refusal(shop, name):
    with pytest.raises(Invalid) as refused:
        rerun_of(shop.workspace, name)
    return refused.value.diagnostics[0].code
