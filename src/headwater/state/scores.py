"""How good each node was at each release that touched it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headwater.spec.quality import Score
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.values import moment

_INSERT = """
INSERT INTO scores (environment, node, seq, checks, row_count, rejects, slots, withheld) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (environment, node, seq) DO NOTHING"""
_CARRY = """
INSERT INTO scores (environment, node, seq, checks, row_count, rejects, slots, withheld)
SELECT s.environment, s.node, ?, s.checks, s.row_count, s.rejects, s.slots, s.withheld
FROM scores AS s WHERE s.environment = ? AND s.node = ? AND s.seq = (
    SELECT max(b.seq) FROM scores AS b WHERE b.environment = s.environment AND b.node = s.node AND b.seq <= ?
)"""
_SELECT = """
SELECT r.id, r.kind, r.at, s.checks, s.row_count, s.rejects, s.slots, s.withheld
FROM scores AS s JOIN releases AS r ON r.seq = s.seq WHERE s.environment = ? AND s.node = ?
ORDER BY s.seq DESC LIMIT ?"""


@dataclass(frozen=True, slots=True)
class ReleaseScore:
    """How good a node was at a release."""

    release: str
    kind: str
    at: datetime
    score: Score


def write_scores(connection: Connection, number: int, seq: int, scores: Mapping[str, Score]) -> None:
    """Record the scores that come with a release, in its transaction."""
    rows = ((number, node, seq, s.checks, s.rows, s.rejects, s.slots, s.withheld) for node, s in sorted(scores.items()))
    connection.executemany(_INSERT, rows)


def carry_scores(connection: Connection, number: int, seq: int, to: int, nodes: Iterable[str]) -> None:
    """Give nodes at a release the scores that they had at an earlier one: it has gone back to it."""
    connection.executemany(_CARRY, [(seq, number, node, to) for node in nodes])


def score_history(db: Database, environment: str, node: str, limit: int) -> tuple[ReleaseScore, ...]:
    """Give a node's scores at the last releases that touched it, newest first."""
    with db.read() as connection:
        rows = connection.execute(_SELECT, (number_of(connection, environment), node, limit))
        return tuple(ReleaseScore(name, kind, moment(at), score_of(row)) for name, kind, at, *row in rows)


def score_of(row: list[Any]) -> Score:
    """Make a score of its columns: checks, rows, rejects, slots, withheld."""
    checks, rows, rejects, slots, withheld = row
    return Score(checks=checks, rows=rows, rejects=rejects, slots=slots, withheld=withheld)
