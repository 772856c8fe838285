"""From what is wrong to what must be written: incidents that open, go on and close, and who is told. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headwater.app.alerting.events import EVENTS, Happened, Passed, events, is_gone
from headwater.app.alerting.facts import Facts
from headwater.app.alerting.findings import Finding, channel_of, concerns
from headwater.app.alerting.rules import CONDITIONS
from headwater.diagnostics import conceal
from headwater.graph.values import AlertNode
from headwater.state.incidents import Incident

Key = tuple[str, str]
Told = tuple[str, str, str]
"""Alert, channel and what was told: ``opened``, ``repeat 2``, ``recovered``."""


@dataclass(frozen=True, slots=True)
class Open:
    """An incident begins."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Again:
    """It happened once more, or has changed."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Close:
    """It is over."""

    incident: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """Somebody is to be told."""

    incident: str
    alert: str
    channel: str
    kind: str
    at: datetime
    """When, at the earliest: more may come until then, and be told with it."""


Change = Open | Again | Close | Tell


@dataclass(slots=True)
class _Book:
    """The incidents that are open, as they become."""

    facts: Facts
    token: Callable[[], str]
    open: dict[Key, Incident]
    heard: Mapping[str, frozenset[Told]]
    """Incident → what was told of it before."""
    told: dict[str, frozenset[Told]]
    """The same, as it becomes."""
    changes: list[Change] = field(default_factory=list)

    @property
    def alerts(self) -> tuple[AlertNode, ...]:
        return self.facts.scope.graph.alerts

    def found(self, finding: Finding, alerts: Iterable[AlertNode], at: datetime) -> None:
        """Note something wrong that these alerts want to hear of."""
        known = self.open.get(finding.key)
        if known is None:
            known = _incident(finding, self.facts.environment, self.token(), at)
            self.changes.append(Open(known))
        elif known.body.get("evidence", "") != finding.evidence:
            fresh = _incident(finding, self.facts.environment, known.id, at)
            known = replace(
                known, seen=known.seen + 1, last_at=at, severity=fresh.severity, message=fresh.message, body=fresh.body
            )
            self.changes.append(Again(known))
        self.open[finding.key] = known
        for alert in alerts:
            for channel in _channels(alert):
                self._tell(known, alert, channel, "opened")

    def passed(self, key: Key, at: datetime) -> None:
        """Note that something is well again."""
        known = self.open.pop(key, None)
        if known is None:
            return
        self.changes.append(Close(known.id, max(at, known.opened_at)))
        for alert in self.alerts:
            if alert.recovery and known.rule in alert.on:
                for channel in _channels(alert):
                    if (alert.name, channel, "opened") in self.told.get(known.id, frozenset()):
                        self._tell(known, alert, channel, "recovered")

    def remind(self) -> None:
        """Tell again of what goes on, from time to time, those who heard of it, while nobody has acknowledged it."""
        for incident in self.open.values():
            going_s = (self.facts.now - incident.opened_at).total_seconds()
            for alert in self.alerts:
                times = int(going_s // alert.repeat_s) if alert.repeat_s and incident.acked_at is None else 0
                for channel in _channels(alert) if times > 0 and incident.rule in alert.on else ():
                    if (alert.name, channel, "opened") in self.heard.get(incident.id, frozenset()):
                        self._tell(incident, alert, channel, f"repeat {times}")

    def _tell(self, incident: Incident, alert: AlertNode, channel: str, kind: str) -> None:
        told = self.told.get(incident.id, frozenset())
        if (alert.name, channel, kind) not in told:
            self.told[incident.id] = told | {(alert.name, channel, kind)}
            at = self.facts.now + timedelta(seconds=alert.group_s)
            self.changes.append(Tell(incident.id, alert.name, channel, kind, at))


def changes(
    facts: Facts, opened: Iterable[Incident], told: Mapping[str, frozenset[Told]], token: Callable[[], str]
) -> list[Change]:
    """Say what must be written, given the incidents that are open and what was told of them; ``token`` makes ids."""
    book = _Book(facts, token, {(each.rule, each.subject): each for each in opened}, told, dict(told))
    for event in events(facts):
        match event:
            case Happened(at, finding):
                alerts = _listeners(facts, finding)
                if alerts:
                    book.found(finding, alerts, at)
            case Passed(at, rule, subject):
                book.passed((rule, subject), at)
    _conditions(book)
    for rule, subject in [key for key in book.open if key[0] in EVENTS]:
        if is_gone(facts, rule, subject) or not any(rule in alert.on for alert in book.alerts):
            book.passed((rule, subject), facts.now)
    book.remind()
    return book.changes


def _conditions(book: _Book) -> None:
    """Open what is wrong now, and close what is not any more."""
    facts = book.facts
    found: dict[Key, tuple[Finding, list[AlertNode]]] = {}
    for alert, finding in _found_by(facts):
        if concerns(alert, finding, facts.scope, facts.environment):
            found.setdefault(finding.key, (finding, []))[1].append(alert)
    for finding, alerts in found.values():
        book.found(finding, alerts, facts.now)
    for key in [key for key in book.open if key[0] not in EVENTS and key not in found]:
        book.passed(key, facts.now)


def _found_by(facts: Facts) -> Iterator[tuple[AlertNode, Finding]]:
    for alert in facts.scope.graph.alerts:
        for rule in alert.on:
            if rule in CONDITIONS:
                for finding in CONDITIONS[rule](facts, alert):
                    yield alert, finding


def _listeners(facts: Facts, finding: Finding) -> list[AlertNode]:
    alerts = facts.scope.graph.alerts
    return [alert for alert in alerts if concerns(alert, finding, facts.scope, facts.environment)]


def _channels(alert: AlertNode) -> list[str]:
    return [channel_of(to) for to in dict.fromkeys(alert.to)]


def _incident(finding: Finding, environment: str, name: str, at: datetime) -> Incident:
    return Incident(
        id=name,
        environment=environment,
        rule=finding.rule,
        subject=finding.subject,
        owner=", ".join(finding.owners),
        severity=finding.severity,
        message=conceal(finding.message),
        opened_at=at,
        last_at=at,
        body={"run": finding.run, "hint": finding.hint, "evidence": finding.evidence},
    )
