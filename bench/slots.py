"""Many slots of one node, of hours and of five seconds: first apply, a plan without a change, a run after a late file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from bench.commands import headwater, nothing
from bench.measure import Row, alternate
from bench.models import said
from bench.scale import Scale

FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 - local times of the file
SLOTS_A_FILE = 1000
LARGE = 100_000
BUDGETS_S = {"first apply": 40.0, "plan, nothing changed": 0.5, "run, nothing due": 0.5, "run after one late file": 1.0}
"""What 100,000 slots may take (whole commands)."""
MOST_BYTES = 700_000_000
"""What a first apply of 100,000 slots may hold in memory."""
A_DAY = 17_280
"""Slots of five seconds."""
PROJECT = """\
project: slots
environments: {dev: {}}
sources:
  events:
    connector: files
    path: data/*.csv
    format: csv
    time: ts
    start: %s
    end: %s
    columns: {ts: {type: timestamp}, id: {type: bigint}, value: {type: double}}
"""
MODEL = """\
/* headwater
kind: incremental
time: slot
every: %s
checks:
  - not_null: [slot]
  - accepted_range: {column: events, min: 1}
*/
SELECT %s AS slot, count(*) AS events, sum(value) AS total
FROM events
WHERE ts >= $start AND ts < $end
GROUP BY ALL
"""
late = count(1)


@dataclass(frozen=True)
class Every:
    """How long a slot is: for the model, for its query, and for us."""

    name: str
    time: str
    length: timedelta


HOUR = Every("1h", "date_trunc('hour', ts)", timedelta(hours=1))
MOMENT = Every("5s", "ts", timedelta(seconds=5))


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for slots in scale.slots:
        yield from _measured(folder / str(slots), scale, slots, HOUR)
    if max(scale.slots) >= A_DAY:
        yield from _measured(folder / "moments", scale, A_DAY, MOMENT)


def _measured(project: Path, scale: Scale, slots: int, every: Every) -> Iterator[Row]:
    _generate(project, slots, every)
    steps = {
        "first apply": (("apply",), nothing, 1),
        "plan, nothing changed": (("plan",), nothing, scale.times),
        "run, nothing due": (("run",), nothing, scale.times),
        "run after one late file": (("run",), lambda: _add_late(project, slots, every), scale.times),
    }
    for step, (arguments, before, times) in steps.items():
        found = alternate({step: headwater(project, *arguments, before=before)}, times)[step]
        yield Row(
            f"{slots:,} slots of {every.name}: {step}",
            f"headwater {arguments[0]}",
            found,
            budget_s=BUDGETS_S[step] if slots == LARGE else None,
            budget_bytes=MOST_BYTES if slots == LARGE and step == "first apply" else None,
            facts=said(project),
        )


def _generate(project: Path, slots: int, every: Every = HOUR) -> None:
    (project / "models").mkdir(parents=True)
    (project / "data").mkdir()
    end = FIRST + slots * every.length
    (project / "headwater.yaml").write_text(PROJECT % (FIRST.isoformat(), end.isoformat()))
    (project / "models" / "hourly.sql").write_text(MODEL % (every.name, every.time))
    for first in range(0, slots, SLOTS_A_FILE):
        numbers = range(first, min(first + SLOTS_A_FILE, slots))
        lines = ["ts,id,value", *(f"{_at(number, every, 0.1)},{number},1.5" for number in numbers)]
        (project / "data" / f"{first:06}.csv").write_text("\n".join(lines) + "\n")


def _add_late(project: Path, slots: int, every: Every = HOUR) -> None:
    number = next(late)
    slot = slots // 2 + number
    (project / "data" / f"late{number}.csv").write_text(f"ts,id,value\n{_at(slot, every, 0.3)},{slot},2.5\n")


def _at(slot: int, every: Every, part: float) -> str:
    return f"{FIRST + (slot + part) * every.length:%Y-%m-%d %H:%M:%S}"
