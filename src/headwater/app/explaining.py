"""How a column gets somewhere and why it may: what lies behind it at sites, what carries it, by which rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from headwater.app.checking import graph_of
from headwater.app.placing import placing_of
from headwater.app.telling_entries import RuleTold
from headwater.app.workspace import Workspace
from headwater.app.written_queries import Asked, Judged, judge
from headwater.diagnostics import Diagnostic, Invalid, Refused, suggest
from headwater.graph.lineage import trace
from headwater.graph.query_trees import parsed, relation_of
from headwater.graph.values import ColumnRef, Graph, Node
from headwater.placement.nodes import COMPUTED, remote_inputs
from headwater.placement.values import Exchange, Placed, Read
from headwater.policy.subjects import class_name, is_public
from headwater.policy.values import Grant
from headwater.run.binding import Binder
from headwater.spec.addresses import HUB
from headwater.sql.analysis import LIST, PARAMETER, ROWS, Analysis, Part, analyse, opaque
from headwater.sql.binding import Bind
from headwater.sql.text import quote_identifier, quote_relation
from headwater.sql.tree import Unclear
from headwater.state.audit import AuditEntry, last_entries

Role = Literal["value", "control"]
_MOST_ENTRIES: Final = 2000
"""Of the audit, newest first: what crossed longer ago is not looked for."""
_FORMS: Final = ("raw", "coarse", "token", "aggregate", "free")
"""From what tells most to what needs no rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A source's column that a flow is made of, or that only decides about its rows."""

    source: str
    column: str
    role: Role
    class_: str
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What one site sends of one relation for one node."""

    node: str
    """Who reads it; empty: the query itself."""
    exchange: str
    because: str
    sender: str
    to: tuple[str, ...]
    source: str
    columns: tuple[tuple[str, str, Role], ...]
    """(column of the source, form in which it leaves, role in the flow)."""
    rule: RuleTold | None
    """None: no rule is needed."""
    last: AuditEntry | None = None
    """The newest certificate that the audit holds of what this site sent by this rule for this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """All that is known of a flow."""

    flow: str
    at: str
    behind: tuple[Behind, ...]
    ways: tuple[Way, ...]
    refused: tuple[Diagnostic, ...]


def explain(workspace: Workspace, flow: str) -> Explained:
    """Explain ``node``, ``node.column`` or either ``@site``; raises Invalid (HW1286) if it names nothing."""
    graph, bind = graph_of(workspace.root, workspace.variables), Binder()
    node, column, at = _named(graph, flow)
    if node.source is not None or at != HUB:
        chosen = quote_identifier(column) if column else "*"
        judged = judge(graph, bind, Asked(text=f"SELECT {chosen} FROM {quote_relation(node.name)}", at=at))
        return _whole(workspace, graph, bind, flow, at, judged)
    explaining = _Explaining(workspace, graph, bind, _roles(graph, node.name, column))
    return explaining.result(flow, at, _upstream(graph, [node.name]))


def explain_query(workspace: Workspace, text: str, at: str, through: Mapping[str, str]) -> Explained:
    """Explain a query as it is written, as if a model at a place read it; Invalid (HW1287) if it cannot be asked."""
    graph, bind = graph_of(workspace.root, workspace.variables), Binder()
    judged = judge(graph, bind, Asked(text=text, at=at, through=through))
    return _whole(workspace, graph, bind, "", at, judged)


def _whole(workspace: Workspace, graph: Graph, bind: Bind, flow: str, at: str, judged: Judged) -> Explained:
    """Explain a query that has been judged, and the tables that it reads."""
    node = _traced(graph, bind, judged.node)
    graph = replace(graph, nodes=(*graph.nodes, node))
    explaining = _Explaining(workspace, graph, bind, _roles(graph, node.name, ""))
    explaining.refused += judged.refused
    own = list(explaining.ways("", judged.placed)) if judged.placed else []
    found = explaining.result(flow or node.query, at, _upstream(graph, [each.node for each in node.inputs]))
    return replace(found, ways=(*own, *found.ways))


def _named(graph: Graph, flow: str) -> tuple[Node, str, str]:
    """Give node, column (empty: all) and site of a flow."""
    said, _, site = flow.rpartition("@") if "@" in flow else (flow, "", HUB)
    sites = [each.name for each in graph.borders.sites]
    if site != HUB and site not in sites:
        raise _nothing(f"there is no site `{site}`", suggest(site[:100], sites))
    nodes = {node.name.casefold(): node for node in graph.nodes}
    if said.casefold() in nodes:
        return nodes[said.casefold()], "", site
    name, _, column = said.rpartition(".")
    node = nodes.get(name.casefold())
    if node is None:
        raise _nothing(
            f"there is no node `{name or said}`", suggest((name or said)[:100], [n.name for n in graph.nodes])
        )
    found = next((each.name for each in node.columns if each.name.casefold() == column.casefold()), None)
    if found is None:
        raise _nothing(f"`{node.name}` has no column `{column}`", suggest(column[:100], [c.name for c in node.columns]))
    return node, found, site


def _nothing(message: str, hint: str) -> Invalid:
    return Invalid.of("HW1286", message, hint=hint or "write `node`, `node.column` or `node@site`")


def _roles(graph: Graph, node: str, column: str) -> dict[ColumnRef, Role]:
    """Give every column of a source behind a flow: whether its values become the flow's, or it only decides."""
    sources = {each.name: each for each in graph.nodes if each.source is not None}
    found: dict[ColumnRef, Role] = {}
    valued = _valued(graph, node, column)
    for edge in trace(graph, node, column or None).upstream:
        name, upper = edge.upper
        if name in sources and edge.role != "rows":
            for each in [c.name for c in sources[name].columns] if upper == "*" else [upper]:
                is_value = (name, each) in valued or (name, "*") in valued
                found[name, each] = "value" if is_value else "control"
    return found


def _valued(graph: Graph, node: str, column: str) -> set[ColumnRef]:
    """Give all columns whose values become a flow's, over any number of nodes."""
    columns = {(each.name, c.name): c for each in graph.nodes for c in each.columns}
    start = [(node, column)] if column else [ref for ref in columns if ref[0] == node]
    seen: set[ColumnRef] = set()
    while start:
        at = start.pop()
        if at not in seen:
            seen.add(at)
            wanted = [c for ref, c in columns.items() if ref[0] == at[0]] if at[1] == "*" else [columns.get(at)]
            start += [upper for each in wanted if each is not None for upper in each.values]
    return seen


def _upstream(graph: Graph, names: Sequence[str]) -> list[Node]:
    """Give nodes and all above them that have rows of their own or are asked for by name, in the graph's order."""
    nodes = {each.name: each for each in graph.nodes}
    seen: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += [each.node for each in nodes[name].inputs]
    return [each for each in graph.nodes if each.name in seen and (each.kind not in COMPUTED or each.name in names)]


class _Explaining:
    """Collects the ways of one flow, and what stands against it."""

    def __init__(self, workspace: Workspace, graph: Graph, bind: Bind, roles: Mapping[ColumnRef, Role]) -> None:
        self._graph, self._roles = graph, roles
        self._nodes = {each.name: each for each in graph.nodes}
        self._rules = {each.name: RuleTold.of(each) for each in graph.borders.policies}
        self._placing = placing_of(graph, bind)
        self._entries = last_entries(workspace.db, _MOST_ENTRIES, "exchange")
        self.refused: list[Diagnostic] = []

    def result(self, flow: str, at: str, nodes: Sequence[Node]) -> Explained:
        ways = [way for node in nodes for way in self._of_node(node)]
        behind = tuple(self._behind(source, column, role) for (source, column), role in sorted(self._roles.items()))
        refused = tuple(dict.fromkeys(self.refused))
        return Explained(flow=flow, at=at, behind=behind, ways=tuple(ways), refused=refused)

    def _behind(self, source: str, column: str, role: Role) -> Behind:
        node = self._nodes[source]
        said = next(each.class_ for each in node.columns if each.name == column)
        sites = node.source.sites if node.source else ()
        return Behind(source=source, column=column, role=role, class_=class_name(said), sites=sites)

    def _of_node(self, node: Node) -> Iterator[Way]:
        if node.source is not None or not remote_inputs(self._graph, node):
            return
        try:
            placed = self._placing.place(node.name)
        except Refused as refused:
            self.refused += refused.diagnostics
        else:
            yield from self.ways(node.name, placed) if placed else ()

    def ways(self, node: str, placed: Placed) -> Iterator[Way]:
        """Say what each site sends of what lies behind the flow; what stays at its site is no way."""
        for exchange in placed.exchanges:
            for read in exchange.reads:
                for sender, grant in read.grants.items():
                    to = tuple(each for each in exchange.to if each != sender)
                    if to and sender in exchange.senders:
                        yield self._way(node, exchange, read, sender, grant, to)

    def _way(self, node: str, exchange: Exchange, read: Read, sender: str, grant: Grant, to: tuple[str, ...]) -> Way:
        carried = {name for name, _ in read.columns} if grant.shape != "aggregate" else set()
        columns = [
            (column, _form(grant, column), role)
            for (source, column), role in sorted(self._roles.items())
            if source == read.relation and (not carried or column in carried)
        ]
        return Way(
            node=node,
            exchange=exchange.name,
            because=exchange.because,
            sender=sender,
            to=to,
            source=read.relation,
            columns=tuple(columns),
            rule=self._rules.get(grant.rule, RuleTold(name=grant.rule)) if grant.rule else None,
            last=self._last(node, exchange.name, sender, grant.rule),
        )

    def _last(self, node: str, exchange: str, sender: str, rule: str) -> AuditEntry | None:
        """Give the newest certificate: of this very exchange; else, since runs know more of sizes, of another way."""
        found = [
            each
            for each in self._entries
            if node
            and (each.document.get("node"), each.document.get("from")) == (node, sender)
            and (not rule or rule in (each.document.get("rules") or ()))
        ]
        same = [each for each in found if each.document.get("exchange") == exchange]
        return next(iter(same or found), None)


def _form(grant: Grant, column: str) -> str:
    """Give the form in which a column leaves by a grant."""
    if grant.shape == "free" or column not in grant.labels:
        return grant.shape
    shapes = {label.shape for label in grant.labels[column] if not is_public(frozenset({label}))}
    return next((form for form in _FORMS if form in shapes), "free")


def _traced(graph: Graph, bind: Bind, node: Node) -> Node:
    """Add to a node that stands for a query which columns its values and its rows are made of."""
    named = {each.node for each in node.inputs}
    inputs = {each.name: relation_of(each) for each in graph.nodes if each.name in named}
    try:
        found = analyse(parsed(node.query, graph.macros, bind), inputs, relation_of(node))
    except (Unclear, RecursionError) as why:
        found = opaque(node.query, inputs, relation_of(node), str(why))
    columns = [
        replace(each, values=_columns(found, part)) for each, part in zip(node.columns, found.parts, strict=True)
    ]
    return replace(node, columns=tuple(columns), controls=_columns(found, found.rows))


def _columns(found: Analysis, part: Part) -> tuple[ColumnRef, ...]:
    special = (ROWS, LIST)
    return tuple(each for each in found.of(part) if each[1] not in special and each[0] != PARAMETER)
