"""What alerts look at, as the state tells it: runs that ended, orders that are due, scores, rows set aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.environments import number_of
from headwater.state.values import chunks, marks, moment, optional_moment, stamp

_ENDED: Final = """
SELECT r.id, r.kind, r.pipeline, coalesce(q.status, r.status), r.started_at, r.ended_at, q.fire_at
FROM runs AS r LEFT JOIN requests AS q ON q.id = r.id
WHERE r.environment = ? AND r.looked = 0 AND r.ended_at IS NOT NULL
    AND (q.id IS NULL OR q.status NOT IN ('queued', 'running'))
ORDER BY r.ended_at, r.id"""
_LAST_ORDERS: Final = """
SELECT id, status, fire_at, started_at, ended_at FROM requests
WHERE environment = ? AND pipeline = ? ORDER BY created_at DESC LIMIT 20"""
_DURATIONS: Final = """
SELECT started_at, ended_at FROM runs
WHERE environment = ? AND pipeline = ? AND status = 'done' ORDER BY started_at DESC LIMIT 20"""
_SCORES: Final = """
SELECT s.node, s.checks, s.row_count, s.rejects FROM scores AS s
JOIN (SELECT node, max(seq) AS seq FROM scores WHERE environment = ? GROUP BY node) AS l
    ON l.node = s.node AND l.seq = s.seq WHERE s.environment = ?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that ended, and that no alert has looked at."""

    id: str
    kind: str
    pipeline: str
    status: str
    started_at: datetime
    ended_at: datetime
    fire_at: datetime | None
    """The scheduled time that it was for."""
    failed: tuple[str, ...] = ()
    """Nodes with a task that failed for good."""
    exhausted: tuple[tuple[str, int], ...] = ()
    """Of these, nodes whose task was tried more than once, and how often."""
    done: tuple[str, ...] = ()
    """Nodes all of whose tasks succeeded."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a pipeline for a scheduled time, after which none has ended well."""

    run: str
    status: str
    fire_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastScore:
    """What the last release that touched a node says of it."""

    checks: float | None
    rows: int
    rejects: int


def last_release_seq(connection: Connection, environment: str) -> int:
    """Give a number that changes with each release of an environment."""
    row = connection.execute("SELECT seq FROM environments WHERE name = ?", (environment,)).fetchone()
    return int(row[0]) if row else 0


def code_of(connection: Connection, environment: str) -> str:
    """Give the code that an environment runs; empty if it has none, or is not there."""
    row = connection.execute("SELECT code FROM environments WHERE name = ?", (environment,)).fetchone()
    return str(row[0]) if row else ""


def ended_runs(connection: Connection, environment: str) -> tuple[EndedRun, ...]:
    """Give the runs that ended since the rules looked last, as they ended."""
    rows = connection.execute(_ENDED, (environment,)).fetchall()
    tried = _tried(connection, [row[0] for row in rows])
    return tuple(_ended(row, tried.get(row[0], [])) for row in rows)


def note_looked(connection: Connection, runs: Iterable[str]) -> None:
    """Note that the rules have looked at runs."""
    for piece in chunks(runs):
        connection.execute(f"UPDATE runs SET looked = 1 WHERE id IN ({marks(len(piece))})", piece)


def pass_over(connection: Connection, environment: str, before: datetime) -> None:
    """Note that nobody is to be told of runs that ended before a time."""
    connection.execute(
        "UPDATE runs SET looked = 1 WHERE environment = ? AND looked = 0 AND ended_at IS NOT NULL AND ended_at < ?",
        (environment, stamp(before)),
    )


def open_orders(connection: Connection, environment: str, pipeline: str) -> tuple[Order, ...]:
    """Give a pipeline's last orders for scheduled times, newest first, back to the one after which a run ended well."""
    rows = connection.execute(_LAST_ORDERS, (environment, pipeline)).fetchall()
    since = takewhile(lambda row: row[1] != "done", rows)
    return tuple(
        Order(run, status, moment(fire), optional_moment(began), optional_moment(ended))
        for run, status, fire, began, ended in since
        if fire
    )


def durations_s(connection: Connection, environment: str, pipeline: str) -> tuple[float, ...]:
    """Give how long a pipeline's last good runs took, in seconds."""
    rows = connection.execute(_DURATIONS, (environment, pipeline)).fetchall()
    return tuple((moment(end) - moment(begin)).total_seconds() for begin, end in rows if end)


def last_scores(connection: Connection, environment: str) -> dict[str, LastScore]:
    """Give node → what the last release that touched it says of it."""
    number = number_of(connection, environment)
    rows = connection.execute(_SCORES, (number, number))
    return {node: LastScore(checks, count, rejects) for node, checks, count, rejects in rows}


def rows_inspected(connection: Connection, contract: str, identities: Iterable[str]) -> int:
    """Count the rows of files that belong to a contract, as far as the file index knows them."""
    total = 0
    for piece in chunks(dict.fromkeys(identities)):
        query = "SELECT coalesce(sum(row_count), 0) FROM inspections WHERE contract = ? AND identity IN ({})"
        total += int(connection.execute(query.format(marks(len(piece))), (contract, *piece)).fetchone()[0])
    return total


def rows_landed(connection: Connection, location: str) -> tuple[int, int]:
    """Count the rows of a landed place that belong to its contract, and those set aside."""
    row = connection.execute(
        "SELECT coalesce(sum(row_count), 0), coalesce(sum(rejects), 0) FROM landed_ranges WHERE location = ?",
        (location,),
    ).fetchone()
    return int(row[0]), int(row[1])


def _tried(connection: Connection, runs: Sequence[str]) -> dict[str, list[tuple[str, str, int]]]:
    """Give run → (node, status, attempt) of its tasks' attempts."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for piece in chunks(runs):
        query = (
            "SELECT run, node, status, max(attempt) FROM attempts"
            f" WHERE run IN ({marks(len(piece))}) GROUP BY run, node, status ORDER BY run, node, status"
        )
        for run, node, status, attempt in connection.execute(query, piece):
            found.setdefault(run, []).append((node, status, int(attempt)))
    return found


def _ended(row: Sequence[Any], tried: Sequence[tuple[str, str, int]]) -> EndedRun:
    run, kind, pipeline, status, started_at, ended_at, fire_at = row
    failed = {node: attempt for node, how, attempt in tried if how == "failed"}
    return EndedRun(
        id=run,
        kind=kind,
        pipeline=pipeline,
        status=status,
        started_at=moment(started_at),
        ended_at=moment(ended_at),
        fire_at=optional_moment(fire_at),
        failed=tuple(failed),
        exhausted=tuple((node, attempt) for node, attempt in failed.items() if attempt > 1),
        done=tuple(sorted({node for node, how, _ in tried if how == "done"} - failed.keys())),
    )
