"""An order: what a run is asked for. Schedules, people and the API write orders; whoever performs a run reads one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The ends of a stretch of time that is open."""

Publish = Literal["together", "each", ""]
"""When what a run fills becomes visible; empty: as its pipeline says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is asked for. The queue keeps it as JSON, so a field is only ever added, with a default."""

    environment: str
    select: tuple[str, ...] = ()
    """Names of pipelines, or patterns of nodes; empty: everything."""
    start_from: tuple[str, ...] = ()
    """Patterns of nodes: only those and all that read them are filled."""
    skip: tuple[str, ...] = ()
    """Patterns of nodes: those and all that read them keep what they have."""
    within: tuple[datetime, datetime] | None = None
    """Only slots that hold an instant of [start, end), and what those need of each other; None: all wanted slots."""
    again: bool = False
    """Fill slots, too, that stand on what is there now: their query runs again (as ``lookback`` asks for)."""
    release_holds: bool = False
    """Fill what a rollback holds, too."""
    retry_set_aside: tuple[str, ...] = ()
    """Nodes that were set aside because they crashed their worker: try them again."""
    release: str = ""
    """Id of the release whose code is run; empty: that of the environment when the run starts."""
    publish: Publish = ""
    timeout_s: float | None = None
    """How long the run may take; None: as its pipeline says, else as long as it needs."""
    concurrency: int | None = None
    """How many of its tasks may run at once; None: as its pipeline says, else as many as there are workers."""
    priority: int = 0
    """Of those that wait, the higher goes first."""
    pipeline: str = ""
    """The pipeline that it is a run of; empty: nobody's."""
    message: str = ""
    """A note to keep with what the run releases."""
    because: str = ""
    """Why it was ordered, for people: "schedule 0 6 * * *", "by hand", "new data of raw.flights"."""
    rerun_of: str = ""
    """Id of the run whose order this repeats."""
    backfill: str = ""
    """Id of the backfill that it is a chunk of."""
    parts_at_once: int | None = None
    """How many chunks of its backfill may run at once."""


def encode_order(order: Order) -> str:
    """Write an order as JSON."""
    import msgspec.json

    return msgspec.json.encode(order).decode()


def decode_order(text: str) -> Order:
    """Read an order back; what a newer Headwater has added is left out."""
    import msgspec.json

    return msgspec.json.decode(text, type=Order)
