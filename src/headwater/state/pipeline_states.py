"""Where each pipeline stands: how far its schedule has fired, what its triggers have seen, whether it is paused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headwater.state.database import Database
from headwater.state.values import optional_moment, optional_stamp, stamp, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """One pipeline of one environment, as the scheduler left it."""

    fired_until: datetime | None = None
    """All scheduled times up to here are settled: ordered, or passed over; None: it was never looked at."""
    memory: str = "{}"
    """What its triggers have seen, as JSON."""
    paused_at: datetime | None = None
    paused_by: str = ""
    reason: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether it orders nothing by itself."""
        return self.paused_at is not None


def pipeline_states(db: Database, environment: str) -> dict[str, PipelineState]:
    """Give pipeline → where it stands, for those that were ever looked at or paused."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT pipeline, fired_until, memory, paused_at, paused_by, reason FROM pipeline_states"
            " WHERE environment = ?",
            (environment,),
        )
        return {row[0]: _state(row[1:]) for row in rows}


def set_fired(db: Database, environment: str, pipeline: str, fired_until: datetime | None, memory: str) -> None:
    """Note how far a pipeline has fired; a part of the transaction that also writes its orders."""
    with db.write() as connection:
        connection.execute(
            "INSERT INTO pipeline_states (environment, pipeline, fired_until, memory) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (environment, pipeline) DO UPDATE"
            " SET fired_until = excluded.fired_until, memory = excluded.memory",
            (environment, pipeline, optional_stamp(fired_until), memory),
        )


def pause(db: Database, environment: str, pipeline: str, by: str, reason: str, at: datetime) -> bool:
    """Stop a pipeline from ordering runs; False if it was paused before (then nothing changes)."""
    with db.write() as connection:
        if _is_paused(pipeline_states(db, environment), pipeline):
            return False
        connection.execute(
            "INSERT INTO pipeline_states (environment, pipeline, paused_at, paused_by, reason) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (environment, pipeline) DO UPDATE SET paused_at = excluded.paused_at,"
            " paused_by = excluded.paused_by, reason = excluded.reason",
            (environment, pipeline, stamp(at), by, storable(reason)),
        )
    return True


def resume(db: Database, environment: str, pipeline: str) -> bool:
    """Let a paused pipeline order runs again; False if it was not paused."""
    with db.write() as connection:
        was = _is_paused(pipeline_states(db, environment), pipeline)
        connection.execute(
            "UPDATE pipeline_states SET paused_at = NULL, paused_by = '', reason = ''"
            " WHERE environment = ? AND pipeline = ?",
            (environment, pipeline),
        )
    return was


def _is_paused(states: Mapping[str, PipelineState], pipeline: str) -> bool:
    return states.get(pipeline, PipelineState()).is_paused


def _state(row: tuple[Any, ...]) -> PipelineState:
    fired_until, memory, paused_at, paused_by, reason = row
    return PipelineState(
        fired_until=optional_moment(fired_until),
        memory=memory,
        paused_at=optional_moment(paused_at),
        paused_by=paused_by,
        reason=reason,
    )
