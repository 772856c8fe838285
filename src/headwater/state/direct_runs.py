"""Runs of commands, which nobody ordered: each holds the lease ``run:<id>`` while its process lives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.state import audit
from headwater.state.attempts import crashed
from headwater.state.database import Database
from headwater.state.leases import acquire, release_leases, renew
from headwater.state.runs import finish_run
from headwater.state.values import moment, optional_moment

DIED: Final = "its process died"
"""What is said of a run whose process is gone."""
_RUNNING: Final = """
SELECT r.id, r.started_at, l.holder, l.expires_at FROM runs AS r LEFT JOIN leases AS l ON l.name = 'run:' || r.id
WHERE r.ended_at IS NULL AND r.status = 'running' AND NOT EXISTS (SELECT 1 FROM requests AS q WHERE q.id = r.id)"""


@dataclass(frozen=True, slots=True)
class DirectRun:
    """A run of a command that has not ended, and what is known of its process."""

    id: str
    started_at: datetime
    holder: str
    until: datetime | None
    """Until when it was last prolonged; None: nobody holds it."""


def hold_run(db: Database, run: str, holder: str, now: datetime, ttl_s: float) -> tuple[str, int]:
    """Take the lease of a run that begins: its name and number. Nothing is waited for: nobody else knows the id."""
    name = f"run:{run}"
    return name, acquire(db, [name], holder, now, ttl_s, durable=False).get(name, 0)


def prolong_run(db: Database, run: str, holder: str, now: datetime, ttl_s: float) -> bool:
    """Say that the process of a run lives; False if its lease is gone."""
    return bool(renew(db, [f"run:{run}"], holder, now, ttl_s))


def let_go(db: Database, run: str, holder: str) -> None:
    """Give the lease of a run back."""
    release_leases(db, [f"run:{run}"], holder)


def direct_runs(db: Database) -> tuple[DirectRun, ...]:
    """Give the runs of commands that have not ended."""
    with db.read() as connection:
        return tuple(_direct(*row) for row in connection.execute(_RUNNING))


def give_up(db: Database, seen: DirectRun, now: datetime) -> bool:
    """Note that the process of a run is dead; False if it has ended meanwhile, lives, or somebody else noted it.

    Its lease goes, too: a process that was only asleep can make nothing visible any more.
    """
    with db.write() as connection:
        if seen not in [_direct(*row) for row in connection.execute(f"{_RUNNING} AND r.id = ?", (seen.id,))]:
            return False
        crashed(db, seen.id, now)
        finish_run(db, seen.id, now, "failed", DIED)
        let_go(db, seen.id, seen.holder)
        audit.append(connection, "run given up", {"run": seen.id, "because": DIED}, now)
    return True


def _direct(run: str, started_at: str, holder: str | None, until: str | None) -> DirectRun:
    return DirectRun(run, moment(started_at), holder or "", optional_moment(until))
