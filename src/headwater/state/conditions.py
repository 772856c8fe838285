"""In which condition the last apply or run has left each node: slots withheld, checks passed. For a quick status."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.spec.releases import Release
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.releases import seq_of
from headwater.state.scores import carry_scores, score_of

_PUT = """
INSERT INTO conditions (environment, node, blocked, waiting, score) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (environment, node) DO UPDATE SET blocked = excluded.blocked, waiting = excluded.waiting,
    score = coalesce(excluded.score, conditions.score)"""
_SET_SCORE = "UPDATE conditions SET score = ? WHERE environment = ? AND node = ?"
_SCORED = "SELECT node, checks, row_count, rejects, slots, withheld FROM scores WHERE environment = ? AND seq = ?"
_LAST = """
SELECT h.node, (
    SELECT e.slot FROM entries AS e
    WHERE e.environment = h.environment AND e.node = h.node AND e.site = ? ORDER BY e.slot DESC LIMIT 1
) FROM head_nodes AS h WHERE h.environment = ?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What withheld slots of a node, and how its checks went when they last ran."""

    blocked: int = 0
    """Slots that a check refused."""
    waiting: int = 0
    """Slots that wait for rows of other nodes."""
    score: float | None = None
    """Quality of what the last apply or run brought, or would have, from 0 to 100; None: nothing was checked yet."""


def note_conditions(db: Database, environment: str, conditions: Mapping[str, Condition]) -> None:
    """Keep the conditions of nodes that the environment has; where nothing was checked, the last score stays."""
    with db.write(durable=False) as connection:
        number = number_of(connection, environment)
        if number:
            rows = ((number, node, c.blocked, c.waiting, c.score) for node, c in sorted(conditions.items()))
            connection.executemany(_PUT, rows)


def note_scores(db: Database, environment: str, scores: Mapping[str, float | None]) -> None:
    """Set the scores of nodes that have a condition; None: nothing vouches for them."""
    with db.write(durable=False) as connection:
        number = number_of(connection, environment)
        rows = [(score, number, node) for node, score in sorted(scores.items())]
        connection.executemany(_SET_SCORE, rows)


def note_rolled_back(db: Database, environment: str, release: Release, to: str | None) -> None:
    """Forget what was withheld, and go back to the scores of then: a rollback has changed what they were about."""
    with db.write(durable=False) as connection:
        number = number_of(connection, environment)
        connection.execute("UPDATE conditions SET blocked = 0, waiting = 0 WHERE environment = ?", (number,))
        seq, then = seq_of(connection, number, release.id), seq_of(connection, number, to)
        carry_scores(connection, number, seq, then, release.nodes)
        scored = connection.execute(_SCORED, (number, seq)).fetchall()
        found = {node: score_of(row).score for node, *row in scored}
        rows = [(found.get(node), number, node) for node in release.nodes]
        connection.executemany(_SET_SCORE, rows)


def conditions(db: Database, environment: str) -> dict[str, Condition]:
    """Give node → condition, as the last apply or run left it."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT node, blocked, waiting, score FROM conditions WHERE environment = ?",
            (number_of(connection, environment),),
        )
        return {
            node: Condition(blocked=blocked, waiting=waiting, score=score) for node, blocked, waiting, score in rows
        }


def last_slots(db: Database, environment: str, site: str) -> dict[str, str | None]:
    """Give node → its last filled slot at a site, in a few milliseconds however many slots there are."""
    with db.read() as connection:
        return dict(connection.execute(_LAST, (site, number_of(connection, environment))))
