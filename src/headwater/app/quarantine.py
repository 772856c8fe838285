"""Rows set aside: listed and shown through what an environment stands on, and looked at again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headwater.app.contexts import make_source, released_graph
from headwater.app.tombstones import erased_of, without_erased
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, suggest
from headwater.graph.address_sources import landing_address
from headwater.graph.values import Graph, Node
from headwater.project.names import shown
from headwater.run.engine import as_headwater_error
from headwater.spec.fills import Fill, StoredColumn
from headwater.spec.observations import Inspection, Item
from headwater.spec.releases import Head
from headwater.sql.text import quote_literal
from headwater.state.database import Database
from headwater.state.file_index import replace_inspections
from headwater.state.fills import known
from headwater.state.heads import read_head
from headwater.state.landings import known_rejects
from headwater.state.observations import last_observations
from headwater.state.quarantine import RejectCount, reject_counts, rejects

_KEPT = (StoredColumn("reason", "VARCHAR", "VARCHAR"), StoredColumn("payload", "VARCHAR", "VARCHAR"))
"""Columns of the file beside a fill."""


@dataclass(frozen=True, slots=True)
class RejectSummary:
    """How many rows a node set aside for one reason; positions are byte offsets, None where there are none."""

    node: str
    reason: str
    count: int
    first_position: int | None
    last_position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row set aside: of a source's file (``path``, ``line``, ``position``), or by a check of a model (``slot``)."""

    node: str
    reason: str
    payload: str
    path: str = ""
    line: int | None = None
    position: int | None = None
    column: str = ""
    message: str = ""
    slot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What looking again at a source's files with rows set aside has found."""

    node: str
    files: int
    rows_before: int
    """Rows set aside before."""
    rows_after: int
    """Rows set aside now."""

    @property
    def recovered(self) -> int:
        """Rows that belong to the source now; the next run fills the slots that they are in."""
        return max(0, self.rows_before - self.rows_after)


def list_rejects(workspace: Workspace, environment: str) -> tuple[RejectSummary, ...]:
    """Count, by node and reason, the rows set aside in the files and fills that an environment stands on."""
    db = workspace.db
    with db.read():
        head, graph = _released(workspace, environment)
        observed = _observed(workspace, environment)
        found: list[RejectSummary] = []
        for node in graph.nodes:
            if node.source is not None:
                counts = reject_counts(db, node.name, *_known_as(db, node, observed.get(node.name, ())))
                found += [RejectSummary(node.name, c.reason, c.count, *_positions(c)) for c in counts]
        fills = {node.name: _fills_with_rejects(workspace, head, node) for node in graph.nodes}
    for name, kept in fills.items():
        found += _count_kept(workspace, name, kept)
    return tuple(found)


def show_rejects(
    workspace: Workspace, environment: str, node: str, limit: int = 20, *, reason: str | None = None
) -> tuple[Reject, ...]:
    """Show rows that a node set aside, at most ``limit``, in the order of their files or slots."""
    with workspace.db.read():
        head, graph = _released(workspace, environment)
        each = _node(graph, node)
        if each.source is None:
            kept = _fills_with_rejects(workspace, head, each)
        else:
            contract, identities = _known_as(workspace.db, each, _observed(workspace, environment).get(each.name, ()))
            rows = rejects(workspace.db, each.name, contract, identities, limit, reason=reason)
            return tuple(
                Reject(
                    node=each.name,
                    reason=row.reason,
                    payload=row.payload,
                    path=row.path,
                    line=row.line,
                    position=row.position if row.position >= 0 else None,
                    column=row.column,
                    message=row.message,
                )
                for row in rows
            )
    return tuple(_show_kept(workspace, each.name, kept, limit, reason))


def replay(workspace: Workspace, environment: str, node: str) -> Replayed:
    """Look again, as of now, at a source's files with rows set aside: what lay in the future may belong to it today.

    Files that changed or vanished since are left to the next run.
    """
    db, now = workspace.db, workspace.effects.clock()
    with db.read():
        _, graph = _released(workspace, environment)
        each = _node(graph, node)
        if each.source is None:
            hint = f"rows of `{each.name}` come back when its checks or its inputs change: the next run sees to it"
            raise Invalid.of("HW0565", f"`{each.name}` is not a source: there is no file to read again", hint=hint)
        if each.source.land:
            hint = "mend them where they come from: what is new there is landed by the next run"
            message = f"rows of `{each.name}` were set aside when they were landed: there is no file to read again"
            raise Invalid.of("HW0565", message, hint=hint)
        items = _observed(workspace, environment).get(each.name, {})
        counts = {i.identity: _set_aside(workspace, each, [i.identity]) for i in items}
    source = make_source(each, workspace.root, workspace.store)
    source = without_erased({each.name: source}, erased_of(db, workspace.settings.home, graph))[each.name]
    wanted = {item: site for item, site in items.items() if counts[item.identity]}
    changed = set(source.changed(wanted))
    fresh: list[Inspection] = []
    for site in sorted(set(wanted.values())):
        again = [item for item, at in wanted.items() if at == site and item.path not in changed]
        try:
            with workspace.engine.session() as session:
                fresh += source.inspect(session.connection, again, site, now)
        except Exception as problem:
            raise as_headwater_error(problem, f"source `{each.name}`") from problem
    replace_inspections(db, each.rows_address, each.name, fresh, now, indexed=source.needs_inspection)
    before = sum(counts[found.identity] for found in fresh)
    after = _set_aside(workspace, each, [found.identity for found in fresh])
    return Replayed(node=each.name, files=len(fresh), rows_before=before, rows_after=after)


def _known_as(db: Database, node: Node, items: Iterable[Item]) -> tuple[str, list[str]]:
    """Give the contract and identities by which a source's rows set aside are known."""
    if node.source is not None and node.source.land:
        location = landing_address(node)
        return location, sorted(known_rejects(db, location))
    return node.rows_address, [item.identity for item in items]


def _set_aside(workspace: Workspace, node: Node, identities: Iterable[str]) -> int:
    return sum(c.count for c in reject_counts(workspace.db, node.name, node.rows_address, identities))


def _released(workspace: Workspace, environment: str) -> tuple[Head, Graph]:
    head = read_head(workspace.db, environment)
    return head, released_graph(workspace.db, environment, head.code)


def _observed(workspace: Workspace, environment: str) -> dict[str, dict[Item, str]]:
    """Source → item → site, as the environment last saw them."""
    found: dict[str, dict[Item, str]] = {}
    for (source, site), observation in last_observations(workspace.db, environment).items():
        found.setdefault(source, {}).update(dict.fromkeys(observation.items, site))
    return found


def _node(graph: Graph, name: str) -> Node:
    found = next((node for node in graph.nodes if node.name.casefold() == name.casefold()), None)
    if found is None:
        hint = suggest(name[:100], [node.name for node in graph.nodes])
        raise Invalid.of("HW0564", f"there is no node `{shown(name)}`", hint=hint)
    return found


def _positions(count: RejectCount) -> tuple[int | None, int | None]:
    first, last = count.first_position, count.last_position
    return (first if first >= 0 else None), (last if last >= 0 else None)


def _fills_with_rejects(workspace: Workspace, head: Head, node: Node) -> list[Fill]:
    """Fills of the head beside which rows are kept; only nodes with such checks are looked at."""
    if node.name not in head.nodes or not any(check.scope == "row" for check in node.checks):
        return []
    fills = known(workspace.db, [entry.fill for entry in head.entries_of(node.name).values()])
    return sorted((fill for fill in fills.values() if fill.rejects_file), key=lambda fill: fill.slot)


def _count_kept(workspace: Workspace, node: str, fills: list[Fill]) -> Iterator[RejectSummary]:
    if not fills:
        return
    rows = workspace.store.relation(_KEPT, [_path(workspace, fill) for fill in fills])
    with workspace.engine.session() as session:
        query = f"SELECT reason, count(*) FROM ({rows}) AS kept GROUP BY reason ORDER BY 2 DESC, 1"
        for reason, count in session.rows(query):
            yield RejectSummary(node, reason, count, None, None)


def _show_kept(workspace: Workspace, node: str, fills: list[Fill], limit: int, reason: str | None) -> Iterator[Reject]:
    where = f" WHERE reason = {quote_literal(reason)}" if reason is not None else ""
    left = limit
    with workspace.engine.session() as session:
        for fill in fills:
            if left <= 0:
                return
            rows = workspace.store.relation(_KEPT, [_path(workspace, fill)])
            found = session.rows(f"SELECT reason, payload FROM ({rows}) AS kept{where} LIMIT {left}")
            left -= len(found)
            for why, payload in found:
                yield Reject(node=node, reason=why, payload=payload, slot=fill.slot)


def _path(workspace: Workspace, fill: Fill) -> str:
    return workspace.store.path(fill.node, fill.version, fill.rejects_file)
