"""Rules that change rows, end to end: aggregates through the ledgers of real sites, tokens, and what the hub then has."""

from datetime import UTC, datetime

import pytest

from headwater.app.runtimes import home_of
from tests.sites.conftest import approve_all, bytes_at_the_hub

COLUMNS = {
    "ts": {"type": "timestamptz", "class": "internal", "required": True},
    "client_ip": {"type": "text", "class": "pii.ip"},
    "path": {"type": "text", "class": "internal"},
    "status": {"type": "integer", "class": "internal"},
    "bytes": {"type": "bigint", "class": "internal"},
}
AS = {
    "aggregates": ["sum", "count"],
    "by": {"hour": "date_trunc('hour', ts)", "path": "path", "status": "status"},
    "unit": "client_ip",
    "min_group": 10,
}
TOTALS = {"ship": ["bytes"], "from": "access_log", "to": ["hub"], "as": AS}
WHERE = "ts >= date_trunc('day', $now) - INTERVAL 9000 DAY"
HOURLY = """SELECT date_trunc('hour', ts) AS hour, path, sum(bytes) AS bytes, count(*) AS requests FROM access_log
WHERE ts >= $start AND ts < $end GROUP BY ALL"""
BY_HOUR = {"kind": "incremental", "time": "hour", "every": "1h", "through": {"access_log": "traffic-totals"}}


@pytest.fixture
def traffic(project):
    """Logs of two sites under two laws; the hub may have totals of ten clients and more."""
    project.settings(
        sites={"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}, "uk": {"jurisdiction": "uk"}},
        policies={"traffic-totals": TOTALS | {"where": WHERE}},
    )
    project.source(
        "access_log",
        COLUMNS,
        at=["eu", "uk"],
        path="data/{site}/*.csv",
        time="ts",
        start="2024-01-01",
        end="2024-01-02",
    )
    log(project, "eu", "1.csv", range(12))
    log(project, "eu", "2.csv", range(9), path="/rare")
    log(project, "uk", "1.csv", range(20, 35), each=2)
    log(project, "uk", "2.csv", range(20, 31), hour=11, status=404)
    project.model("traffic", HOURLY, **BY_HOUR)
    return project


def log(project, site, name, clients, *, hour=10, path="/", status=200, each=1):
    """Write requests of some clients, in one hour."""
    lines = [
        f"2024-01-01T{hour}:{at:02}:00Z,203.0.113.{client},{path},{status},{100 + client}"
        for client in clients
        for at in range(each)
    ]
    project.write(f"data/{site}/{name}", "\n".join([",".join(COLUMNS), *lines, ""]))


def served(project):
    """What the hub has: (hour, path, bytes, requests)."""
    return sorted(project.query("SELECT hour(hour), path, bytes, requests FROM traffic"))


def applied(project):
    approve_all(project)
    project.apply()
    return served(project)


SERVED = [
    (10, "/", sum(range(100, 112)) + 2 * sum(range(120, 135)), 42),
    (11, "/", sum(range(120, 131)), 11),
]


def test_totals_are_those_of_one_machine_that_reads_what_sites_release(traffic):
    assert traffic.check().diagnostics == ()
    assert applied(traffic) == SERVED  # of 9 clients who read /rare nothing is there


def test_no_client_is_in_any_byte_of_the_hub(traffic):
    applied(traffic)
    assert b"203.0.113." not in bytes_at_the_hub(traffic)


def test_a_late_client_changes_nothing_and_ten_do(traffic):
    before = applied(traffic)
    log(traffic, "eu", "3.csv", range(50, 59))
    assert traffic.due() == {"traffic": 1}
    traffic.run()
    assert served(traffic) == before
    log(traffic, "eu", "4.csv", [59])
    traffic.run()
    assert [requests for *_, requests in served(traffic)] == [52, 11]


def test_a_raised_group_is_computed_anew_and_small_cells_are_gone(traffic):
    applied(traffic)
    raise_group(traffic, 12)
    assert traffic.plan().rebuilt == ["traffic"]
    traffic.apply()
    assert served(traffic) == SERVED[:1]


def raise_group(project, units):
    project.settings(policies={"traffic-totals": TOTALS | {"as": AS | {"min_group": units}}})
    approve_all(project)


def test_a_slot_that_has_not_ended_is_not_released(traffic):
    """The hub's clock is ahead of the site's, by centuries."""
    traffic.now = datetime(2224, 1, 1, 11, 30, tzinfo=UTC)
    traffic.source("access_log", COLUMNS, at=["eu", "uk"], path="data/{site}/*.csv", time="ts", start="2224-01-01")
    approve_all(traffic)
    outcome = traffic.apply(fails=True)
    assert "HW1268" in {each.code for each in outcome.diagnostics}


def test_who_reads_aggregates_waits_until_slots_have_ended(traffic):
    node = next(each for each in traffic.graph().nodes if each.name == "traffic")
    assert node.time.complete


def test_two_readers_cut_time_in_one_way(traffic):
    daily = HOURLY.replace("'hour', ts) AS hour", "'day', ts) AS day")
    traffic.model("daily", daily, **BY_HOUR | {"time": "day", "every": "1d"})
    (refused,) = traffic.check().refused
    assert refused.code == "HW1237"


def test_a_site_keeps_the_first_cut_of_time(traffic):
    applied(traffic)
    traffic.model("traffic", HOURLY, **BY_HOUR | {"every": "1d"})
    assert "HW1237" in {each.code for each in traffic.apply(fails=True).diagnostics}


def test_queries_that_need_rows_are_refused_where_they_stand(traffic):
    traffic.model("traffic", "SELECT client_ip, count(*) AS n FROM access_log GROUP BY ALL", through=BY_HOUR["through"])
    (refused,) = traffic.check().refused
    assert (refused.code, refused.where.file) == ("HW1276", "models/traffic.sql")


PEOPLE = {"customer": {"type": "bigint", "class": "pii.id"}, "kind": {"type": "text", "class": "internal"}}
BITS = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
MATCHED = (
    "SELECT o.kind, count(*) AS n, min(o.customer) AS token FROM orders AS o JOIN visits USING (customer) GROUP BY ALL"
)


@pytest.fixture
def people(project):
    """Orders and visits of the same people, at two sites that hold one key; the hub has tokens only."""
    as_token = {"to": ["hub"], "as": {"transform": "hmac", "on": ["customer"], "key": "crm"}}
    rules = {
        "order-tokens": {"ship": ["customer", "kind"], "from": "orders", **as_token},
        "visit-tokens": {"ship": ["customer"], "from": "visits", **as_token},
    }
    project.settings(
        sites={"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}, "uk": {"jurisdiction": "uk"}},
        keys={"crm": {"secret": "${env:CRM_KEY}", "at": ["eu", "uk"]}},
        policies=rules,
    )
    project.source("orders", PEOPLE, [(7700001, "book"), (7700002, "book"), (7700003, "pen")], at="eu")
    project.source("visits", {"customer": PEOPLE["customer"]}, [(7700001,), (7700003,), (7700003,)], at="uk")
    project.model("matched", MATCHED, through={"orders": "order-tokens", "visits": "visit-tokens"})
    return project


def give_key(project, *sites):
    for site in sites:
        (home_of(project.root, site) / "environment").write_text(f"CRM_KEY={BITS}\n")


def test_tokens_of_two_sites_join_where_nobody_holds_their_key(people):
    approve_all(people)
    give_key(people, "eu", "uk")
    people.apply()
    assert people.query("SELECT kind, n FROM matched ORDER BY kind") == [("book", 1), ("pen", 2)]
    kept = bytes_at_the_hub(people)
    assert b"770000" not in kept
    assert BITS.encode() not in kept


def test_a_model_has_the_types_of_tokens(people):
    node = next(each for each in people.graph().nodes if each.name == "matched")
    assert [column.type for column in node.columns] == ["VARCHAR", "BIGINT", "VARCHAR"]


def test_without_its_key_a_site_gives_nothing(people):
    approve_all(people)
    give_key(people, "eu")
    assert "HW1267" in {each.code for each in people.apply(fails=True).diagnostics}


def test_another_secret_for_a_key_is_another_version(people):
    before = version_of(people, "matched")
    people.settings(keys={"crm": {"secret": "${env:NEW_KEY}", "at": ["eu", "uk"]}})
    assert version_of(people, "matched") != before


def version_of(project, name):
    return next(each.version for each in project.graph().nodes if each.name == name)


@pytest.mark.parametrize(
    "change",
    [
        {"where": "status < 500"},
        {"ship": ["bytes", "status"]},
        {"as": AS | {"min_group": 11}},
        {"as": AS | {"unit": "path"}},
        {"as": AS | {"aggregates": ["sum", "count", "avg"]}},
        {"as": AS | {"by": AS["by"] | {"path": "lower(path)", "page": "path"}}},
    ],
)
def test_every_change_of_what_comes_through_is_another_version(traffic, change):
    traffic.settings(policies={"traffic-totals": TOTALS})
    before = version_of(traffic, "traffic")
    traffic.settings(policies={"traffic-totals": TOTALS | change})
    assert version_of(traffic, "traffic") != before


def test_to_whom_a_rule_ships_is_no_part_of_a_version(traffic):
    before = version_of(traffic, "traffic")
    policies = {"traffic-totals": TOTALS | {"where": WHERE, "to": ["hub", "uk"], "description": "Wider"}}
    traffic.settings(policies=policies)
    assert version_of(traffic, "traffic") == before
