"""Times written without a zone mean the time of their node's zone: a day of a New York model begins at its midnight."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headwater.spec.nodes import Model, Source
from headwater.spec.project import Environment, Project
from headwater.spec.tests import UnitTest

_N = TypeVar("_N", Source, Model)


def placed(project: Project) -> Project:
    """Give the project with every time in UTC: of nodes by their zones, of environments and tests by the project's.

    A test's ``slot`` and ``now`` are in the zone of the model that it tests. A zone that does not exist counts as UTC
    here; it is a diagnostic elsewhere.
    """
    return replace(
        project,
        sources=_nodes(project.sources),
        models=_nodes(project.models),
        environments={n: _environment(e, project.timezone) for n, e in project.environments.items()},
        tests=tuple(_test(test, project) for test in project.tests),
    )


def _nodes(nodes: Mapping[str, _N]) -> dict[str, _N]:
    return {name: _node(node) for name, node in nodes.items()}


def _node(node: _N) -> _N:
    if node.start is None and node.end is None:
        return node
    return replace(node, start=_in_utc(node.start, node.timezone), end=_in_utc(node.end, node.timezone))


def _environment(environment: Environment, zone: str) -> Environment:
    return replace(environment, as_of=_in_utc(environment.as_of, zone)) if environment.as_of else environment


def _test(test: UnitTest, project: Project) -> UnitTest:
    model = project.models.get(test.model)
    zone = model.timezone if model else project.timezone
    slot = tuple(_in_utc(at, zone) for at in test.slot) if test.slot else None
    return replace(test, now=_in_utc(test.now, zone), slot=slot)  # type: ignore[arg-type]


def _in_utc(at: datetime | None, zone: str) -> datetime | None:
    if at is None or at.tzinfo is not None:
        return at
    try:
        return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return at.replace(tzinfo=UTC)
