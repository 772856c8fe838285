"""A project with 200 tasks: ten layers of twenty models, full, incremental, views' like and Python, in four pipelines."""

import random
from datetime import UTC, datetime, timedelta

from tests.harness import Project

LAYERS, WIDTH, PIPELINES = 10, 20, 4
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 2
COLUMNS = ("id", "made", "k", "v")
_GROUP = WIDTH // PIPELINES


def name(layer: int, number: int) -> str:
    """A model's name."""
    return f"m{layer:02}_{number:02}"


NAMES = tuple(name(layer, number) for layer in range(LAYERS) for number in range(WIDTH))


def write(project: Project, layers: int = LAYERS) -> None:
    """Write the project, with one file of events."""
    project.now = datetime.now(UTC)
    pipelines = {
        f"p{group}": {
            "select": [name(layer, n) for layer in range(layers) for n in _members(group)],
            "when": {"files": "data/events/*.csv"},
        }
        for group in range(PIPELINES)
    }
    project.settings(pipelines=pipelines)
    project.source("events", {"id": "integer", "made": "timestamp", "k": "integer", "v": "integer"}, time="made")
    for layer in range(layers):
        for number in range(WIDTH):
            _model(project, layer, number)
    add(project, 0)


def _members(group: int) -> range:
    return range(group * _GROUP, (group + 1) * _GROUP)


def _model(project: Project, layer: int, number: int) -> None:
    own = name(layer, number)
    end = FIRST + timedelta(days=DAYS)
    times = {"time": "day", "every": "1d", "start": FIRST.isoformat(), "end": end.isoformat()}
    if layer == 0:
        cut = "made >= $start AND made < $end AND " if number % 2 else ""
        sql = f"SELECT date_trunc('day', made) AS day, k, count(*) AS n, sum(v)::BIGINT AS total FROM events WHERE {cut}id % {WIDTH} = {number} GROUP BY ALL"
        project.model(own, sql, **({"kind": "incremental", **times} if number % 2 else {}))
        return
    above, other = name(layer - 1, number), name(layer - 1, _beside(number))
    if layer == 5 and number % _GROUP == 1:
        project.write(f"models/{own}.py", PYTHON.format(own=own, above=above))
    elif layer < 3 and number % 2:
        sql = f"SELECT day, k, n, total + {layer} AS total FROM {above} WHERE day >= $start AND day < $end"
        project.model(own, sql, kind="incremental", **times)
    else:
        sql = (
            f"SELECT day, k, max(n) AS n, (sum(total) + {layer})::BIGINT AS total FROM "
            f"(SELECT day, k, n, total FROM {above} UNION ALL SELECT day, k, n, total % 1000 FROM {other}) GROUP BY ALL"
        )
        project.model(own, sql)


def _beside(number: int) -> int:
    group, place = divmod(number, _GROUP)
    return group * _GROUP + (place + 1) % _GROUP


def add(project: Project, number: int) -> None:
    """A new file of events: every model has work."""
    chance = random.Random(number)
    rows = [
        (
            i,
            (FIRST + timedelta(minutes=chance.randrange(DAYS * 1440))).replace(tzinfo=None),
            i % 3,
            chance.randrange(100),
        )
        for i in range(number * 200, number * 200 + 200)
    ]
    project.file("events", f"e{number:04}.csv", COLUMNS, rows)


PYTHON = """
import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={{"rows": "{above}"}}, columns={{"day": "timestamp", "k": "integer", "n": "bigint", "total": "bigint"}})
def {own}(rows: pa.Table) -> pa.Table:
    return rows
"""
