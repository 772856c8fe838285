"""Two jurisdictions: access logs at two sites of their own, and a hub that is allowed less than they hold."""

from datetime import UTC, datetime

import pytest

from headwater.app.runtimes import home_of
from headwater.app.site.approving import approve
from headwater.policy.charters import charter_of, encode
from tests.harness import Project

COLUMNS = {
    "ts": {"type": "timestamptz", "class": "internal", "required": True},
    "client_ip": {"type": "text", "class": "pii.ip"},
    "status": {"type": "integer", "class": "internal"},
    "bytes": {"type": "bigint", "class": "internal"},
}
CANARY = "203.0.113.77"
"""A client that nobody outside of its site may know."""


@pytest.fixture
def web(project):
    project.settings(
        sites={"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}, "us1": {"jurisdiction": "us"}},
        policies={"rows": {"ship": ["ts", "status", "bytes"], "from": "access@eu", "to": ["us"]}},
    )
    project.source(
        "access", COLUMNS, at=["eu", "us1"], path="data/{site}/*.csv", time="ts", start="2024-01-01", end="2024-01-09"
    )
    log(project, "eu", "1.csv", 1, [CANARY, 200, 10], [CANARY, 404, 20], ["198.51.100.1", 200, 30])
    log(project, "us1", "1.csv", 1, ["192.0.2.1", 200, 40], ["192.0.2.2", 500, 50])
    return project


def log(project: Project, site: str, name: str, day: int, *requests):
    """Write a file of a site's log: requests of one day."""
    lines = [f"2024-01-{day:02}T10:{minute:02}:00Z,{','.join(map(str, each))}" for minute, each in enumerate(requests)]
    project.write(f"data/{site}/{name}", "\n".join([",".join(COLUMNS), *lines, ""]))


def approve_all(project: Project):
    """What the operators of all sites do."""
    graph = project.check().graph
    for site in graph.borders.remote:
        approve(home_of(project.root, site), encode(charter_of(graph)), "operator", datetime(2024, 1, 1, tzinfo=UTC))


def bytes_at_the_hub(project: Project):
    """Everything that the hub keeps: its own files, without those of the project and of sites."""
    kept = (project.root / ".headwater").rglob("*")
    return b"".join(
        path.read_bytes() for path in kept if path.is_file() and "sites" not in path.relative_to(project.root).parts
    )
