"""A query as somebody wrote it, judged as if a model at a place read it: what would move, or why that is refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from headwater.app.placing import placing_of
from headwater.diagnostics import Diagnostic, Invalid, Refused, Where, error, suggest
from headwater.graph.query_trees import relation_of, tree_of
from headwater.graph.values import Column, Graph, Input, Node
from headwater.placement.nodes import COMPUTED, Placing, remote_inputs
from headwater.placement.values import Placed
from headwater.policy.destinations import destinations_of
from headwater.policy.values import Grant
from headwater.spec.addresses import HUB, Version
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.text import literal
from headwater.sql.tree import Query, Unclear
from headwater.sql.uses import occurrences

_ITSELF: Final = "the query"
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query over sources and models, and who asks it."""

    text: str
    at: str = HUB
    """The site that asks."""
    through: Mapping[str, str] = field(default_factory=dict)
    """Source → the policy by which it is read."""
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of it."""

    node: Node
    """Stands for the query: its columns, and what it reads (nothing, if that is not understood)."""
    refused: tuple[Diagnostic, ...] = ()
    """Everything against it; empty: it is legal."""
    placed: Placed | None = None
    """What would move; None: it is refused, or reads nothing that lies elsewhere."""

    @property
    def is_legal(self) -> bool:
        """Whether nothing stands against it."""
        return not self.refused


def judge(graph: Graph, bind: Bind, asked: Asked) -> Judged:
    """Judge a query by the project's own rules; no site is asked. Raises Invalid (HW1287) if it is no such query."""
    placing = replace(placing_of(graph, bind), at=_site(graph, asked))
    node = _bound(graph, bind, asked)
    try:
        node = _reading(graph, node, tree_of(asked.text, _relations(graph), graph.macros, bind), asked)
        refused = tuple(_immovable(placing, node, asked))
        remote = remote_inputs(graph, node, placing.at)
        if refused or not remote:
            return Judged(node=node, refused=refused)
        return Judged(node=node, placed=placing.place_query(placing.tree(node), node, remote, asked.where))
    except Unclear as why:
        return Judged(node=node, refused=(_not_understood(str(why), asked.where),) if graph.borders.sites else ())
    except Refused as refusal:
        return Judged(node=node, refused=refusal.diagnostics)


def _site(graph: Graph, asked: Asked) -> str:
    known = [each.name for each in graph.borders.sites]
    if known and asked.at not in known:
        hint = suggest(asked.at[:100], known) or f"there are {', '.join(known)}"
        raise Invalid.of("HW1287", f"no site `{asked.at}` can ask", asked.where, hint=hint)
    return asked.at


def _bound(graph: Graph, bind: Bind, asked: Asked) -> Node:
    """Give a node with the query's columns; Invalid if the engine does not take it."""
    relations = _relations(graph)
    parameters = {name: literal(value) for name, value in graph.variables.items()} | {"now": literal(_SOME_TIME)}
    bound = bind(asked.text, relations, macros=graph.macros, parameters=parameters)
    if isinstance(bound, BindError):
        message = bound.message.strip().partition("\n")[0].strip()
        hint = suggest(bound.name[:100], relations) if bound.kind == "missing table" else ""
        raise Invalid.of("HW1287", f"this query cannot be asked: {message}", asked.where, hint=hint)
    return Node(
        name=_ITSELF,
        kind="full",
        version=Version(""),
        rows_address="",
        columns=tuple(Column(name=name, type=type_) for name, type_ in bound),
        query=asked.text,
        through=_through(graph, asked),
    )


def _through(graph: Graph, asked: Asked) -> dict[str, str]:
    known = {node.name.casefold(): node.name for node in graph.nodes}
    rules = {each.name for each in graph.borders.policies if each.relation}
    for relation, rule in asked.through.items():
        if relation.casefold() not in known:
            hint = suggest(relation[:100], known.values())
            raise Invalid.of("HW1287", f"there is no source or model `{relation}`", asked.where, hint=hint)
        if rule not in rules:
            hint = suggest(rule[:100], rules)
            raise Invalid.of("HW1287", f"there is no policy `{rule}` that ships", asked.where, hint=hint)
    return {known[relation.casefold()]: rule for relation, rule in asked.through.items()}


def _relations(graph: Graph) -> dict[str, Relation]:
    return {node.name: relation_of(node) for node in graph.nodes}


def _reading(graph: Graph, node: Node, query: Query, asked: Asked) -> Node:
    names = sorted({table.node for table in occurrences(query)})
    if not names:
        hint = "name a source or a model, such as `SELECT path FROM access_log`"
        raise Invalid.of("HW1287", "this query reads no source and no model", asked.where, hint=hint)
    unread = next((name for name in node.through if name not in _read(graph, names)), None)
    if unread is not None:
        hint = f"it reads {', '.join(f'`{name}`' for name in names)}"
        raise Invalid.of("HW1287", f"`through` names `{unread}`, which the query does not read", asked.where, hint=hint)
    return replace(node, inputs=tuple(Input(node=name, columns=("*",)) for name in names))


def _read(graph: Graph, names: Iterable[str]) -> dict[str, Node]:
    """Give what is read in the end: sources and tables, also through views."""
    nodes = {node.name: node for node in graph.nodes}
    found: dict[str, Node] = {}
    pending = list(names)
    while pending:
        node = nodes[pending.pop()]
        if node.kind in COMPUTED:
            pending += [each.node for each in node.inputs]
        else:
            found[node.name] = node
    return found


def _immovable(placing: Placing, node: Node, asked: Asked) -> Iterator[Diagnostic]:
    """Say which tables, all of which lie at the hub, may not go to whoever asks."""
    tables = [each for each in _read(placing.graph, [i.node for i in node.inputs]).values() if each.source is None]
    if placing.at == HUB or not tables:
        return
    to = placing.charter.places.get(placing.at, "")
    allowed = destinations_of(placing.graph, placing.charter, _used(placing))
    for table in tables:
        if to not in allowed[table.name]:
            message = f"rows of `{table.name}` lie at `{HUB}` and may not go to `{to}`"
            may = ", ".join(f"`{each}`" for each in sorted(allowed[table.name])) or "nowhere"
            hint = f"they may be in {may}; a rule on `{table.name}` with `to: [{to}]` and its `classes:` releases them"
            yield error("HW1232", message, asked.where, hint=hint)


def _used(placing: Placing) -> dict[tuple[str, str], list[Grant]]:
    """Give (model, source) → the grants by which the hub reads it; raises Refused if it may not."""
    hub = replace(placing, at=HUB)
    found: dict[tuple[str, str], list[Grant]] = {}
    for node in placing.graph.nodes:
        reads = node.source is None and node.kind not in COMPUTED and remote_inputs(placing.graph, node)
        placed = hub.place(node.name) if reads else None
        for exchange in placed.exchanges if placed else ():
            for read in exchange.reads:
                found.setdefault((node.name, read.relation), []).extend(read.grants.values())
    return found


def _not_understood(why: str, where: Where | None) -> Diagnostic:
    message = f"the query is not understood well enough to run at sites: {why}"
    return error("HW1299", message, where, hint="write that part otherwise; what is not certain is refused")
