"""Tells of a state that cannot be written: past the outbox, which lies in it, by the alerts that were known last."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Thread

from headwater.app.alerting.delivering import Send, send_now, url_of
from headwater.app.alerting.messages import News, message_of
from headwater.delivery.channels import Message, UndeliveredError
from headwater.diagnostics import HeadwaterError, conceal
from headwater.graph.values import AlertNode
from headwater.state.incidents import Incident

_RULE = "state_trouble"


@dataclass(slots=True)
class Emergency:
    """What one server tells by itself. It belongs to one thread; messages go out by threads of their own."""

    project: str
    root: Path
    send: Send = send_now
    alerts: dict[str, tuple[AlertNode, ...]] = field(default_factory=dict)
    """Environment → the alerts that it had last."""
    since: datetime | None = None
    """Since when the state has been in trouble; None: it is well."""
    _told: dict[str, datetime] = field(default_factory=dict)
    """Channel → when it was told last of the trouble that goes on."""
    _problem: str = ""

    def learn(self, environment: str, alerts: Iterable[AlertNode]) -> None:
        """Remember whom to tell while the state can be read."""
        self.alerts[environment] = tuple(alerts)

    def trouble(self, problem: str, now: datetime) -> None:
        """Say that the state cannot be used: told once to each channel, and again as often as its alert says."""
        self.since, self._problem = self.since or now, conceal(problem)
        for environment, alert, to in self._channels():
            last = self._told.get(to)
            is_due = last is None or (alert.repeat_s and (now - last).total_seconds() >= alert.repeat_s)
            if is_due:
                self._told[to] = now
                self._send(to, self._message(environment, "opened" if last is None else "repeat 1", now))

    def well(self, now: datetime) -> None:
        """Say that the state can be used again, to those who were told that it could not."""
        if self.since is None:
            return
        for environment, alert, to in self._channels():
            if alert.recovery and self._told.pop(to, None) is not None:
                self._send(to, self._message(environment, "recovered", now))
        self.since = None
        self._told.clear()

    def _channels(self) -> Iterable[tuple[str, AlertNode, str]]:
        for environment, alerts in self.alerts.items():
            for alert in alerts:
                is_meant = not alert.environments or environment in alert.environments
                if _RULE in alert.on and is_meant:
                    yield from ((environment, alert, to) for to in alert.to)

    def _message(self, environment: str, kind: str, now: datetime) -> Message:
        began = self.since or now
        incident = Incident(
            id=f"state-{began:%Y%m%dT%H%M%S}",
            environment=environment,
            rule=_RULE,
            subject="state",
            owner="",
            severity="error",
            message=self._problem,
            opened_at=began,
            last_at=now,
            closed_at=now if kind == "recovered" else None,
            body={"hint": "look at the state's disk or server; runs pause, and go on when it is back"},
        )
        return message_of(self.project, [News(incident, kind)], now)

    def _send(self, to: str, message: Message) -> None:
        Thread(target=self._try, args=(to, message), name="alert", daemon=True).start()

    def _try(self, to: str, message: Message) -> None:
        with suppress(UndeliveredError, HeadwaterError):  # the state that would note it is not there
            self.send(url_of(to, self.root), message)
