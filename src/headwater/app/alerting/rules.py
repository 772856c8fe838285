"""The rules: pure functions of facts and an alert's limits to what is wrong now."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, Literal

from headwater.app.alerting.facts import Facts, share_of
from headwater.app.alerting.findings import Finding
from headwater.events.quantities import count, duration
from headwater.graph.values import AlertNode, Drift, PipelineNode
from headwater.plan.drift import judge
from headwater.plan.lateness import behind_s
from headwater.schedule.deadlines import Outlook, deadline_of, outlook
from headwater.state.alert_facts import Order
from headwater.state.workers import Worker

Rule = Callable[[Facts, AlertNode], Iterator[Finding]]

_FORGOTTEN: Final = timedelta(days=1)
"""A machine that was silent for so long is not missed any more."""
_UNFULFILLED: Final = frozenset({"failed", "cancelled", "set_aside"})


def freshness(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Tables whose last filled slot ends too long ago."""
    scope = facts.scope
    for node in scope.graph.nodes:
        until = facts.standing.filled_until.get(node.name)
        behind = behind_s(node, until, scope.graph.as_of, facts.now)
        if until is not None and behind is not None and behind > alert.fresh_within_s:
            message = f"`{node.name}` is filled until {_moment(until)} only, {duration(behind)} behind"
            hint = "`headwater status` says what is due and what failed; `headwater run` fills it"
            yield _of_node(facts, "freshness", node.name, "error", message, hint)


def check_failed(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Nodes with slots that a check holds back, or with a check that fails on what the last release brought."""
    del alert
    standing = facts.standing
    for name, checks in standing.failing.items():
        blocked = standing.conditions[name].blocked if name in standing.conditions else 0
        listed = ", ".join(f"`{check}`" for check in checks)
        said = f" ({listed})" if listed else ""
        if blocked:
            message = f"a check holds back {count(blocked, 'slot')} of `{name}`{said}"
        else:
            message = f"a check fails on what the last release brought of `{name}`{said}"
        hint = f"`headwater show {name} --quality` shows the checks and rows that fail"
        severity = "error" if blocked else "warning"
        yield _of_node(facts, "check_failed", name, severity, message, hint, evidence=f"{blocked} {listed}")


def score_fell(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Nodes whose quality score is too low."""
    for name, condition in facts.standing.conditions.items():
        if condition.score is not None and condition.score < alert.score_below:
            message = f"the quality of `{name}` fell to {condition.score:g}, below {alert.score_below:g}"
            hint = f"`headwater show {name} --quality` shows its scores, release by release"
            yield _of_node(facts, "score_fell", name, "warning", message, hint, evidence=f"{condition.score:g}")


def volume_anomaly(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Tables whose last full slot has an unusual number of rows."""
    unit: Literal["sigma", "percent"] = "percent" if alert.volume_unit == "percent" else "sigma"
    rule = Drift(metric="rows", unit=unit, within=alert.volume_within, over=alert.volume_over)
    for name, volume in facts.standing.volumes.items():
        before = [float(each) for each in volume.before[: alert.volume_over]]
        judged = judge(float(volume.rows), before, rule)
        if judged.standing == "unlike" and any(before):  # rows after none at all are a beginning
            slot = "" if volume.slot == "all" else f" in slot {volume.slot}"
            usual = f"{max(0.0, judged.low):,.0f} to {judged.high:,.0f} are usual"
            message = f"`{name}` has {count(volume.rows, 'row')}{slot}, where {usual}"
            hint = f"`headwater show {name} --quality` shows the rows of its slots; look at what it reads"
            yield _of_node(facts, "volume_anomaly", name, "warning", message, hint, evidence=volume.slot)


def quarantine_grew(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Sources and models of whose last rows too many were set aside."""
    found = {name: (growth.new_rows, growth.new_rejects) for name, growth in facts.standing.growths.items()}
    found |= {name: (score.rows, score.rejects) for name, score in facts.standing.scores.items()}
    for name, (rows, rejects) in found.items():
        share = share_of(rejects, rows)
        if share > alert.quarantine_by:
            of_all = f" of {rows + rejects:,}, or {share:.2%}: more than {alert.quarantine_by:.2%}" if rows else ""
            were = "was" if rejects == 1 else "were"
            message = f"of what came last to `{name}`, {count(rejects, 'row')}{of_all} {were} set aside"
            hint = f"`headwater quarantine show {name}` shows them"
            evidence = f"{rows} {rejects}"
            yield _of_node(facts, "quarantine_grew", name, "warning", message, hint, evidence=evidence)


def set_aside(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Tasks that are not tried any more, as they crashed their workers."""
    del alert
    for each in facts.suspects:
        if each.set_aside_at is not None:
            message = f"`{each.node}` is set aside: its task crashed {count(each.crashes, 'worker')} in a row"
            hint = f"`headwater logs {each.last_run}`; mend it and apply, or try it again"
            yield _of_node(facts, "set_aside", each.node, "error", message, hint, run=each.last_run)


def deadline_at_risk(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Pipelines whose run will probably end too late."""
    del alert
    for pipeline, order in _with_outlook(facts, "at_risk"):
        yield _late(facts, pipeline, order, "deadline_at_risk", "warning", "will probably not end before")


def deadline_missed(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Pipelines whose run has not ended in time."""
    del alert
    for pipeline, order in _with_outlook(facts, "missed"):
        yield _late(facts, pipeline, order, "deadline_missed", "error", "has not ended by")


def site_silent(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Machines none of whose workers has given a sign of life."""
    yield from _silent(facts, alert, "site_silent", "worker", "no worker")


def server_silent(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """Machines whose server has given no sign of life, and did not say that it ended."""
    yield from _silent(facts, alert, "server_silent", "server", "the server")


def state_trouble(facts: Facts, alert: AlertNode) -> Iterator[Finding]:
    """What the server itself noticed."""
    del alert
    for each in facts.troubles:
        yield Finding(
            rule="state_trouble",
            subject=each.subject,
            severity="error",
            message=each.message,
            hint=each.hint or "`headwater doctor` looks at the state and the lake",
        )


CONDITIONS: Final[Mapping[str, Rule]] = {
    "freshness": freshness,
    "check_failed": check_failed,
    "score_fell": score_fell,
    "volume_anomaly": volume_anomaly,
    "quarantine_grew": quarantine_grew,
    "set_aside": set_aside,
    "deadline_at_risk": deadline_at_risk,
    "deadline_missed": deadline_missed,
    "site_silent": site_silent,
    "server_silent": server_silent,
    "state_trouble": state_trouble,
}
"""Rules about what is so now; ``run_failed`` and ``retries_exhausted`` are about what happened (see ``events``)."""


def _of_node(
    facts: Facts, rule: str, node: str, severity: str, message: str, hint: str, *, evidence: str = "", run: str = ""
) -> Finding:
    return Finding(
        rule=rule,
        subject=node,
        severity=severity,
        message=message,
        hint=hint,
        owners=facts.scope.owners_of([node]),
        nodes=frozenset({node}),
        pipelines=facts.scope.pipelines_of(node),
        run=run,
        evidence=evidence,
    )


def _with_outlook(facts: Facts, sought: Outlook) -> Iterator[tuple[PipelineNode, Order]]:
    """Give each pipeline with the newest of its orders that stands so: a newer one does not make good for it."""
    for pipeline in facts.scope.graph.pipelines:
        orders = facts.orders.get(pipeline.name, ())
        found = next((order for order in orders if _outlook(facts, pipeline, order) == sought), None)
        if found is not None:
            yield pipeline, found


def _outlook(facts: Facts, pipeline: PipelineNode, order: Order) -> Outlook:
    deadline = deadline_of(pipeline, order.fire_at)
    if deadline is None:
        return "on_track"
    if order.status in _UNFULFILLED:
        return "missed" if facts.now >= deadline else "on_track"
    return outlook(deadline, order.started_at, facts.now, facts.standing.durations_s.get(pipeline.name, ()))


def _late(facts: Facts, pipeline: PipelineNode, order: Order, rule: str, severity: str, how: str) -> Finding:
    deadline = deadline_of(pipeline, order.fire_at)
    began = f"it runs since {_moment(order.started_at)}" if order.started_at else f"it is {order.status}"
    standing = f"it {order.status}" if order.status == "failed" else began
    return Finding(
        rule=rule,
        subject=pipeline.name,
        severity=severity,
        message=f"the run of `{pipeline.name}` that was due at {_moment(order.fire_at)} {how} "
        f"{_moment(deadline) if deadline else ''}: {standing}",
        hint=f"`headwater logs {order.run}` shows what it does",
        owners=(pipeline.owner,) if pipeline.owner else (),
        nodes=facts.scope.pipelines.get(pipeline.name, frozenset()),
        pipelines=frozenset({pipeline.name}),
        run=order.run,
        evidence=order.run,
    )


def _silent(facts: Facts, alert: AlertNode, rule: str, kind: str, who: str) -> Iterator[Finding]:
    for host, last in _last_signs(each for each in facts.workers if each.kind == kind).items():
        silent = facts.now - last.seen_at
        if timedelta(seconds=alert.silent_s) < silent < _FORGOTTEN:
            message = f"{who} on `{host}` has given no sign of life since {_moment(last.seen_at)}"
            hint = "look at that machine, its network and the log of `headwater serve`"
            yield Finding(rule=rule, subject=host, severity="error", message=message, hint=hint)


def _last_signs(workers: Iterable[Worker]) -> dict[str, Worker]:
    """Of each machine, the process that was seen last: those before it were replaced."""
    found: dict[str, Worker] = {}
    for each in workers:
        if each.host not in found or found[each.host].seen_at < each.seen_at:
            found[each.host] = each
    return found


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
