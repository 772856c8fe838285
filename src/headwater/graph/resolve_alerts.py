"""Alerts against the graph: what each tells whom; names that do not exist and alerts that nobody can get are told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, error, suggest, warning
from headwater.graph.selection import select
from headwater.graph.values import AlertNode, Graph, Node, SinkNode
from headwater.project.names import place_problem, shown
from headwater.spec.alerts import OF_NODES, OF_PIPELINES, Alert
from headwater.spec.project import Project
from headwater.spec.quality import parse_within

_MOST: Final = 100.0
_FEWEST_SLOTS: Final = 2
_DEADLINES: Final = frozenset({"deadline_at_risk", "deadline_missed"})
_REFERENCE: Final = "${"
_OPEN_SCHEMES: Final = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})


def resolve_alerts(project: Project, graph: Graph) -> tuple[tuple[AlertNode, ...], list[Diagnostic]]:
    """Resolve all alerts, a project's and its pipelines'; ``graph`` has its nodes, sinks and pipelines."""
    known = _Known.of(project, graph)
    written = [_Written(name, alert) for name, alert in project.alerts.items()]
    for pipeline in project.pipelines.values():
        written += [_Written(f"{pipeline.name}.{name}", each, pipeline.name) for name, each in pipeline.alerts.items()]
    found = [problem for each in written for problem in _problems(each, known)]
    return tuple(_node(each) for each in written), found


@dataclass(frozen=True, slots=True)
class _Written:
    """An alert, and the pipeline that it stands in."""

    name: str
    alert: Alert
    pipeline: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What an alert may name."""

    graph: Graph
    owners: frozenset[str]
    tags: frozenset[str]
    pipelines: frozenset[str]
    environments: frozenset[str]
    with_deadline: frozenset[str]
    """Pipelines that have one."""

    @classmethod
    def of(cls, project: Project, graph: Graph) -> "_Known":
        members: tuple[Node | SinkNode, ...] = (*graph.nodes, *graph.sinks)
        owners = {each.owner for each in members} | {each.owner for each in graph.pipelines}
        return cls(
            graph=graph,
            owners=frozenset(filter(None, owners)),
            tags=frozenset(tag for each in members for tag in each.tags),
            pipelines=frozenset(each.name for each in graph.pipelines),
            environments=frozenset(project.environments),
            with_deadline=frozenset(each.name for each in graph.pipelines if each.deadline),
        )


def _problems(written: _Written, known: _Known) -> Iterator[Diagnostic]:
    yield from _empty(written)
    yield from _unknown(written, known)
    yield from _limits(written.alert)
    yield from _unreachable(written, known)
    yield from _open_secrets(written.alert)


def _empty(written: _Written) -> Iterator[Diagnostic]:
    alert, name = written.alert, written.name.rpartition(".")[2]
    if written.pipeline and (problem := place_problem(name)):
        yield error("HW0114", f"the alert name `{shown(name)}` {problem}", alert.at.where, hint="choose another name")
    for key, values, hint in (
        ("on", alert.on, "say of what it tells, such as `on: [run_failed, check_failed]`"),
        ("to", alert.to, "say where to, such as `to: ${env:SLACK_URL}`"),
    ):
        if not values or not all(value.strip() for value in values):
            yield error("HW1060", f"the alert `{written.name}` has nothing in `{key}`", alert.at.of(key), hint=hint)


def _unknown(written: _Written, known: _Known) -> Iterator[Diagnostic]:
    only, at = written.alert.only, written.alert.at
    for key, names, all_known in (
        ("owner", only.owner, known.owners),
        ("pipelines", only.pipelines, known.pipelines),
        ("tags", only.tags, known.tags),
        ("environments", only.environments, known.environments),
    ):
        for index, name in enumerate(names):
            if name not in all_known:
                # An environment may be made later, after a template.
                report = warning if key == "environments" else error
                hint = suggest(name[:100], all_known) or _listed(all_known)
                message = f"no {_WORD[key]} `{shown(name)}`"
                yield report("HW1061", message, at.of(f"only.{key}.{index}"), hint=hint, length=len(name) or 1)
    for index, pattern in enumerate(only.nodes):
        yield from select(known.graph, [pattern], where=at.of(f"only.nodes.{index}"))[1]


_WORD: Final = {
    "owner": "node or pipeline has the owner",
    "pipelines": "pipeline",
    "tags": "node has the tag",
    "environments": "environment",
}


def _listed(names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names)[:8])
    return f"there are {listed}" if listed else "there is none"


def _limits(alert: Alert) -> Iterator[Diagnostic]:
    if not 0 < alert.score_fell.below <= _MOST:
        message = "`below` must be more than 0 and at most 100"
        yield error("HW1062", message, alert.at.of("score_fell.below"), hint="such as `below: 90`")
    if alert.volume_anomaly.over < _FEWEST_SLOTS:
        message = f"`over` must be at least {_FEWEST_SLOTS}"
        yield error("HW1062", message, alert.at.of("volume_anomaly.over"), hint="such as `over: 14`")
    for path, text in (
        ("volume_anomaly.within", alert.volume_anomaly.within),
        ("quarantine_grew.by", alert.quarantine_grew.by),
    ):
        try:
            unit = parse_within(text)[1]
        except ValueError as problem:
            yield error("HW1062", str(problem), alert.at.of(path), hint="such as `3 sigma` or `20%`")
        else:
            if path.endswith("by") and unit != "percent":
                yield error("HW1062", "`by` must be a percentage", alert.at.of(path), hint="such as `1%`")
    if not alert.silence.for_:
        yield error("HW1062", "`for` must be longer", alert.at.of("silence.for"), hint="such as `for: 2m`")


def _unreachable(written: _Written, known: _Known) -> Iterator[Diagnostic]:
    """Rules of which an alert can never hear."""
    alert, only = written.alert, written.alert.only
    told = frozenset({written.pipeline} if written.pipeline else only.pipelines or known.pipelines)
    if written.pipeline and only.pipelines:
        told &= frozenset(only.pipelines)
    of_nodes = bool(only.nodes or only.tags)
    of_parts = bool(of_nodes or written.pipeline or only.pipelines or only.owner)
    for index, rule in enumerate(alert.on):
        if rule in _DEADLINES and not told & known.with_deadline:
            hint = "give the pipeline a `deadline:`, or take it out of `on`"
            message = f"the alert `{written.name}` never hears of `{rule}`: no pipeline of it has a deadline"
        elif rule in OF_PIPELINES and not told and rule != "run_failed":
            message, hint = f"the alert `{written.name}` never hears of `{rule}`: no pipeline is of it", ""
        elif rule == "freshness" and not any(node.time and node.time.every for node in known.graph.nodes):
            hint = "tables that are cut by time (`kind: incremental`) know how far they are filled"
            message = f"the alert `{written.name}` never hears of `{rule}`: no table is cut by time"
        elif rule not in OF_NODES | OF_PIPELINES and of_parts:
            hint = "tell of it in an alert without `only` of owners, pipelines, nodes or tags"
            message = f"the alert `{written.name}` never hears of `{rule}`: it is about machines, not about nodes"
        else:
            continue
        yield warning("HW1063", message, alert.at.of(f"on.{index}"), hint=hint, length=len(rule))


def _open_secrets(alert: Alert) -> Iterator[Diagnostic]:
    """Addresses of channels are as good as passwords: whoever has one can write there."""
    for index, address in enumerate(alert.to):
        scheme, separator, rest = address.partition("://")
        is_open = scheme.lower() in _OPEN_SCHEMES and "@" not in rest
        if separator and _REFERENCE not in address and not is_open:
            message = "the address of a channel stands in a project file, and with it what opens the channel"
            hint = "write `${env:NAME}`, and set that variable where `headwater serve` runs"
            yield warning("HW1069", message, alert.at.of(f"to.{index}"), hint=hint)


def _node(written: _Written) -> AlertNode:
    alert, only, where = written.alert, written.alert.only, written.alert.at.where
    within, unit = _parsed(alert.volume_anomaly.within)
    return AlertNode(
        name=written.name,
        on=alert.on,
        to=alert.to,
        pipeline=written.pipeline,
        owners=only.owner,
        severities=only.severity,
        pipelines=only.pipelines,
        nodes=only.nodes,
        tags=only.tags,
        environments=only.environments,
        group_s=alert.group,
        repeat_s=alert.repeat,
        recovery=alert.recovery,
        fresh_within_s=alert.freshness.within,
        score_below=alert.score_fell.below,
        volume_within=within,
        volume_unit=unit,
        volume_over=alert.volume_anomaly.over,
        quarantine_by=_parsed(alert.quarantine_grew.by)[0] / 100,
        silent_s=alert.silence.for_,
        description=alert.description,
        file=where.file,
        line=where.line,
    )


def _parsed(text: str) -> tuple[float, str]:
    """What cannot be read has had its diagnostic."""
    try:
        return parse_within(text)
    except ValueError:
        return 0.0, "sigma"
