"""Erases somebody, step by step; whatever interrupts it, asking for the same again completes it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from headwater.app.contexts import context_of, make_source
from headwater.app.erasing.finding import Place, lake_files_with, texts_with
from headwater.app.erasing.planning import Erasure, is_proved, kept_fills, rows_set_aside
from headwater.app.erasing.subjects import Subject, released_graphs
from headwater.app.outcomes import Outcome
from headwater.app.planning import plan_with
from headwater.app.running import run
from headwater.app.tombstones import erasure_key, place
from headwater.app.workspace import Workspace
from headwater.connect.sources import ScanItem
from headwater.diagnostics import Conflict, Diagnostic, Invalid, error
from headwater.graph.values import TABLE_KINDS, Graph, Node
from headwater.plan.knowledge import Options
from headwater.run.engine import as_headwater_error
from headwater.run.erasing import Erased, ErasedColumn, matches, setup_of
from headwater.run.leasing import hold
from headwater.run.packs.compacting import Limits, Packing, move_out
from headwater.run.reclaiming import BUILD, USE, finish_condemned, tidy_packs
from headwater.spec.fills import Fill
from headwater.spec.orders import Order
from headwater.state.erasures import (
    finish_erasure,
    forget_set_aside,
    note_items,
    set_tombstones,
    unserved_fills,
)
from headwater.state.fills import condemned, record, recorded
from headwater.state.janitor import condemn
from headwater.state.leases import live_leases
from headwater.state.shredding import shred

_AT_WORK = (f"{USE}:", f"{BUILD}:", "apply:", "run:")
_MESSAGE = "somebody was erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where the values of those who were erased were looked for, and where they are still found."""

    files: tuple[Place, ...] = ()
    texts: tuple[Place, ...] = ()
    is_whole: bool = True
    """False: some values are so short, or plain numbers, that texts could not be searched for them."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.files and not self.texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """What an erasure did."""

    erasure: Erasure
    files: int
    """Files of sources in which rows are left out from now on."""
    rows: int
    """These rows."""
    fills: int
    """Fills that were deleted."""
    set_aside: int
    releases: tuple[str, ...]
    proof: Proof
    diagnostics: tuple[Diagnostic, ...] = ()


Step = Callable[[str], None]
"""Is told the name of each step before it begins."""


def _unwatched(step: str) -> None:
    del step


def erase(workspace: Workspace, erasure: Erasure, *, wait_s: float = 0.0, step: Step = _unwatched) -> Erasing:
    """Erase somebody from all environments: tombstone, look into files, fill anew, delete, prove.

    Raises Invalid if the plan has refusals, or something could not be filled without the subject; Conflict if somebody
    else is at work. Asking again completes what was interrupted.
    """
    if erasure.refusals:
        raise Invalid.from_all(list(erasure.refusals))
    effects = workspace.effects
    holder = f"{workspace.user}:{effects.token()}"
    with hold(workspace.db, ["erase"], holder, clock=effects.clock, sleep=effects.sleep, wait_s=wait_s):
        return _erase(workspace, erasure, wait_s, step)


def prove(workspace: Workspace, erasure: Erasure) -> Proof:
    """Look into every file of the lake and every text of the state for the values."""
    files = lake_files_with(workspace, erasure.subjects)
    texts = texts_with(workspace, erasure.subjects)
    return Proof(files=tuple(files), texts=tuple(texts), is_whole=is_proved(erasure))


def _erase(workspace: Workspace, erasure: Erasure, wait_s: float, step: Step) -> Erasing:
    db, now = workspace.db, workspace.effects.clock()
    secret = erasure_key(workspace.settings.home, make=True)
    stones = [subject.tombstone(secret) for subject in erasure.subjects]
    step("tombstone")
    set_tombstones(db, stones, now, workspace.user)
    step("idle")
    _require_idle(workspace)
    graphs = released_graphs(workspace)
    step("look")
    items = _look(workspace, graphs, erasure.subjects, secret)
    keys = rows_set_aside(workspace, list(graphs.values()), erasure.subjects)
    # A row set aside may be one that an exact parser has read after all: its file counts as one that holds the subject.
    note_items(db, [*items, *((stone.id, identity, 0) for stone in stones for _, identity, *_ in keys)])
    releases = []
    for environment, graph in graphs.items():
        step(f"fill {environment}")
        releases += _fill(workspace, environment, graph, erasure.nodes, wait_s)
    step("require")
    for environment in graphs:
        _require_filled(workspace, environment, erasure.nodes)
    step("delete")
    fills = delete_unserved(workspace, erasure.nodes, step=step)
    step("purge")
    aside = forget_set_aside(db, keys)
    step("shred")
    shred(db)
    step("prove")
    proof = prove(workspace, erasure)
    found = [_remains(each) for each in (*proof.files, *proof.texts)]
    if not found:
        step("finish")
        finish_erasure(db, [stone.id for stone in stones], fills, workspace.effects.clock(), workspace.user)
    return Erasing(
        erasure=erasure,
        files=len({identity for _, identity, _ in items}),
        rows=sum(rows for *_, rows in items),
        fills=fills,
        set_aside=aside,
        releases=tuple(releases),
        proof=proof,
        diagnostics=tuple(found),
    )


def _remains(found: Place) -> Diagnostic:
    message = f"`{found.where}` still holds the value ({found.count} times)"
    hint = "see what it belongs to; the erasure is done once `headwater erase` finds nothing"
    return error("HW1318", message, hint=hint)


def _require_idle(workspace: Workspace) -> None:
    """Who began before the tombstone stood could still bring rows in."""
    busy = sorted(n for n in live_leases(workspace.db, workspace.effects.clock()) if n.startswith(_AT_WORK))
    if busy:
        hint = "wait until it has ended, and erase again: the tombstone stands, so that nothing new brings rows in"
        raise Conflict.of("HW1316", "a run or an apply that began before is still at work", hint=hint)


def _look(
    workspace: Workspace, graphs: dict[str, Graph], subjects: Sequence[Subject], secret: bytes
) -> list[tuple[str, str, int]]:
    """Find the files that hold rows of the subjects: (tombstone, identity, rows)."""
    found: dict[tuple[str, str], int] = {}
    nodes = {node.version: node for graph in graphs.values() for node in graph.nodes if node.source is not None}
    for node in nodes.values():
        own = [each for each in subjects if each.place == place(node) or each.source == node.name]
        for tombstone, identity, rows in _look_into(workspace, node, own, secret) if own else ():
            found[tombstone, identity] = max(rows, found.get((tombstone, identity), 0))
    return [(*key, rows) for key, rows in sorted(found.items())]


def _look_into(
    workspace: Workspace, node: Node, subjects: Sequence[Subject], secret: bytes
) -> Iterator[tuple[str, str, int]]:
    assert node.source is not None  # noqa: S101 - asked by the caller
    source = make_source(node, workspace.root, workspace.store)
    filters = [subject.filter(secret) for subject in subjects]
    for site in node.source.sites:
        for item in source.observe(site)[0]:
            try:
                with workspace.engine.session(node.timezone) as session:
                    scan = source.scan([ScanItem(item=item, site=site)])
                    for statement in (*setup_of(Erased(columns=(), secret=secret)), *scan.setup):
                        session.run(statement)
                    counts = ", ".join(f"count(*) FILTER (WHERE {matches(each)})" for each in filters)
                    (found,) = session.rows(f"SELECT {counts} FROM ({scan.sql}) AS rows_of_file")
            except Exception as problem:
                raise as_headwater_error(problem, f"source `{node.name}`") from problem
            yield from _met(item.identity, filters, found)


def _met(identity: str, filters: Sequence[ErasedColumn], counts: Sequence[int]) -> Iterator[tuple[str, str, int]]:
    for column, count in zip(filters, counts, strict=True):
        if count:
            yield column.hashes[0], identity, count


def _fill(workspace: Workspace, environment: str, graph: Graph, nodes: frozenset[str], wait_s: float) -> list[str]:
    """Fill what stands on files that held the subject, and anew all that would not be due by that."""
    sources = sorted({each.node for node in graph.nodes if node.name in nodes for each in node.inputs} - nodes)
    begin = [node.name for node in graph.nodes if node.source is not None and node.name in sources]
    orders = [Order(environment=environment, start_from=tuple(begin), release_holds=True, message=_MESSAGE)]
    resting = _resting(graph, nodes)
    if resting:
        orders.append(replace(orders[0], start_from=tuple(resting), again=True))
    found = []
    for order in orders if begin else ():
        outcome = run(workspace, replace(order, because="erasure"), wait_s=wait_s)
        _require_done(environment, outcome)
        found += [outcome.release.id] if outcome.release else []
    return found


def _resting(graph: Graph, nodes: frozenset[str]) -> list[str]:
    """Tables with slots that what they read as of the run does not make due."""
    return [
        node.name
        for node in graph.nodes
        if node.name in nodes
        and node.kind == "incremental"
        and any(not i.moving and _is_of(graph, i.node, nodes) for i in node.inputs)
    ]


def _is_of(graph: Graph, name: str, nodes: frozenset[str]) -> bool:
    return name in nodes or any(node.name == name and node.source is not None for node in graph.nodes)


def _require_done(environment: str, outcome: Outcome) -> None:
    if outcome.exit_code:
        message = f"`{environment}` could not be filled without the subject: what it serves still holds them"
        hint = "mend what is said above, and erase again: it goes on where it stopped"
        raise Invalid.from_all([*outcome.diagnostics, error("HW1315", message, hint=hint)])


def _require_filled(workspace: Workspace, environment: str, nodes: frozenset[str]) -> None:
    """Nothing that an environment serves may stand on what was there before."""
    graph = released_graphs(workspace)[environment]
    plan = plan_with(context_of(workspace, graph, environment), Options(release_holds=True), lands=False).plan
    left = {
        name: each.due + len(each.ignored) + len(each.held)
        for name, each in plan.nodes.items()
        if name in nodes and each.node.kind in TABLE_KINDS and (each.due or each.ignored or each.held)
    }
    if left:
        shown = ", ".join(f"`{name}` ({count})" for name, count in sorted(left.items()))
        hint = "`headwater status` says why they are not filled; then erase again"
        raise Invalid.of("HW1315", f"slots in `{environment}` still stand on the subject: {shown}", hint=hint)


def _every(fill: Fill) -> bool:
    del fill
    return True


def delete_unserved(
    workspace: Workspace, nodes: frozenset[str], goes: Callable[[Fill], bool] = _every, step: Step = _unwatched
) -> int:
    """Condemn what no environment serves of tables and what ``goes``, and delete it, packs and lost attempts included.

    Raises Conflict if somebody has some of it in use.
    """
    db, store, now = workspace.db, workspace.store, workspace.effects.clock()
    lost = [*store.unlisted(now, lambda ids: recorded(db, ids) | {fill.id for fill in condemned(db)})]
    with db.write():
        record(db, [fill for fill in lost if fill.node in nodes])
        gone = [fill for fill in unserved_fills(db, nodes) if goes(fill)]
        condemn(db, [fill.id for fill in gone])
    stay = recorded(db, [fill.id for fill in gone])
    if stay:
        hint = "wait until it has ended, or delete the saved plan; then erase again"
        raise Conflict.of("HW1316", f"somebody has {len(stay)} fills in use that must go", hint=hint)
    step("packs")
    touched = {fill.pack.id for fill in gone if fill.pack}
    _move_out(workspace, [f for f in kept_fills(workspace, nodes) if f.pack and f.pack.id in touched])
    step("files")
    finish_condemned(db, store)
    tidy_packs(db, store, now + timedelta(seconds=1))
    store.delete_files(store.orphans(now))
    return len(gone)


def _move_out(workspace: Workspace, left: Sequence[Fill]) -> None:
    effects, staying = workspace.effects, recorded(workspace.db, [fill.id for fill in left])
    by_node: dict[str, list[Fill]] = {}
    for fill in left:
        if fill.id in staying:
            by_node.setdefault(fill.node, []).append(fill)
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    for fills in by_node.values():
        move_out(
            Packing(
                db=workspace.db,
                store=workspace.store,
                engine=workspace.engine,
                limits=Limits(),
                environment="",
                by=workspace.user,
                clock=effects.clock,
                sleep=effects.sleep,
                token=effects.token,
            ),
            fills,
        )
