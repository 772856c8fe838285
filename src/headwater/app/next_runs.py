"""When a pipeline starts next by the clock: one answer for servers, the API and screens."""

from collections.abc import Callable, Mapping
from datetime import datetime

from headwater.graph.values import PipelineNode
from headwater.schedule.due import Standing, due
from headwater.state.pipeline_states import PipelineState
from headwater.state.requests import Status

Counts = Mapping[tuple[str, Status], int]
"""(pipeline, status) → how many of its runs are under way, without chunks of backfills."""


def runs_by_itself(pipeline: PipelineNode, environment: str) -> bool:
    """Whether a pipeline starts without being asked in an environment."""
    asks = pipeline.schedule or pipeline.when or pipeline.continuous_s is not None
    return bool(asks) and (not pipeline.in_ or environment in pipeline.in_)


def standing_of(state: PipelineState, pipeline: str, counts: Counts) -> Standing:
    """Say where a pipeline stands, as planning its next runs asks for it; ``counts`` is what is under way."""
    return Standing(
        fired_until=state.fired_until,
        is_paused=state.is_paused,
        running=counts.get((pipeline, "running"), 0),
        waiting=counts.get((pipeline, "queued"), 0),
    )


def next_at(
    pipeline: PipelineNode, environment: str, state: PipelineState, counts: Callable[[], Counts], now: datetime
) -> datetime | None:
    """Give when a pipeline starts next by the clock: now, if that was missed; None: never, or it is paused.

    ``counts`` is asked only if what is under way makes a difference.
    """
    if state.is_paused or not runs_by_itself(pipeline, environment):
        return None
    if pipeline.continuous_s is None:
        found = due(pipeline, standing_of(state, pipeline.name, {}), now)
        if not found.fires:
            return found.next_at
    found = due(pipeline, standing_of(state, pipeline.name, counts()), now)
    return now if found.fires else found.next_at
