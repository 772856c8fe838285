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
    latest     merge       the last v of each key, by day (what came: latest@changes)
    past       history     when each key had which v, by day (what came: past@changes)
    log        append      what came first in each day, whatever comes later
    known      history     when each key had which name, by snapshots of names (known@changes)
    pile       append      each file of events once
    ahead      by day      v with a bonus, whose changes go forward
    ahead_days by day      totals of that
    landed     full        sums of a database whose rows are landed
    marked     full        sums of files that bring columns which nobody declared (and ``marks_all``: all of them)
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
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
CUT |= {"latest@changes": 1, "past@changes": 1, "log": 1, "ahead": 1, "ahead_days": 1}
"""Node → days a slot has."""
BASIS = ("clean", "days", "pairs", "rolling", "named", "everything", "seen", "top")
CHAINS = (
    "latest@changes",
    "latest",
    "past@changes",
    "past",
    "log",
    "known@changes",
    "known",
    "pile",
    "ahead",
    "ahead_days",
    "landed",
    "marked",
    "marks_all",
)
ORDER = (*BASIS, *CHAINS)
FOLDED = ("everything", "top", "latest", "past", "known", "landed", "marked")
"""Nodes with one slot."""
EXACT = frozenset(ORDER) - {"named", "log", "pile", "ahead", "ahead_days", "known", "known@changes", "marks_all"}
"""Nodes whose rows follow from the files as they are now; the others remember."""
WINDOW_DAYS = {"dev": None, "prod": None, "small": 2}


@dataclass(frozen=True)
class Code:
    """The variants that a history switches between."""

    factor: int = 1
    floor: int = 0
    note: int = 0
    limit: int = 1000
    most: int = 100_000
    bonus: int = 0
    extra: bool = False


@dataclass(frozen=True)
class Data:
    """What lies in the files: file → rows, and the names."""

    files: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    names: tuple[Row, ...] = ((0, "zero"), (1, "one"), (2, "two"))
    ledger: tuple[Row, ...] = ()
    marks: tuple[int, ...] = ()

    def with_file(self, name: str, rows: Iterable[Row]) -> "Data":
        return replace(self, files={**self.files, name: tuple(rows)})

    def without(self, name: str) -> "Data":
        return replace(self, files={n: rows for n, rows in self.files.items() if n != name})


def write_project(project: Project) -> None:
    """Write everything that does not change."""
    project.settings(environments={"dev": {}, "prod": {}, "small": {"window": "2d"}}, keep="1d", compact={"after": 3})
    project.source("events", EVENTS, time="ts", start="2024-01-01", on_vanish="delete")
    project.source("names", NAMES)
    project.write(
        "sources/ledger.yaml",
        "sources:\n  ledger: {connector: sqlite, path: ledger.db, table: moves, cursor: id,"
        " columns: {id: bigint, v: bigint}}\n",
    )
    write_ledger(project, ())
    project.source("marks", {"id": "bigint"}, on_schema_change="evolve")


def write_ledger(project: Project, rows: Iterable[Row]) -> None:
    """Add rows to the database, as its application would."""
    with closing(sqlite3.connect(project.root / "ledger.db")) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS moves (id INTEGER PRIMARY KEY, v INTEGER)")
        connection.executemany("INSERT INTO moves VALUES (?, ?)", list(rows))


def write_code(project: Project, code: Code) -> None:
    """Write the models of a variant."""
    by_day = {"kind": "incremental", "time": "ts", "every": "1d"}
    project.model(
        "clean",
        f"SELECT ts, k, v * {code.factor} AS v FROM events",
        checks=[
            {"accepted_range": {"column": "v", "max": code.limit}},
            {"drift": {"metric": "rows", "within": "50%", "over": 3, "on_fail": "warn"}},
        ],
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
        checks=[{"drift": {"metric": "rows", "within": "1%", "over": 3}}],
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
    _write_chains(project, code, by_day)


def _write_chains(project: Project, code: Code, by_day: dict) -> None:
    changes = "SELECT ts, k, sum(v)::bigint AS v FROM clean GROUP BY ALL"
    chain = {"key": ["k"], "time": "ts", "every": "1d", "bucket_rows": 1}
    project.model("latest", changes, kind="merge", **chain)
    project.model("past", changes, kind="history", **chain)
    project.model("log", "SELECT ts, k, v FROM clean", kind="append", on_restate="ignore", time="ts", every="1d")
    project.model("marked", "SELECT count(*) AS n, coalesce(sum(id), 0)::bigint AS total FROM marks")
    project.model("marks_all", "SELECT * FROM marks")
    project.model("landed", "SELECT count(*) AS n, coalesce(sum(v), 0)::bigint AS total FROM ledger")
    project.model("pile", "SELECT ts, k, v FROM events", kind="append")
    project.model("known", "SELECT k, name FROM names", kind="history", key=["k"])
    extra = ", v * 2 AS extra" if code.extra else ""
    project.model("ahead", f"SELECT ts, v + {code.bonus} AS v{extra} FROM clean", on_change="forward", **by_day)
    project.model("ahead_days", "SELECT date_trunc('day', ts) AS ts, sum(v) AS total FROM ahead GROUP BY ALL", **by_day)


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
    if node in {"latest", "past", "known"}:
        return folded(node, tables)
    if node == "marked":
        return [(len(data.marks), sum(data.marks))]
    if node == "landed":
        return [(len(data.ledger), sum(v for _, v in data.ledger))]
    return [(max((total for _, total in tables["seen"]), default=None),)]


def slot_rows(node: str, code: Code, data: Data, tables: Tables, start: datetime, end: datetime) -> Rows:
    """What one slot of a node holds, given the tables above it."""
    if node == "clean":
        rows = [row for rows in data.files.values() for row in rows if start <= row[0] < end]
        return sorted((at, k, v * code.factor) for at, k, v in rows)
    if node == "pairs":
        seen = [row for row in tables["days"] if start <= row[0] < end]
        return [(min(seen)[0], sum(row[2] for row in seen), len(seen))] if seen else []
    if node == "ahead_days":
        seen = [v for at, v, *_ in tables["ahead"] if start <= at < end]
        return [(start, sum(seen))] if seen else []
    clean = tables["clean"]
    if node == "rolling":
        seen = [v for at, _, v in clean if start - DAY <= at < end]
        return [(start, len(seen), sum(seen))]
    here = [row for row in clean if start <= row[0] < end]
    if node in {"latest@changes", "past@changes"}:
        keys = sorted({row[:2] for row in here})
        return [(*key, sum(row[2] for row in here if row[:2] == key)) for key in keys]
    if node == "log":
        return sorted(here)
    if node == "ahead":
        return sorted((at, v + code.bonus, *([v * 2] if code.extra else [])) for at, _, v in here)
    if node == "days":
        keys = sorted({k for _, k, _ in here})
        return [(start, k, sum(v for _, key, v in here if key == k)) for k in keys]
    return sorted((at, v + code.note, name) for at, k, v in here for key, name in data.names if key == k)


def build_all(code: Code, data: Data, now: datetime, environment: str) -> Tables:
    """A plain build of everything."""
    tables: Tables = {}
    for node in ORDER:
        if node not in {"known", "known@changes", "pile", "marks_all"}:
            tables[node] = build(node, code, data, tables, now, environment)
    return tables


def folded(node: str, tables: Tables) -> Rows:
    """What changes come to: the last of each key, or each key's history."""
    if node == "known":
        return _history([(link, k, (k, name), at, gone) for k, name, link, at, gone in tables["known@changes"]])
    changes = [(at, k, (at, k, v), at, False) for at, k, v in tables[f"{node}@changes"]]
    if node == "latest":
        return sorted({k: row for _, k, row, _, _ in sorted(changes)}.values())
    return _history(changes)


def _history(changes: list) -> Rows:
    """Rows with the time from which and to which they were valid; of the same value only the first."""
    rows: Rows = []
    for key in {change[1] for change in changes}:
        steps: list = []
        for _, _, row, at, gone in sorted(change for change in changes if change[1] == key):
            value = None if gone else row[-1]
            if not steps or steps[-1][0] != value:
                steps.append((value, row, at))
        for (value, row, at), after in zip(steps, [*steps[1:], None], strict=True):
            if value is not None:
                rows.append((*row, at, after[2] if after else None))
    return ordered(rows)


def served(project: Project, environment: str) -> Tables:
    """What an environment serves."""
    return {node: ordered(project.query(f'SELECT * FROM "{node}"', environment)) for node in ORDER}


def ordered(rows: Rows) -> Rows:
    """Rows in some order of their own; NULL has no order."""
    return sorted(rows, key=str) if any(value is None for row in rows for value in row) else sorted(rows)


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
