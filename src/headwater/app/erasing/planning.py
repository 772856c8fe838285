"""Says what erasing somebody would do: which tables carry them, which files hold them, and what is out of reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from headwater.app.contexts import make_source
from headwater.app.erasing.finding import files_with, is_searched_for
from headwater.app.erasing.subjects import Asked, Subject, released_graphs, subjects_of
from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Where, error
from headwater.graph.lineage import trace
from headwater.graph.values import Graph, Node
from headwater.spec.fills import Fill
from headwater.state.codes import kept_codes
from headwater.state.erasures import set_aside_texts, unserved_fills
from headwater.state.fills import known
from headwater.state.heads import read_head
from headwater.state.observations import last_observations


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A table or view in which the subject has left something."""

    node: str
    columns: tuple[str, ...] = ()
    """Those whose values are made of the named columns; empty: only which rows there are, or what was counted."""
    fills: int = 0
    """Kept fills, of all releases and environments."""
    files: int = 0
    """Of their files, those in which the value itself was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """What Headwater cannot change, and what to do there."""

    what: str
    name: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What erasing somebody would do."""

    subjects: tuple[Subject, ...] = field(repr=False)
    environments: tuple[str, ...]
    carriers: tuple[Carrier, ...]
    set_aside: int
    """Rows set aside of the sources that name the subject."""
    unreached: tuple[Unreached, ...]
    refusals: tuple[Diagnostic, ...] = ()
    """Why it cannot be performed; then nothing is done."""
    nodes: frozenset[str] = frozenset()
    """All that read the sources, now or in a kept release."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which the subject is known."""
        return tuple(sorted({f"{each.source}.{each.column}" for each in self.subjects}))


def plan_erasure(workspace: Workspace, wanted: Sequence[Asked]) -> Erasure:
    """Say what erasing somebody would do in all environments; raises Invalid for what cannot be understood."""
    graphs = released_graphs(workspace)
    subjects = subjects_of(workspace, graphs, wanted)
    sources = {subject.source for subject in subjects}
    every = [*graphs.values(), *_kept_graphs(workspace)]
    nodes = frozenset(name for graph in every for name in readers_of(graph, sources))
    carried = _carried(every, subjects)
    fills = kept_fills(workspace, nodes)
    found = files_with(workspace, fills, subjects, frozenset(carried))
    carriers = [
        Carrier(
            node=name,
            columns=tuple(sorted(column for node, column in carried if node == name)),
            fills=sum(fill.node == name for fill in fills),
            files=sum(node == name for node, _ in found.values()),
        )
        for name in sorted(nodes)
    ]
    return Erasure(
        subjects=subjects,
        environments=tuple(graphs),
        carriers=tuple(carriers),
        set_aside=len(rows_set_aside(workspace, every, subjects)),
        unreached=tuple(_unreached(graphs, sources, nodes)),
        refusals=tuple(dict.fromkeys(_refusals(workspace, graphs, every, sources, nodes, fills))),
        nodes=nodes,
    )


def readers_of(graph: Graph, sources: set[str]) -> list[str]:
    """Give all models that read sources, directly or not, in topological order."""
    reached = set(sources)
    found = []
    for node in graph.nodes:
        if node.source is None and any(each.node in reached for each in node.inputs):
            reached.add(node.name)
            found.append(node.name)
    return found


def kept_fills(workspace: Workspace, nodes: frozenset[str]) -> list[Fill]:
    """Give all fills of some nodes: those that environments serve, and those that only releases name."""
    fills = {fill.id: fill for fill in unserved_fills(workspace.db, nodes)}
    for environment in released_graphs(workspace):
        head = read_head(workspace.db, environment)
        for name in sorted(nodes & head.nodes.keys()):
            served = [entry.fill for entry in head.entries_of(name).values()]
            fills |= known(workspace.db, served)
    return sorted(fills.values(), key=lambda fill: (fill.node, fill.slot, fill.id))


def rows_set_aside(
    workspace: Workspace, graphs: Sequence[Graph], subjects: Sequence[Subject]
) -> list[tuple[str, str, int, int]]:
    """Give the keys of the rows set aside of the subjects' sources whose text names one of them."""
    named = {subject.source for subject in subjects}
    contracts = {node.rows_address for graph in graphs for node in graph.nodes if node.name in named}
    texts = [subject.text for subject in subjects]
    found = set_aside_texts(workspace.db, contracts)
    return [
        (contract, identity, position, line)
        for contract, identity, position, line, text in found
        if any(each in text for each in texts)
    ]


def _kept_graphs(workspace: Workspace) -> Iterator[Graph]:
    for code in kept_codes(workspace.db):
        graph = previous_graph(workspace.db, code)
        if graph is not None:
            yield graph


def _carried(graphs: Sequence[Graph], subjects: Sequence[Subject]) -> set[tuple[str, str]]:
    """Give (node, column) of all columns whose values are made of the subjects' columns."""
    found: set[tuple[str, str]] = set()
    for graph in graphs:
        names = {node.name for node in graph.nodes}
        for subject in subjects:
            if subject.source not in names:
                continue
            known_columns = {c.name for node in graph.nodes if node.name == subject.source for c in node.columns}
            if subject.column in known_columns:
                edges = trace(graph, subject.source, subject.column).downstream
                reached = {(subject.source, subject.column)}
                for _ in edges:
                    more = {e.lower for e in edges if e.role == "value" and e.upper in reached} - reached
                    if not more:
                        break
                    reached |= more
                found |= {each for each in reached if each[0] != subject.source}
    return found


def _unreached(graphs: dict[str, Graph], sources: set[str], nodes: frozenset[str]) -> Iterator[Unreached]:
    for name in sorted(sources):
        do = "delete the rows there; until then every scan leaves them out"
        yield Unreached(what="source in place", name=name, do=do)
    for environment, graph in graphs.items():
        for sink in graph.sinks:
            if sink.from_ in nodes and (not sink.environments or environment in sink.environments):
                do = "its rows are loaded anew where it restates; look there, and into copies made of it"
                yield Unreached(what="sink", name=f"{sink.name} ({environment})", do=do)
    yield Unreached(what="copies", name="backups and exports of state and lake", do="delete those made before")
    yield Unreached(
        what="project files", name="tests, fixtures and their history", do="look for rows copied into the project"
    )


def _refusals(
    workspace: Workspace,
    graphs: dict[str, Graph],
    every: Sequence[Graph],
    sources: set[str],
    nodes: frozenset[str],
    fills: Sequence[Fill],
) -> Iterator[Diagnostic]:
    for environment, graph in graphs.items():
        for node in graph.nodes:
            if node.name in sources:
                yield from _of_source(workspace, environment, graph, node)
    kept = {fill.node for fill in fills}
    for graph in every:
        for node in graph.nodes:
            if node.name in nodes & kept and (node.chain is not None or node.kind == "links"):
                name = node.name.partition("@")[0]
                message = f"`{name}` is built from its own past: rows cannot be taken out of it"
                hint = "delete the model, apply, let the janitor forget its rows, and erase; or `on_change: rebuild`"
                yield error("HW1314", message, Where(node.file, node.line), hint=hint)


def _of_source(workspace: Workspace, environment: str, graph: Graph, node: Node) -> Iterator[Diagnostic]:
    assert node.source is not None  # noqa: S101 - asked by the caller
    where = Where(node.file, node.line)
    if node.source.land:
        message = f"the rows of `{node.name}` were landed: they cannot be taken out of the lake's ranges"
        hint = "delete them at the source, and let it be landed anew under another name"
        yield error("HW1312", message, where, hint=hint)
    remote = sorted(set(node.source.sites) & graph.borders.remote)
    if remote:
        message = f"`{node.name}` lies at sites that compute for themselves: {', '.join(remote)}"
        yield error("HW1312", message, where, hint="their operators erase there")
    if node.source.on_vanish != "keep":
        return
    source = make_source(node, workspace.root, workspace.store)
    for site in node.source.sites:
        before = last_observations(workspace.db, environment).get((node.name, site))
        present = {item.path for item in source.observe(site)[0]}
        gone = [item for item in (before.items if before else ()) if item.path not in present]
        if gone:
            message = f"{len(gone)} files of `{node.name}` are gone, and rows of them are kept (`on_vanish: keep`)"
            hint = "bring the files back, or say `on_vanish: delete` and apply"
            yield error("HW1312", message, where, hint=hint)


def is_proved(erasure: Erasure) -> bool:
    """Whether its values are unlike any other, so that texts can be searched for them."""
    return all(map(is_searched_for, erasure.subjects))
