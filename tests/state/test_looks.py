"""What a server asks of the state several times a second does not take longer the more has happened."""

from datetime import UTC, datetime

import pytest

from headwater.state.alert_facts import ended_runs
from headwater.state.counted import queued
from headwater.state.deliveries import waiting
from headwater.state.direct_runs import direct_runs
from headwater.state.incidents import open_incidents
from headwater.state.pipeline_states import pipeline_states
from headwater.state.requests import claim, next_requests, open_requests, running_requests, under_way

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN = ("requests_queued", "requests_running", "requests_open", "deliveries_open")
"""Indexes of what has not ended, which may be read whole."""
LOOKS = {
    "a worker's into the queue": lambda db, _: claim(db, "w", NOON, 6.0),
    "the leader's for what is due": lambda db, _: (under_way(db, "prod"), pipeline_states(db, "prod")),
    "the leader's for dead workers": lambda db, _: running_requests(db),
    "the leader's for dead commands": lambda db, _: direct_runs(db),
    "the rules' for what ended": lambda _, connection: ended_runs(connection, "prod"),
    "the rules' for what is wrong": lambda db, _: open_incidents(db, "prod"),
    "the outbox's": lambda db, _: waiting(db),
    "a screen's at the queue": lambda db, _: (next_requests(db, None, 50), queued(db)),
    "whoever orders a run by hand": lambda db, _: open_requests(db, "prod", pipeline="hourly"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_reads_indexes_only(file_db, name):
    asked = []
    with file_db.read() as connection:
        connection.set_trace_callback(asked.append)
        LOOKS[name](file_db, connection)
        connection.set_trace_callback(None)
        steps = [row[3] for query in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    reads = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    assert reads
    assert [step for step in reads if step.startswith("SCAN") and not step.endswith(OPEN)] == []
    assert not any("incidents_by_time" in step for step in reads)
