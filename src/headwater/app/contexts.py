"""Composes what a run is given from an open workspace: connectors, engine, pace, time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from headwater.app.concealing import Concealing, learn_secrets
from headwater.app.graphs import previous_graph, released_graph
from headwater.app.registry import registry
from headwater.app.run_logs import RunLog
from headwater.app.secrets import resolve, secrets_in
from headwater.app.tombstones import erased_of, without_erased
from headwater.app.workspace import Workspace, cores
from headwater.connect.landing import Extractor
from headwater.connect.sinks import Sink
from headwater.connect.sources import Contract, ContractColumn, Source
from headwater.connect.stores import Store
from headwater.diagnostics import Where
from headwater.events import Emit, silent
from headwater.graph.address_sources import landing_address
from headwater.graph.values import Graph, Node, SinkNode
from headwater.plan.granules import HOUR_S, granules
from headwater.plan.stretches import stretches
from headwater.plan.wanted import Horizon
from headwater.policy.retaining import oldest_kept
from headwater.run.context import Context, Ticket
from headwater.run.executor import Pace
from headwater.run.landing.landed import LandedSource
from headwater.run.python.sinks import FunctionSink
from headwater.run.python.sources import GeneratedRows
from headwater.spec.authoring import Run
from headwater.spec.ranges import LandedRange
from headwater.state.landings import landed_ranges

if TYPE_CHECKING:
    from headwater.app.remote_sites import RemoteSites

__all__ = [
    "WAIT_S",
    "context_of",
    "horizon_of",
    "make_sink",
    "make_source",
    "previous_graph",
    "released_graph",
    "sink_maker",
    "sources_of",
]

WAIT_S = 600.0


def context_of(
    workspace: Workspace,
    graph: Graph,
    environment: str,
    *,
    now: datetime | None = None,
    wait_s: float = WAIT_S,
    ticket: Ticket | None = None,
    log: RunLog | None = None,
) -> Context:
    """Compose the context of one run or apply; ``log`` is that of the run, if there is one already."""
    effects = workspace.effects
    at = now or effects.clock()
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    learn_secrets(graph, environment, workspace.root)
    run_id = (ticket and ticket.run_id) or effects.token()
    log = log or RunLog(workspace.db, run_id, environment, effects.clock, effects.emit)
    sources = sources_of(graph, workspace.root, workspace.store, _Landing(workspace, graph, environment, at, log))
    sources = without_erased(sources, erased_of(workspace.db, workspace.settings.home, graph))
    sites = sites_of(workspace, graph)
    return Context(
        db=workspace.db,
        store=workspace.store,
        engine=workspace.engine,
        sources=remote_sources(sources, graph, sites, at) if sites else sources,
        graph=graph,
        environment=environment,
        horizon=horizon_of(graph, at),
        now=at,
        clock=effects.clock,
        pace=Pace(workers=cores(), sleep=effects.sleep, random=effects.random, interrupt=workspace.engine.interrupt),
        emit=log,
        token=effects.token,
        run_id=run_id,
        root=str(workspace.root),
        lake=str(workspace.settings.lake),
        temp_directory=str(workspace.temporary),
        wait_s=wait_s,
        ticket=ticket or Ticket(),
        sites=sites,
    )


def sites_of(workspace: Workspace, graph: Graph, *, is_estimated: bool = False) -> "RemoteSites | None":
    """Give the sites of a graph that compute for themselves; None: there is none."""
    if not graph.borders.remote:
        return None
    from headwater.app.remote_sites import RemoteSites

    return RemoteSites(graph, workspace.runtime(graph.borders), is_estimated)


def remote_sources(
    sources: Mapping[str, Source], graph: Graph, sites: "RemoteSites", now: datetime
) -> dict[str, Source]:
    """Put in the place of sources at remote sites what asks the sites where they stand."""
    from headwater.run.sites.remote_source import RemoteSource

    remote = graph.borders.remote
    found = dict(sources)
    for node in graph.nodes:
        if node.source is not None and set(node.source.sites) & remote:
            found[node.name] = RemoteSource(
                name=node.name,
                contract=contract_of(node),
                charter=sites.charter,
                borders=stretches(graph, node.name, now),
                remote=remote,
                session=sites.session,
                near=None if set(node.source.sites) <= remote else sources[node.name],
            )
    return found


def watched_source(
    workspace: Workspace, graph: Graph, node: Node, sites: "RemoteSites | None", environment: str, now: datetime
) -> Source:
    """Give one source as it is looked at from time to time: its extractor is with it, and its remote sites are asked.

    Sites are asked for one position of all that they have.
    """
    alone = replace(graph, nodes=(node,), sinks=(), pipelines=())
    described, made = node.source, dict[str, Source]()
    if described is None or not set(described.sites) <= graph.borders.remote:
        landing = _Landing(workspace, alone, environment, now, silent)
        made = sources_of(alone, workspace.root, workspace.store, landing)
    return (remote_sources(made, alone, sites, now) if sites else made)[node.name]


def horizon_of(graph: Graph, now: datetime) -> Horizon:
    """Give what bounds the wanted slots: the environment's fixed present if it has one, else the run's time."""
    as_of = min(graph.as_of, now) if graph.as_of else now
    return Horizon(as_of=as_of, window_s=graph.window_s, oldest=oldest_kept(graph, now))


@dataclass(frozen=True, slots=True)
class _Landing:
    """What landed sources need besides the lake: the ranges known, and what a function is told of the run."""

    workspace: Workspace
    graph: Graph
    environment: str
    now: datetime
    emit: Emit

    def ranges(self, location: str, site: str) -> list[LandedRange]:
        return landed_ranges(self.workspace.db, location, site)

    @property
    def run(self) -> Run:
        return Run(now=self.now, environment=self.environment, variables=dict(self.graph.variables))


def sources_of(graph: Graph, root: Path, store: Store, landing: _Landing | None = None) -> dict[str, Source]:
    """Make every source of a graph; secrets are resolved now. Without ``landing`` they can only be read."""
    finest = granules(graph)
    sources = [node for node in graph.nodes if node.source is not None]
    return {node.name: make_source(node, root, store, landing, finest[node.name]) for node in sources}


def make_source(
    node: Node,
    root: Path,
    store: Store,
    landing: _Landing | None = None,
    granule_s: int = HOUR_S,
    unpacked: str = "",
) -> Source:
    """Make one source; ``granule_s``: how finely its file index tells stretches of time apart.

    ``unpacked``: where it may unpack archives; empty: below the project.
    """
    described = node.source
    assert described is not None  # noqa: S101 - asked by the caller
    where, contract = Where(node.file, node.line), replace(contract_of(node), granule_s=granule_s, unpacked=unpacked)
    if not described.land:
        settings = resolve(described.settings, root, where)
        component = registry().sources[described.connector]
        return cast("Source", component.make(settings, contract, str(root), where))
    location = landing_address(node)
    return LandedSource(
        location=location,
        contract=contract,
        extractor=_extractor(node, contract, root, landing) if landing else None,
        store=store,
        ranges=partial(landing.ranges, location) if landing else _no_ranges,
        where=where,
    )


def _no_ranges(site: str) -> list[LandedRange]:
    del site
    return []


def _extractor(node: Node, contract: Contract, root: Path, landing: _Landing) -> Extractor:
    described = node.source
    assert described is not None  # noqa: S101 - asked by the caller
    if described.python is not None:
        engine = landing.workspace.engine
        return GeneratedRows(
            node=node, contract=contract, root=str(root), engine=engine, run=landing.run, emit=landing.emit
        )
    where = Where(node.file, node.line)
    settings = resolve(described.settings, root, where)
    made = cast("Extractor", registry().sources[described.connector].make(settings, contract, str(root), where))
    secrets = secrets_in(described.settings, root, where)
    return Concealing(made, secrets) if secrets else made


def contract_of(node: Node) -> Contract:
    """Give what makes a row belong to a source."""
    described = node.source
    assert described is not None  # noqa: S101 - asked by the caller
    return Contract(
        columns=tuple(
            ContractColumn(
                name=c.name,
                type=c.type,
                required=c.name in described.required,
                discovered=c.name in described.discovered,
            )
            for c in node.columns
        ),
        time=node.time.column if node.time else None,
        start=described.start,
        end=described.end,
        timezone=described.timezone,
        ahead_s=described.ahead_s,
        lazy=described.contract == "lazy",
        fail_on_bad_row=described.on_bad_row == "fail",
        fail_on_schema_change=described.on_schema_change != "quarantine",
        evolve=described.on_schema_change == "evolve",
        identity=described.identity,
    )


def make_sink(sink: SinkNode, root: Path, environment: str) -> Sink:
    """Make one sink as it is in an environment."""
    where = Where(sink.file, sink.line)
    settings: Mapping[str, Any] = {**sink.settings, **sink.targets.get(environment, {})}
    return registry().sinks[sink.connector].make(resolve(settings, root, where), str(root), where)


def sink_maker(workspace: Workspace, environment: str, emit: Emit = silent) -> "partial[Sink]":
    """Give how sinks are made in an environment; ``emit`` is told what functions among them print."""
    return partial(_sink_of, workspace, environment, emit)


def _sink_of(workspace: Workspace, environment: str, emit: Emit, sink: SinkNode) -> Sink:
    if sink.python is None:
        return make_sink(sink, workspace.root, environment)
    effects = workspace.effects
    return FunctionSink(
        node=sink,
        db=workspace.db,
        engine=workspace.engine,
        root=str(workspace.root),
        temp_directory=str(workspace.temporary),
        clock=effects.clock,
        run=Run(now=effects.clock(), environment=environment),
        emit=emit,
    )
