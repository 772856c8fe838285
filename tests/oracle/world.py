"""A small project in which everything of the core model occurs, and what its tables must hold, computed by hand.

Tables, each standing on what is above it::

    events (files, cut by time)      names (files, not cut)
    clean      by day      v times a factor
    days       by day      totals of the day
    pairs      by 2 days   a coarser slot over days
    rolling    by day      reads the day before as well
    named      by day      joins names as of the run
    everything full        totals per key
    seen       view        those above zero
    top        full        the highest of them
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.harness import Project

Row = tuple
Rows = list[Row]
Tables = dict[str, Rows]

FIRST = datetime(2024, 1, 1)
DAY = timedelta(days=1)
EVENTS = {"ts": "timestamp", "k": "integer", "v": "integer"}
NAMES = {"k": "integer", "name": "text"}
CUT = {"clean": 1, "days": 1, "pairs": 2, "rolling": 1, "named": 1}
"""Node → days a slot has."""
ORDER = ("clean", "days", "pairs", "rolling", "named", "everything", "seen", "top")
READS = {
    "clean": (),
    "days": ("clean",),
    "pairs": ("days",),
    "rolling": ("clean",),
    "named": ("clean",),
    "everything": ("clean",),
    "seen": ("everything",),
    "top": ("seen",),
}
WINDOW_DAYS = {"dev": None, "prod": None, "small": 2}


@dataclass(frozen=True)
class Code:
    """The variants that a history switches between."""

    factor: int = 1
    floor: int = 0
    note: int = 0
    limit: int = 1000
    most: int = 100_000


@dataclass(frozen=True)
class Data:
    """What lies in the files: file → rows, and the names."""

    files: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    names: tuple[Row, ...] = ((0, "zero"), (1, "one"), (2, "two"))

    def with_file(self, name: str, rows: Iterable[Row]) -> "Data":
        return replace(self, files={**self.files, name: tuple(rows)})

    def without(self, name: str) -> "Data":
        return replace(self, files={n: rows for n, rows in self.files.items() if n != name})


def write_project(project: Project) -> None:
    """Write everything that does not change."""
    project.settings(environments={"dev": {}, "prod": {}, "small": {"window": "2d"}}, keep="1d")
    project.source("events", EVENTS, time="ts", start="2024-01-01", on_vanish="delete")
    project.source("names", NAMES)


def write_code(project: Project, code: Code) -> None:
    """Write the models of a variant."""
    by_day = {"kind": "incremental", "time": "ts", "every": "1d"}
    project.model(
        "clean",
        f"SELECT ts, k, v * {code.factor} AS v FROM events",
        checks=[{"accepted_range": {"column": "v", "max": code.limit}}],
        **by_day,
    )
    project.model("days", "SELECT date_trunc('day', ts) AS ts, k, sum(v) AS total FROM clean GROUP BY ALL", **by_day)
    project.model(
        "pairs",
        "SELECT min(ts) AS ts, sum(total) AS total, count(*) AS n FROM days HAVING count(*) > 0",
        kind="incremental",
        time="ts",
        every="2d",
    )
    project.model(
        "rolling",
        "SELECT $start AS ts, count(*) AS n, coalesce(sum(v), 0) AS total FROM clean",
        reads={"clean": {"before": "1d"}},
        **by_day,
    )
    project.model(
        "named", f"SELECT c.ts, c.v + {code.note} AS v, n.name FROM clean AS c JOIN names AS n USING (k)", **by_day
    )
    project.model(
        "everything",
        f"SELECT k, sum(v) AS total FROM clean WHERE v > {code.floor} GROUP BY k",
        checks=[{"row_count": {"max": code.most}}],
    )
    project.model("seen", "SELECT k, total FROM everything WHERE total > 0", kind="view")
    project.model("top", "SELECT max(total) AS total FROM seen")


def days_of(node: str, now: datetime, environment: str) -> tuple[datetime, datetime]:
    """The stretch that an environment wants of a node: from the start or the window to the slot that holds now."""
    back = WINDOW_DAYS[environment]
    wanted = {name: _own(CUT[name], now, back) for name in CUT}
    wanted["days"] = _span(wanted["days"], wanted["pairs"])
    below = _span(wanted["days"], (wanted["rolling"][0] - DAY, wanted["rolling"][1]), wanted["named"])
    first, last = _span(wanted["clean"], below)
    wanted["clean"] = (max(first, FIRST), min(last, _floor(now, 1) + DAY))
    wanted["days"] = (max(wanted["days"][0], FIRST), min(wanted["days"][1], _floor(now, 1) + DAY))
    return wanted[node]


def build(node: str, code: Code, data: Data, tables: Tables, now: datetime, environment: str) -> Rows:
    """What a node holds if it is built in one go from the files and the tables above it."""
    if node in CUT:
        step = timedelta(days=CUT[node])
        at, last = days_of(node, now, environment)
        rows: Rows = []
        while at < last:
            rows += slot_rows(node, code, data, tables, at, at + step)
            at += step
        return sorted(rows)
    if node == "everything":
        rows = [row for row in tables["clean"] if row[2] > code.floor]
        return sorted((k, sum(v for _, key, v in rows if key == k)) for k in {key for _, key, _ in rows})
    if node == "seen":
        return sorted(row for row in tables["everything"] if row[1] > 0)
    return [(max((total for _, total in tables["seen"]), default=None),)]


def slot_rows(node: str, code: Code, data: Data, tables: Tables, start: datetime, end: datetime) -> Rows:
    """What one slot of a node holds, given the tables above it."""
    if node == "clean":
        rows = [row for rows in data.files.values() for row in rows if start <= row[0] < end]
        return sorted((at, k, v * code.factor) for at, k, v in rows)
    if node == "pairs":
        seen = [row for row in tables["days"] if start <= row[0] < end]
        return [(min(seen)[0], sum(row[2] for row in seen), len(seen))] if seen else []
    clean = tables["clean"]
    if node == "rolling":
        seen = [v for at, _, v in clean if start - DAY <= at < end]
        return [(start, len(seen), sum(seen))]
    here = [row for row in clean if start <= row[0] < end]
    if node == "days":
        keys = sorted({k for _, k, _ in here})
        return [(start, k, sum(v for _, key, v in here if key == k)) for k in keys]
    return sorted((at, v + code.note, name) for at, k, v in here for key, name in data.names if key == k)


def build_all(code: Code, data: Data, now: datetime, environment: str) -> Tables:
    """A plain build of everything."""
    tables: Tables = {}
    for node in ORDER:
        tables[node] = build(node, code, data, tables, now, environment)
    return tables


def served(project: Project, environment: str) -> Tables:
    """What an environment serves."""
    return {node: sorted(project.query(f"SELECT * FROM {node}", environment)) for node in ORDER}


def aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)


def naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _own(days: int, now: datetime, back: int | None) -> tuple[datetime, datetime]:
    first = _floor(FIRST, days)
    if back is not None:
        first = max(first, _floor(now - back * DAY, days))
    return first, _floor(now, days) + days * DAY


def _floor(at: datetime, days: int) -> datetime:
    number = (at - datetime(1970, 1, 1)).days // days * days
    return datetime(1970, 1, 1) + number * DAY


def _span(*ranges: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    return min(first for first, _ in ranges), max(last for _, last in ranges)
