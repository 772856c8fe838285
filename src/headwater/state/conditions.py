"""In which condition the last apply or run has left each node: slots withheld, checks passed. For a quick status."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.state.database import Database
from headwater.state.environments import number_of

_PUT = """
INSERT INTO conditions (environment, node, blocked, waiting, passed, checked) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (environment, node) DO UPDATE SET blocked = excluded.blocked, waiting = excluded.waiting,
    passed = CASE WHEN excluded.checked > 0 THEN excluded.passed ELSE conditions.passed END,
    checked = CASE WHEN excluded.checked > 0 THEN excluded.checked ELSE conditions.checked END"""
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
    passed: int = 0
    checked: int = 0
    """Verdicts of the last run that had any, and how many of them found nothing wrong."""


def note_conditions(db: Database, environment: str, conditions: Mapping[str, Condition]) -> None:
    """Keep the conditions of nodes that the environment has; where nothing was checked, the last verdicts stay."""
    with db.write(durable=False) as connection:
        number = number_of(connection, environment)
        if number:
            rows = ((number, node, c.blocked, c.waiting, c.passed, c.checked) for node, c in sorted(conditions.items()))
            connection.executemany(_PUT, rows)


def note_nothing_withheld(db: Database, environment: str) -> None:
    """Forget what was withheld: a rollback has changed what it was withheld from."""
    with db.write(durable=False) as connection:
        connection.execute(
            "UPDATE conditions SET blocked = 0, waiting = 0 WHERE environment = ?",
            (number_of(connection, environment),),
        )


def conditions(db: Database, environment: str) -> dict[str, Condition]:
    """Give node → condition, as the last apply or run left it."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT node, blocked, waiting, passed, checked FROM conditions WHERE environment = ?",
            (number_of(connection, environment),),
        )
        return {
            node: Condition(blocked=blocked, waiting=waiting, passed=passed, checked=checked)
            for node, blocked, waiting, passed, checked in rows
        }


def last_slots(db: Database, environment: str, site: str) -> dict[str, str | None]:
    """Give node → its last filled slot at a site, in a few milliseconds however many slots there are."""
    with db.read() as connection:
        return dict(connection.execute(_LAST, (site, number_of(connection, environment))))
