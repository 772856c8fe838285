"""Plans an environment: what is, what should be, and the difference."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from headwater.app.contexts import context_of, previous_graph, sites_of
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, Where, has_errors, warning
from headwater.graph.column_changes import column_changes
from headwater.graph.selection import select as select_nodes
from headwater.graph.values import Graph
from headwater.plan.knowledge import Options
from headwater.plan.values import Beside, Plan, PlannedCrossing
from headwater.run.context import Context
from headwater.run.cycle import Planned, observe_all, plan_from
from headwater.run.discovering import news
from headwater.run.landing.extracting import land_all, pending
from headwater.run.moving import note_nothing_due
from headwater.state.heads import read_head


def make_plan(workspace: Workspace, graph: Graph, environment: str) -> Plan:
    """Plan the application of a graph to an environment; nothing changes."""
    context = replace(context_of(workspace, graph, environment), sites=sites_of(workspace, graph, is_estimated=True))
    planned = plan_with(context, Options(), lands=False)
    note_nothing_due(workspace.db, planned.plan)
    return replace(
        planned.plan,
        crossings=tuple(_crossings(context, planned.plan)),
        beside=_beside(context, planned.plan),
        diagnostics=(
            *planned.plan.diagnostics,
            *_refusals(planned.plan),
            *_ignored(planned.plan),
            *_left_behind(planned.plan),
        ),
    )


def _crossings(context: Context, plan: Plan) -> Iterator[PlannedCrossing]:
    """Say what sites will send for the nodes that are computed."""
    if context.sites is None:
        return
    from headwater.app.placing import crossings_of

    for name, each in plan.nodes.items():
        placed = context.sites.placed(each.node) if each.build else None
        if placed is not None:
            yield from crossings_of(name, placed)


def _beside(context: Context, plan: Plan) -> Beside | None:
    """Say what would move if what is read were copied."""
    if context.sites is None:
        return None
    from headwater.app.placing import beside

    return beside(plan.graph, [name for name, each in plan.nodes.items() if each.build], context.sites.held)


def _refusals(plan: Plan) -> list[Diagnostic]:
    """Say before an apply what would refuse it: new code that needs files which are gone (``on_vanish: keep``)."""
    return [
        warning(
            "HW0544",
            f"{len(each.stuck)} of the slots of `{name}` stand on files that are gone: an apply is refused",
            hint="bring the files back, or leave the model as it was",
        )
        for name, each in plan.nodes.items()
        if each.is_new and each.stuck
    ]


def _ignored(plan: Plan) -> list[Diagnostic]:
    """Say which slots would be filled again, were it not for ``on_restate: ignore``."""
    return [
        warning(
            "HW0546",
            f"`{name.partition('@')[0]}` keeps {_slots(each.ignored)} whose inputs have moved",
            Where(each.node.file, each.node.line),
            hint="`on_restate: ignore` asks for it",
        )
        for name, each in plan.nodes.items()
        if each.ignored
    ]


def _left_behind(plan: Plan) -> list[Diagnostic]:
    """Say which chains lose their links: what these saw may be nowhere else."""
    gone = [name for name in plan.dropped if name not in plan.nodes]
    anew = [name for name, each in plan.nodes.items() if each.head_version and each.moves and not each.continues]
    links = {name: sum(slot.startswith("#") for _, slot in plan.head.entries_of(name)) for name in (*gone, *anew)}
    return [
        warning(
            "HW0272",
            f"`{name.partition('@')[0]}` {'begins anew' if name in anew else 'goes'}: what it has seen until now"
            f" ({count} link{'s' if count > 1 else ''}) stays behind",
            hint="a rollback brings it back, as long as `keep` lets it; a chain keeps its past under its own name,"
            " key and kind, without `on_change: rebuild`",
        )
        for name, count in links.items()
        if count
    ]


def _slots(keys: Collection[object]) -> str:
    return f"{len(keys)} slot{'s' if len(keys) > 1 else ''}"


def plan_with(context: Context, options: Options, *, lands: bool = True) -> Planned:
    """Observe everything and plan against the head as it is now; ``lands``: what is new at sources is landed first."""
    found = land_all(context, options.selected) if lands else ()
    head = read_head(context.db, context.environment)
    previous = partial(previous_graph, context.db, head.code)
    observed = observe_all(context)
    observed = replace(
        observed,
        diagnostics=(*found, *observed.diagnostics),
        landing={} if lands else pending(context.graph, context.sources, context),
    )
    plan = plan_from(context, head, observed, previous, options)
    served = previous() if plan.changes_code else plan.graph
    changes = column_changes(served, plan.graph) if served and plan.changes_code else ()
    plan = replace(plan, columns=changes, diagnostics=(*plan.diagnostics, *news(context.db, context.graph, served)))
    return Planned(context=context, observed=observed, plan=plan, previous=previous, options=options)


def selected_names(graph: Graph, patterns: Sequence[str], changed: frozenset[str]) -> frozenset[str] | None:
    """Give the nodes that patterns select, None without patterns; raises Invalid for one that finds nothing."""
    if not patterns:
        return None
    names, found = select_nodes(graph, patterns, changed)
    if has_errors(found):
        raise Invalid.from_all(found)
    return frozenset(names)
