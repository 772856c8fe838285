"""What a run is given: every effect it may have comes in here, so that tests can own time, chance and failure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from headwater.connect.sources import Source
from headwater.connect.stores import Store
from headwater.diagnostics import Broken
from headwater.events import Emit
from headwater.graph.values import Graph, Node
from headwater.plan.wanted import Horizon
from headwater.run.engine import Engine
from headwater.run.executor import Pace
from headwater.run.sites.reaching import Crossing, Sites
from headwater.run.stopping import Watch
from headwater.spec.addresses import FillId, Version
from headwater.spec.fills import Fill
from headwater.state.database import Database
from headwater.state.fills import known


def _nobody_stops() -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """For whom and why something runs: a person's command has an empty one, a worker that of the order it has taken."""

    run_id: str = ""
    """The id of the order that it performs; empty: a new one."""
    holder: str = ""
    """In whose name leases are held: each try has its own, so that a zombie is not taken for who took over."""
    fence: tuple[str, int] | None = None
    """The lease on the run, with its number: without it, nothing of the run becomes visible."""
    pipeline: str = ""
    because: str = ""
    worker: str = ""
    why_stop: Callable[[], str | None] = _nobody_stops
    """Why the run must stop; None: it may go on. Asked often."""
    alone: bool = False
    """One task at a time: a worker died over it before, and next time it shall be seen over which."""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """Node → why it is not tried: it crashed its worker again and again."""
    deadline_at: datetime | None = None
    """When it is stopped if it has not ended; None: it may take its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of one run or apply of one environment."""

    db: Database
    store: Store
    engine: Engine
    sources: Mapping[str, Source]
    graph: Graph
    environment: str
    horizon: Horizon
    now: datetime
    """The run's logical time."""
    clock: Callable[[], datetime]
    pace: Pace
    emit: Emit
    token: Callable[[], str]
    """A fresh, unguessable word: for attempts, releases, runs."""
    run_id: str
    root: str
    lake: str
    temp_directory: str
    wait_s: float = 600.0
    """How long to wait for somebody else who computes the same fills."""
    ticket: Ticket = Ticket()
    sites: Sites | None = None
    """Sites that compute for themselves; None: there is none."""
    crossed: list[Crossing] = field(default_factory=list)
    """What has crossed from site to site so far, for this run."""

    @property
    def holder(self) -> str:
        """In whose name leases are held."""
        return self.ticket.holder or self.run_id

    @property
    def watch(self) -> Watch:
        """Who may stop the run: whoever the ticket asks, and its deadline."""
        return Watch(
            stop=self.pace.stop,
            why_stop=self.ticket.why_stop,
            deadline_at=self.ticket.deadline_at,
            clock=self.clock,
            interrupt=self.pace.interrupt,
        )

    def stoppable(self) -> AbstractContextManager[None]:
        """Stop what runs inside, with Cancelled, when the ticket says so or its deadline has passed."""
        return self.watch.stopping()

    def check_stop(self) -> None:
        """Raise Cancelled if the run shall stop: asked right before what is not stopped any more."""
        self.watch.check()


@dataclass(slots=True)
class FillBook(Mapping[str, Fill]):
    """Manifests by fill id: from what this run staged, then the state, then the lake."""

    db: Database
    store: Store
    places: dict[str, tuple[str, Version]] = field(default_factory=dict)
    """Fill id → (node, version), where only the lake may know it."""
    found: dict[str, Fill] = field(default_factory=dict)

    def load(self, ids: Iterable[str]) -> None:
        """Read many at once from the state."""
        missing = [FillId(fill) for fill in ids if fill not in self.found]
        if missing:
            self.found.update((fill.id, fill) for fill in known(self.db, missing).values())

    def add(self, fills: Iterable[Fill]) -> None:
        """Remember fills that were just staged."""
        self.found.update((fill.id, fill) for fill in fills)

    def expect(self, node: Node, ids: Iterable[str]) -> None:
        """Say to which node fills belong, so that the lake can be asked."""
        self.places.update((fill, (node.name, node.version)) for fill in ids)

    def __getitem__(self, fill: str) -> Fill:
        """Give a manifest; Broken if there is none anywhere."""
        if fill not in self.found:
            self.load([fill])
        if fill not in self.found and fill in self.places:
            manifest = self.store.find(*self.places[fill], FillId(fill))
            if manifest:
                self.found[fill] = manifest
        if fill not in self.found:
            hint = "run `headwater doctor`"
            raise Broken.of(
                "HW0520", f"fill {fill} is in the head, but neither the state nor the lake has it", hint=hint
            )
        return self.found[fill]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)
