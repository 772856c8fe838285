"""Models over sources that lie at sites of their own: what is computed, what crosses, what is refused, what is kept."""

import os
import signal

import pytest

from headwater.diagnostics import Refused
from headwater.events import RowsCrossed
from headwater.state.audit import last_entries, verify
from tests.sites.conftest import CANARY, COLUMNS, approve_all, bytes_at_the_hub, log

TOTALS = "SELECT status, count(*) AS requests, sum(bytes) AS bytes FROM access GROUP BY status"
DAILY = """SELECT CAST(ts AS DATE) AS day, count(*) AS requests, avg(bytes) AS mean FROM access
WHERE ts >= $start AND ts < $end GROUP BY ALL"""


def test_the_hub_has_what_one_machine_would_compute(web):
    web.model("totals", TOTALS)
    approve_all(web)
    web.apply()
    assert web.table("totals") == [(200, 3, 80), (404, 1, 20), (500, 1, 50)]


def test_types_are_those_of_one_machine(web):
    web.model("totals", "SELECT sum(bytes) AS s, avg(bytes) AS a, count(*) AS n, min(ts) AS t FROM access")
    approve_all(web)
    web.apply()
    (node,) = [each for each in web.graph().nodes if each.name == "totals"]
    assert [column.type for column in node.columns] == ["HUGEINT", "DOUBLE", "BIGINT", "TIMESTAMP WITH TIME ZONE"]
    assert web.query("SELECT s, a, n FROM totals") == [(150, 30.0, 5)]


def test_a_plan_says_who_sends_what_by_which_rule(web):
    web.model("totals", TOTALS)
    approve_all(web)
    crossings = {each.sender: each for each in web.plan().plan.crossings}
    assert crossings["eu"].to == ("hub",)
    assert (crossings["eu"].form, crossings["eu"].rules) == ("raw", ("rows",))
    assert (crossings["us1"].form, crossings["us1"].rules) == ("free", ())


def test_only_groups_cross_not_rows(web):
    log(web, "eu", "2.csv", 2, *[[CANARY, 200, 1]] * 50)
    web.model("totals", TOTALS)
    approve_all(web)
    web.apply()
    crossed = {each.sender: each.rows for each in web.events if isinstance(each, RowsCrossed)}
    assert crossed == {"eu": 2, "us1": 2}


def test_what_no_rule_ships_is_refused_where_it_stands(web):
    web.model("visitors", "SELECT count(DISTINCT client_ip) AS visitors FROM access")
    (refused,) = web.check().refused
    assert refused.code == "HW1220"
    assert "`access.client_ip` may not leave `eu` for `us`" in refused.message
    assert str(refused.where).startswith("models/visitors.sql")


def test_a_column_that_only_decides_is_refused_as_well(web):
    web.model("filtered", f"SELECT count(*) AS n FROM access WHERE client_ip <> '{CANARY}'")
    assert [each.code for each in web.check().refused] == ["HW1220"]


def test_a_deny_beats_the_rule_that_ships(web):
    deny = {"deny": {"class": "internal", "to": "!eu"}}
    web.settings(policies={"rows": {"ship": ["ts", "status", "bytes"], "from": "access@eu", "to": ["us"]}, "no": deny})
    web.model("totals", TOTALS)
    assert {each.code for each in web.check().refused} == {"HW1222"}


def test_nothing_is_answered_before_the_operator_has_approved(web):
    web.model("totals", TOTALS)
    with pytest.raises(Refused, match="approved"):
        web.plan()
    approve_all(web)
    web.reopen()
    assert web.plan().rebuilt == ["totals"]


def test_a_changed_rule_waits_for_approval(web):
    web.model("totals", TOTALS)
    approve_all(web)
    web.apply()
    web.settings(policies={"rows": {"ship": ["ts", "status", "bytes", "client_ip"], "from": "access@eu", "to": ["us"]}})
    with pytest.raises(Refused, match="approved"):
        web.plan()


def test_only_slots_whose_rows_moved_are_filled_again(web):
    web.model("daily", DAILY, kind="incremental", time="day", every="1d")
    log(web, "eu", "3.csv", 3, ["198.51.100.9", 200, 5])
    approve_all(web)
    web.apply()
    assert web.due() == {}
    log(web, "us1", "3.csv", 3, ["198.51.100.9", 200, 7])
    assert web.due() == {"daily": 1}
    web.run()
    assert web.query("SELECT requests, mean FROM daily WHERE day = DATE '2024-01-03'") == [(2, 6.0)]


def test_inline_models_and_tables_of_the_hub_stand_between(web):
    web.source("names", {"status": "integer", "name": "text"}, rows=[(200, "fine"), (404, "missing")])
    web.model("big", "SELECT status, bytes FROM access WHERE bytes > 15", kind="inline")
    web.model("named", "SELECT name, sum(bytes) AS bytes FROM big JOIN names USING (status) GROUP BY name")
    approve_all(web)
    web.apply()
    assert web.table("named") == [("fine", 70), ("missing", 20)]


def test_every_crossing_leaves_its_certificate(web):
    web.model("totals", TOTALS)
    approve_all(web)
    web.apply()
    entries = [each.document for each in last_entries(web.workspace.db, 100, "exchange")]
    (of_eu,) = [each for each in entries if each["from"] == "eu"]
    assert (of_eu["node"], of_eu["to"], of_eu["rules"]) == ("totals", ["hub"], ["rows"])
    assert verify(web.workspace.db)[1] is None


def test_the_hub_never_holds_what_may_not_leave(web):
    web.model("totals", TOTALS)
    web.write("data/eu/broken.csv", f"ts,client_ip,status,bytes\n{CANARY},{CANARY},not a number {CANARY},1\n")
    approve_all(web)
    web.apply()
    assert CANARY.encode() not in bytes_at_the_hub(web)


def test_a_site_that_died_is_asked_again(web):
    web.model("totals", TOTALS)
    approve_all(web)
    web.plan()
    runtime = web.workspace.runtime(web.graph().borders)
    os.kill(runtime.process("eu"), signal.SIGKILL)
    web.apply()
    assert len(web.table("totals")) == 3


def test_checks_of_rows_that_stay_at_sites_are_refused(web):
    web.source(
        "access",
        COLUMNS,
        at=["eu", "us1"],
        path="data/{site}/*.csv",
        time="ts",
        start="2024-01-01",
        checks=[{"not_null": ["ts"]}],
    )
    assert [each.partition(" ")[0] for each in web.mistakes] == ["HW1294"]


def test_a_rollback_to_what_the_policies_of_today_forbid_is_refused(web):
    web.model("totals", "SELECT count(DISTINCT client_ip) AS n FROM access")
    loose = {"rows": {"ship": ["ts", "status", "bytes", "client_ip"], "from": "access@eu", "to": ["us"]}}
    web.settings(policies=loose)
    approve_all(web)
    web.apply()
    web.model("totals", TOTALS)
    web.settings(policies={"rows": {**loose["rows"], "ship": ["ts", "status", "bytes"]}})
    approve_all(web)
    web.apply()
    with pytest.raises(Refused, match="policies of today"):
        web.rollback()
