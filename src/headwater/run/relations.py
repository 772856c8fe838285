"""Gives every name of a task's query its meaning in a session: scans, fills, views, each clipped in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headwater.connect.sources import ScanItem, Source
from headwater.connect.stores import Store
from headwater.graph.values import Graph, Node
from headwater.run.engine import Session
from headwater.run.packs.reading import Part, part_select, parts_of
from headwater.spec.fills import Fill, StoredColumn
from headwater.spec.observations import Inspection, SetAside
from headwater.sql.macros import name_of, relevant
from headwater.sql.text import bind_parameters, literal, quote_identifier, quote_relation, time_literal
from headwater.tasks.values import Relation, Task

_VIEW = "hw view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What tasks find around them: the code, where rows lie, and what is known of them."""

    graph: Graph
    store: Store
    sources: Mapping[str, Source]
    inspections: Mapping[str, Mapping[str, Inspection]]
    """source → identity → what its inspection found."""
    fills: Mapping[str, Fill]
    """Fill id → manifest, for every fill that a task may read."""
    nodes: Mapping[str, Node] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", {node.name: node for node in self.graph.nodes})

    def node(self, name: str) -> Node:
        """Give a node by its name."""
        return self.nodes[name]


@dataclass(frozen=True, slots=True)
class Scanned:
    """A source's items as they were put before a session, for its rejects and the check that they stayed the same."""

    source: str
    items: tuple[ScanItem, ...]


def define(
    session: Session,
    relations: Sequence[Relation],
    around: Surroundings,
    now: Mapping[str, str],
    recovered: Mapping[str, Sequence[SetAside]] | None = None,
) -> list[Scanned]:
    """Define all relations in the session; ``now`` holds SQL literals of the parameters that every query may use."""
    scanned: list[Scanned] = []
    for relation in relations:
        if relation.kind == "view":
            scanned += _define_view(session, relation, around, now, recovered)
            continue
        if relation.kind == "source":
            select, found = _source(session, relation, around, recovered or {})
            scanned.append(found)
        else:
            select = table_select(around, relation)
        _create(session, relation.name, select + clip(relation))
    return scanned


def query_of(node: Node, graph: Graph, now: Mapping[str, str], task: Task | None = None) -> str:
    """Give a node's query with all parameters bound to literals."""
    return bind_parameters(node.query, values_of(node, graph, now, task))


def values_of(node: Node, graph: Graph, now: Mapping[str, str], task: Task | None = None) -> dict[str, str]:
    """Give the literals that take the place of parameters in a node's query."""
    values = {name: literal(value) for name, value in graph.variables.items()} | dict(now)
    if task is not None and task.interval is not None and node.time is not None:
        for name, at in zip(("start", "end"), task.interval, strict=True):
            values[name] = time_literal(at, node.time.type, node.time.timezone)
    return values


def create_macros(session: Session, graph: Graph, queries: Sequence[str], now: Mapping[str, str]) -> None:
    """Create the macros that these queries may call, with their parameters bound."""
    values = {name: literal(value) for name, value in graph.variables.items()} | dict(now)
    for statement in macros_of(graph, queries):
        session.run(bind_parameters(statement, values))


def macros_of(graph: Graph, queries: Sequence[str]) -> list[str]:
    """Give the macros that queries may call, each after those it calls; others may read tables that are not here."""
    statements = {name_of(statement): statement for statement in graph.macros}
    used = {name for query in queries for name in relevant(query, statements)}
    return [statement for name, statement in statements.items() if name in used]


def clip(relation: Relation) -> str:
    """Give the WHERE clause that keeps a relation within its interval."""
    if relation.interval is None or relation.time is None:
        return ""
    cut = relation.time
    column = quote_identifier(cut.column)
    start, end = (time_literal(at, cut.type, cut.timezone) for at in relation.interval)
    return f" WHERE {column} >= {start} AND {column} < {end}"


def table_select(around: Surroundings, relation: Relation) -> str:
    """Give a SELECT over the fills of a table."""
    return fills_select(around, relation.name, relation.fills)


def fills_select(around: Surroundings, name: str, ids: Sequence[str]) -> str:
    """Give a SELECT over some fills of a node."""
    return select_of(around, around.node(name), [around.fills[fill] for fill in ids])


def select_of(around: Surroundings, node: Node, fills: Sequence[Fill]) -> str:
    """Give a SELECT over fills of a node, with the node's columns.

    After forward changes a table holds fills of several schemas: a column that a fill lacks is NULL there.
    """
    wanted = around.store.stored_columns([(c.name, c.type) for c in node.columns])
    parts = [
        f"SELECT {_widened(part.columns, wanted)} FROM ({part_select(around.store, part)}) AS fills"
        for part in (parts_of(around.store, fills) if fills else [Part(wanted, [])])
    ]
    return " UNION ALL ".join(parts) if len(parts) == 1 else f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS fills"


def _widened(columns: Sequence[StoredColumn], wanted: Sequence[StoredColumn]) -> str:
    types = {column.name: column.type for column in columns}
    if [(c.name, c.type) for c in columns] == [(c.name, c.type) for c in wanted]:
        return "*"
    return ", ".join(
        quote_identifier(each.name)
        if types.get(each.name) == each.type
        else f"CAST({quote_identifier(each.name) if each.name in types else 'NULL'} AS {each.type})"
        f" AS {quote_identifier(each.name)}"
        for each in wanted
    )


def _source(
    session: Session, relation: Relation, around: Surroundings, recovered: Mapping[str, Sequence[SetAside]]
) -> tuple[str, Scanned]:
    known = around.inspections.get(relation.name, {})
    again = recovered.get(relation.name, ())
    items = []
    for site, item in relation.items:
        inspection = known.get(item.identity)
        rows = [r for r in (inspection.set_aside if inspection else ()) if r.recovered]
        rows += [r for r in again if r.identity == item.identity]
        bound = inspection.not_after if inspection else None
        items.append(ScanItem(item=item, site=site, not_after=bound, recovered=tuple(rows)))
    scan = around.sources[relation.name].scan(items)
    for statement in scan.setup:
        session.run(statement)
    return f"SELECT * FROM ({scan.sql}) AS rows_of_source", Scanned(relation.name, tuple(items))


def _define_view(
    session: Session,
    relation: Relation,
    around: Surroundings,
    now: Mapping[str, str],
    recovered: Mapping[str, Sequence[SetAside]] | None,
) -> list[Scanned]:
    # What a view reads may be clipped otherwise than what its reader reads under the same name: a scope of its own.
    outer, inner = session.name, session.attach()
    session.use(inner)
    inside = Session(session.connection, inner)
    node = around.node(relation.name)
    scanned = define(inside, relation.inputs, around, now, recovered)
    session.attached += inside.attached
    create_macros(inside, around.graph, [node.query], now)
    # A view finds unqualified names in its own schema first: its text is kept in `main`, where tables stand, too.
    inside.run(f"CREATE VIEW {quote_identifier(_VIEW)} AS {query_of(node, around.graph, now)}")
    session.use(outer)
    _create(session, relation.name, f"SELECT * FROM {quote_identifier(inner)}.{quote_identifier(_VIEW)}")
    return scanned


def _create(session: Session, name: str, select: str) -> None:
    schema, _, _ = name.rpartition(".")
    if schema:
        session.run(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
    session.run(f"CREATE VIEW {quote_relation(name)} AS {select}")
