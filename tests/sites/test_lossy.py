"""Rules that change rows, end to end: aggregates through the ledgers of real sites, tokens, and what the hub then has."""

import pytest

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
HOURLY = """SELECT date_trunc('hour', ts) AS hour, path, sum(bytes) AS bytes, count(*) AS requests FROM access_log
WHERE ts >= $start AND ts < $end GROUP BY ALL"""
BY_HOUR = {"kind": "incremental", "time": "hour", "every": "1h", "through": {"access_log": "traffic-totals"}}


@pytest.fixture
def traffic(project):
    """Logs of two sites under two laws; the hub may have totals of ten clients and more."""
    project.settings(
        sites={"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}, "uk": {"jurisdiction": "uk"}},
        policies={"traffic-totals": TOTALS | {"where": "ts >= date_trunc('day', $now) - INTERVAL 9000 DAY"}},
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
