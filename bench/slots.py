"""Many slots of one node: first apply, a plan without a change, a run after one late file."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from bench.commands import headwater, nothing
from bench.measure import Row, alternate
from bench.models import said
from bench.scale import Scale

FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 - local times of the file
HOURS_A_FILE = 1000
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
time: hour
every: 1h
checks:
  - not_null: [hour]
  - accepted_range: {column: events, min: 1}
*/
SELECT date_trunc('hour', ts) AS hour, count(*) AS events, sum(value) AS total
FROM events
WHERE ts >= $start AND ts < $end
GROUP BY ALL
"""
late = count(1)


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for slots in scale.slots:
        project = folder / str(slots)
        _generate(project, slots)
        steps = {
            "first apply": (("apply",), nothing, 1),
            "plan, nothing changed": (("plan",), nothing, scale.times),
            "run, nothing due": (("run",), nothing, scale.times),
            "run after one late file": (("run",), lambda: _add_late(project, slots), scale.times),  # noqa: B023 - at once
        }
        for step, (arguments, before, times) in steps.items():
            found = alternate({step: headwater(project, *arguments, before=before)}, times)[step]
            yield Row(f"{slots:,} slots: {step}", f"headwater {arguments[0]}", found, facts=said(project))


def _generate(project: Path, slots: int) -> None:
    (project / "models").mkdir(parents=True)
    (project / "data").mkdir()
    (project / "headwater.yaml").write_text(
        PROJECT % (FIRST.isoformat(), (FIRST + slots * timedelta(hours=1)).isoformat())
    )
    (project / "models" / "hourly.sql").write_text(MODEL)
    for first in range(0, slots, HOURS_A_FILE):
        hours = range(first, min(first + HOURS_A_FILE, slots))
        lines = [
            "ts,id,value",
            *(f"{FIRST + timedelta(hours=hour, minutes=7):%Y-%m-%d %H:%M:%S},{hour},1.5" for hour in hours),
        ]
        (project / "data" / f"{first:06}.csv").write_text("\n".join(lines) + "\n")


def _add_late(project: Path, slots: int) -> None:
    number = next(late)
    hour = slots // 2 + number
    at = FIRST + timedelta(hours=hour, minutes=20)
    (project / "data" / f"late{number}.csv").write_text(f"ts,id,value\n{at:%Y-%m-%d %H:%M:%S},{hour},2.5\n")
