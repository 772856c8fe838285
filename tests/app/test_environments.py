"""Environments: made from others or after templates, compared, deleted, expired."""

import pytest

from headwater.app.comparing import compare_code, compare_environments
from headwater.app.control.observing import pipelines
from headwater.app.control.ordering import order_run
from headwater.app.control.stopping import pause
from headwater.app.environments import (
    create_environment,
    delete_environment,
    diff_environments,
    list_environments,
    require_environment,
)
from headwater.app.janitor import janitor
from headwater.app.lineage import lineage
from headwater.diagnostics import HeadwaterError
from headwater.spec.orders import Order
from headwater.state.run_records import run_record


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint", "price": "double"}, [(1, 2.5), (2, 3.5)])
    project.model("base", "SELECT id, price FROM raw")
    project.model("totals", "SELECT sum(price) AS total FROM base")
    project.settings(
        variables={"late": 15},
        environments={
            "dev": {},
            "prod": {"protected": True},
            "pr": {"template": True, "from": "prod", "expires": "7d", "variables": {"late": 5}},
        },
    )
    project.apply("prod")
    return project


def refusal(call, *arguments, **how):
    with pytest.raises(HeadwaterError) as caught:
        call(*arguments, **how)
    (only,) = caught.value.diagnostics
    return only.code, only.hint


def test_a_new_environment_serves_what_its_parent_serves(shop):
    create_environment(shop.workspace, "mine", parent="prod")
    shop.events.clear()
    assert shop.query("SELECT total FROM totals", "mine") == [(6.0,)]
    assert shop.apply("mine").release is None
    assert shop.computed() == {}


def test_a_template_gives_parent_expiry_and_settings(shop):
    made = create_environment(shop.workspace, "pr-12", like="pr")
    assert (made.parent, made.like, (made.expires - shop.now).days) == ("prod", "pr", 7)
    assert dict(shop.graph("pr-12").variables) == {"late": 5}
    assert dict(shop.graph("prod").variables) == {"late": 15}


def test_environments_are_listed_whether_declared_or_made(shop):
    create_environment(shop.workspace, "pr-12", like="pr")
    found = {e.name: (e.is_declared, e.protected, e.nodes) for e in list_environments(shop.workspace)}
    assert found == {"dev": (True, False, 0), "pr-12": (False, False, 3), "prod": (True, True, 3)}


def test_an_unknown_environment_is_named_with_the_closest_one(shop):
    assert refusal(require_environment, shop.workspace, "prd") == ("HW0555", "did you mean `prod`?")
    require_environment(shop.workspace, "dev")
    require_environment(shop.workspace, "prod")


def test_a_template_is_no_environment(shop):
    assert refusal(require_environment, shop.workspace, "pr")[0] == "HW0558"
    assert refusal(create_environment, shop.workspace, "pr")[0] == "HW0558"


@pytest.mark.parametrize(
    ("name", "how", "code"),
    [
        ("../x", {}, "HW0556"),
        ("", {}, "HW0556"),
        ("'; DROP TABLE fills; --", {}, "HW0556"),
        ("mine", {"parent": "prd"}, "HW0555"),
        ("mine", {"like": "prr"}, "HW0557"),
        ("mine", {"like": "prod"}, "HW0557"),
        ("prod", {}, "HW0607"),
    ],
)
def test_what_cannot_be_made(shop, name, how, code):
    assert refusal(create_environment, shop.workspace, name, **how)[0] == code


def test_environments_differ_by_versions_and_slots(shop):
    create_environment(shop.workspace, "mine", parent="prod")
    assert diff_environments(shop.workspace, "prod", "mine") == ()
    shop.model("totals", "SELECT sum(price) AS total, count(*) AS n FROM base")
    shop.apply("mine")
    (totals,) = diff_environments(shop.workspace, "prod", "mine")
    assert (totals.node, totals.because, totals.differing) == ("totals", "+n", ("all",))
    (change,) = compare_environments(shop.workspace, "prod", "mine")
    assert (change.node, change.change, change.columns) == ("totals", "changed", "+n")


def test_code_is_compared_with_an_environment(shop):
    shop.model("base", "SELECT id, price * 2 AS price FROM raw")
    shop.model("other", "SELECT id FROM base")
    changes = {c.node: (c.change, c.columns) for c in compare_code(shop.workspace, "prod", shop.graph("prod"))}
    assert changes == {"base": ("changed", "price"), "totals": ("affected", "total"), "other": ("added", "")}


def test_a_protected_environment_is_not_deleted_in_passing(shop):
    assert refusal(delete_environment, shop.workspace, "prod")[0] == "HW0559"
    delete_environment(shop.workspace, "prod", confirmed=True)
    assert [e.name for e in list_environments(shop.workspace) if e.created_at] == []


def test_what_waits_for_a_deleted_environment_is_cancelled_and_its_namesake_begins_anew(shop):
    shop.write("pipelines.yaml", "pipelines: {daily: {select: [totals]}}")
    shop.apply("mine")
    pause(shop.workspace, "mine", "daily", by="ann")
    waits = order_run(shop.workspace, Order(environment="mine", pipeline="daily"), kind="hand", by="ann").request.id
    delete_environment(shop.workspace, "mine")
    assert run_record(shop.workspace.db, waits).status == "cancelled"
    shop.apply("mine")
    (daily,) = pipelines(shop.workspace, "mine")
    assert not daily.state.is_paused


def test_a_deleted_environment_keeps_its_history(shop):
    create_environment(shop.workspace, "mine", parent="prod")
    shop.model("totals", "SELECT count(*) AS total FROM base")
    shop.apply("mine")
    delete_environment(shop.workspace, "mine")
    assert len(shop.history("mine")) == 1
    assert refusal(delete_environment, shop.workspace, "mine")[0] == "HW0555"


def test_expired_environments_go_with_the_janitor(shop):
    create_environment(shop.workspace, "pr-12", like="pr")
    shop.later(days=6)
    assert janitor(shop.workspace).environments == ()
    shop.later(days=2)
    assert janitor(shop.workspace, dry_run=True).environments == ("pr-12",)
    assert janitor(shop.workspace).environments == ("pr-12",)
    assert "pr-12" not in [e.name for e in list_environments(shop.workspace)]


def test_lineage_follows_values_and_control(shop):
    shop.model("dear", "SELECT id FROM base WHERE price > 3")
    found = lineage(shop.workspace, "dear", "id")
    roles = {(edge.upper, edge.role) for edge in found.upstream}
    assert (("base", "id"), "value") in roles
    assert (("base", "price"), "control") in roles
    assert found.sources == (("raw", "id"), ("raw", "price"))
    assert lineage(shop.workspace, "base", environment="prod").downstream
