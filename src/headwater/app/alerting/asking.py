"""What people ask of alerts: what is wrong now, what was told of it, whether a channel works; and taking one over."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from headwater.app.alerting.delivering import Send, alerts_of, send_now, url_of
from headwater.app.alerting.findings import channel_of
from headwater.app.alerting.messages import trial
from headwater.app.alerting.problems import shown
from headwater.app.checking import check
from headwater.app.workspace import Workspace
from headwater.delivery.channels import UndeliveredError, is_installed
from headwater.diagnostics import Broken, HeadwaterError, Invalid, error, has_errors, suggest
from headwater.graph.values import AlertNode
from headwater.state.deliveries import Delivery, deliveries_of, failed, waiting
from headwater.state.incidents import Incident, acknowledge, incidents, incidents_called

_GIVEN_UP_SINCE: Final = timedelta(days=7)
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was told, or is to be told, and where."""

    delivery: Delivery
    to: str
    """The channel, without what opens it; empty: the released code names it no more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An incident with all that was told of it."""

    incident: Incident
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Incidents, newest first, and what channels did not take."""

    incidents: tuple[Incident, ...]
    undelivered: tuple[Delivery, ...] = ()
    """News that channels have refused so far, or for good in the last week."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A channel that was tried; ``problem`` is empty if it took the message."""

    alert: str
    to: str
    problem: str = ""


def list_incidents(workspace: Workspace, environment: str | None, *, closed: bool, limit: int) -> Listed:
    """List what is wrong, in one environment or (None) in all; with ``closed`` also what is over."""
    db, now = workspace.db, workspace.effects.clock()
    with db.read():
        tired = [each for each in waiting(db) if each.tries] + list(failed(db, now - _GIVEN_UP_SINCE, _MOST))
        return Listed(incidents(db, environment, limit=limit, closed=closed), tuple(tired))


def show_incident(workspace: Workspace, name: str) -> Shown:
    """Show an incident by its id, or the beginning of it; raises Invalid if there is none, or more than one."""
    incident = _incident(workspace, name)
    places = {channel_of(to): shown(to) for each in alerts_of(workspace.db, incident.environment) for to in each.to}
    told = deliveries_of(workspace.db, incident.id)
    return Shown(incident, tuple(Told(each, places.get(each.channel, "")) for each in told))


def acknowledge_incident(workspace: Workspace, name: str) -> Incident:
    """Say that somebody looks after an incident: it is not told again, only that it is over."""
    incident = _incident(workspace, name)
    if not incident.is_open:
        raise Invalid.of("HW1065", f"the incident `{incident.id}` is over", hint="there is nothing to look after")
    acknowledge(workspace.db, incident.id, workspace.user, workspace.effects.clock())
    return _incident(workspace, incident.id)


def try_alert(workspace: Workspace, name: str, send: Send = send_now) -> list[Tried]:
    """Send a test message to each channel of an alert as the project's files have it; raises Invalid, Broken."""
    if send is send_now and not is_installed():
        raise Broken.of("HW1068", "alerts cannot be sent from here: the package `apprise` is not installed")
    alert = _declared(workspace.root, name)
    message = trial(workspace.settings.project, name, workspace.effects.clock())
    tried = []
    for to in dict.fromkeys(alert.to):
        try:
            send(url_of(to, workspace.root), message)
            tried.append(Tried(name, shown(to)))
        except (UndeliveredError, HeadwaterError) as problem:
            tried.append(Tried(name, shown(to), str(problem)))
    return tried


def _declared(root: Path, name: str) -> AlertNode:
    checked = check(root)
    if checked.graph is None or has_errors(checked.diagnostics):
        raise Invalid.from_all(checked.diagnostics)
    alerts = {alert.name: alert for alert in checked.graph.alerts}
    if name not in alerts:
        raise Invalid(error("HW1064", f"there is no alert `{name}`", hint=suggest(name, alerts)))
    return alerts[name]


def _incident(workspace: Workspace, name: str) -> Incident:
    found = incidents_called(workspace.db, name) if name else ()
    exact = [each for each in found if each.id == name]
    if not found:
        raise Invalid(error("HW1065", f"there is no incident `{name}`"))
    if not exact and len(found) > 1:
        listed = ", ".join(each.id for each in found)
        raise Invalid(error("HW1065", f"`{name}` is the beginning of several incidents", hint=f"there are {listed}"))
    return exact[0] if exact else found[0]
