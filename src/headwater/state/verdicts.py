"""What checks have found: kept per (subject, check, what else it read), so that nothing is checked twice."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from headwater.spec.releases import Verdict
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, stamp, storable

_INSERT = """
INSERT INTO verdicts (subject, check_address, reads, failing, name, node, slot, on_fail, detail, at, seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (subject, check_address, reads) DO UPDATE SET
    failing = excluded.failing, name = excluded.name, on_fail = excluded.on_fail,
    detail = excluded.detail, at = excluded.at,
    seq = coalesce(excluded.seq, verdicts.seq)"""
COLUMNS = "subject, check_address, reads, failing, name, node, slot, on_fail"
"""What a release's document holds of a verdict."""
_ALL = f"{COLUMNS}, detail"
_FAILING = f"SELECT {_ALL}, at FROM verdicts WHERE node = ? AND failing > 0 ORDER BY at DESC, slot DESC LIMIT ?"


def record_verdicts(db: Database, verdicts: Iterable[Verdict], at: datetime) -> None:
    """Record verdicts; one on the same subject, check and reads takes the place of the earlier."""
    with db.write() as connection:
        record_verdicts_in(connection, verdicts, at)


def record_verdicts_in(
    connection: Connection, verdicts: Iterable[Verdict], at: datetime, seq: int | None = None
) -> None:
    """Record verdicts in a transaction that is open; ``seq`` is the release that they came with."""
    when = stamp(at)
    rows = (
        (v.subject, v.check, v.reads, v.failing, storable(v.name), v.node, v.slot, v.on_fail, v.detail, when, seq)
        for v in sorted(verdicts, key=lambda v: (v.subject, v.check, v.reads))
    )
    connection.executemany(_INSERT, rows)


def verdicts(db: Database, subjects: Iterable[str], checks: Collection[str]) -> dict[tuple[str, str, str], Verdict]:
    """Give what is known about subjects: (subject, check, reads) → verdict, for these checks' addresses."""
    wanted = frozenset(checks)
    query = f"SELECT {_ALL} FROM verdicts WHERE subject IN ({{}})"
    found: dict[tuple[str, str, str], Verdict] = {}
    with db.read() as connection:
        for piece in chunks(subjects):
            for row in connection.execute(query.format(marks(len(piece))), piece):
                if row[1] in wanted:
                    found[row[:3]] = verdict_of(row)
    return found


def failing_verdicts(db: Database, node: str, limit: int) -> tuple[tuple[Verdict, datetime], ...]:
    """Give the last failing verdicts on anything of a node, in any environment, newest first, and when they came."""
    with db.read() as connection:
        return tuple((verdict_of(row), moment(at)) for *row, at in connection.execute(_FAILING, (node, limit)))


def verdict_of(row: Sequence[Any]) -> Verdict:
    """Make a verdict of ``COLUMNS``, and its detail if it is there."""
    subject, check, reads, failing, name, node, slot, on_fail, *detail = row
    return Verdict(
        subject=subject,
        check=check,
        reads=reads,
        failing=failing,
        name=name,
        node=node,
        slot=slot,
        on_fail=on_fail,
        detail=detail[0] if detail else "",
    )
