"""Empties the outbox: what is due for a channel goes out as one message, and what it does not take is tried again."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

from headwater.app.alerting.findings import channel_of
from headwater.app.alerting.messages import News, message_of
from headwater.app.graphs import previous_graph
from headwater.app.secrets import resolve
from headwater.app.workspace import Workspace
from headwater.delivery.channels import Message, UndeliveredError, send
from headwater.diagnostics import HeadwaterError
from headwater.graph.values import AlertNode
from headwater.state.database import Database
from headwater.state.deliveries import Delivery, next_due, postpone, settle, take_due, unheard
from headwater.state.heads import read_head
from headwater.state.incidents import Incident, incidents_by_id

TIMEOUT_S: Final = 10.0
"""How long a channel may take to answer."""
LEASE_S: Final = 120.0
"""How long nobody else sends what somebody has taken; longer than a message may take."""
POLL_S: Final = 1.0
"""Seconds between two looks into the outbox: other processes fill it, too."""
MOST_TRIES: Final = 24
"""After so many tries, some four hours, news is given up."""
_FIRST_PAUSE_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 900.0

_LOG: Final = logging.getLogger("headwater.alerts")

Send = Callable[[str, Message], None]
"""Sends a message to a URL; raises UndeliveredError."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one channel at once."""

    channel: str
    deliveries: tuple[Delivery, ...]
    message: Message
    url: str = ""
    """With its secrets."""
    problem: str = ""
    """Why it cannot be sent from here."""


def send_now(url: str, message: Message) -> None:
    """Send a message through apprise."""
    send(url, message, TIMEOUT_S)


def deliver_due(
    workspace: Workspace, now: datetime, send: Send = send_now, *, wait_s: float = LEASE_S / 2, hurry: bool = False
) -> datetime | None:
    """Send everything that is due; say when something is due next, None: nothing is left to tell.

    Channels are told at the same time, each by a thread of its own. One that takes longer than ``wait_s`` is left to
    it: its news stays taken, and is tried again when nobody has said what became of it. ``hurry`` does not wait for
    more news to come.
    """
    holder = workspace.effects.token()
    parcels = take(workspace, now, holder, hurry=hurry)
    threads = [Thread(target=_deliver_alone, args=(workspace, each, holder, send), daemon=True) for each in parcels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(wait_s)
    return next_due(workspace.db)


def take(
    workspace: Workspace, now: datetime, holder: str, busy: Collection[str] = (), *, hurry: bool = False
) -> list[Parcel]:
    """Take what is due from the outbox, as messages; what nobody wants any more is dropped."""
    due = take_due(workspace.db, now, holder, LEASE_S, busy=busy, hurry=hurry)
    if not due:
        return []
    with workspace.db.read() as connection:
        ids = [each.incident for news in due.values() for each in news]
        known = _Known(incidents_by_id(connection, ids), unheard(connection, ids), _Routes(workspace.db, {}))
    parcels = [_parcel(workspace, known, channel, news, now) for channel, news in due.items()]
    for each in parcels:
        wanted = {delivery.seq for delivery in each.deliveries}
        dropped = [delivery.seq for delivery in due[each.channel] if delivery.seq not in wanted]
        settle(workspace.db, dropped, holder, "dropped", now, "nobody wants it there any more")
    return [each for each in parcels if each.deliveries]


def deliver(workspace: Workspace, parcel: Parcel, holder: str, send: Send) -> bool:
    """Send a parcel and note what became of it; True if the channel took it."""
    db, clock = workspace.db, workspace.effects.clock
    seqs = [each.seq for each in parcel.deliveries]
    problem = parcel.problem or _sent(parcel, send)
    if not problem:
        settle(db, seqs, holder, "sent", clock())
        return True
    tired = [each.seq for each in parcel.deliveries if each.tries + 1 >= MOST_TRIES]
    settle(db, tired, holder, "failed", clock(), problem)
    tries = max(each.tries for each in parcel.deliveries)
    until = clock() + timedelta(seconds=pause_s(tries, workspace.effects.random()))
    postpone(db, [seq for seq in seqs if seq not in tired], holder, until, problem)
    return False


def _sent(parcel: Parcel, send: Send) -> str:
    """Send; say why the channel did not take it."""
    try:
        send(parcel.url, parcel.message)
    except UndeliveredError as problem:
        return str(problem) or "the channel did not take it"
    return ""


def _deliver_alone(workspace: Workspace, parcel: Parcel, holder: str, send: Send) -> None:
    """Deliver in a thread of its own: where the state cannot be written, it is tried again later."""
    with suppress(HeadwaterError):
        deliver(workspace, parcel, holder, send)


def pause_s(tries: int, chance: float) -> float:
    """Give the seconds to wait after so many tries before: twice as long each time, between a half and all of it."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(tries, 20))
    return longest * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class _Routes:
    """The channels that released code names now: environment → alert → channel → what it says in ``to``."""

    db: Database
    known: dict[str, Mapping[tuple[str, str], str]]

    def to(self, environment: str, alert: str, channel: str) -> str | None:
        if environment not in self.known:
            self.known[environment] = self._read(environment)
        return self.known[environment].get((alert, channel))

    def _read(self, environment: str) -> dict[tuple[str, str], str]:
        return {(each.name, channel_of(to)): to for each in alerts_of(self.db, environment) for to in each.to}


def alerts_of(db: Database, environment: str) -> tuple[AlertNode, ...]:
    """Give the alerts of the code that an environment runs; none if there is no such environment, or no code."""
    try:
        graph = previous_graph(db, read_head(db, environment).code)
    except HeadwaterError:  # deleted since
        return ()
    return graph.alerts if graph else ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the news that is due."""

    incidents: Mapping[str, Incident]
    unheard: frozenset[tuple[str, str, str]]
    routes: _Routes

    def to(self, each: Delivery) -> str | None:
        """Say where a piece of news goes; None: nowhere any more, or nobody heard that it began."""
        incident = self.incidents.get(each.incident)
        if incident is None or (each.incident, each.alert, each.channel) in self.unheard:
            return None
        return self.routes.to(incident.environment, each.alert, each.channel)


def _parcel(workspace: Workspace, known: _Known, channel: str, news: Sequence[Delivery], now: datetime) -> Parcel:
    placed = [(each, to) for each in news if (to := known.to(each)) is not None]
    told = [News(known.incidents[each.incident], each.kind) for each, _ in placed]
    message = message_of(workspace.settings.project, told, now)
    if not placed:
        return Parcel(channel, (), message)
    deliveries, to = tuple(each for each, _ in placed), placed[0][1]
    try:
        return Parcel(channel, deliveries, message, url=url_of(to, workspace.root))
    except HeadwaterError as problem:
        return Parcel(channel, deliveries, message, problem=str(problem))


def url_of(to: str, root: Path) -> str:
    """Resolve what an alert says in ``to``; raises Invalid if a reference has no value here."""
    return str(resolve(to, root)).strip()


class DeliveryThread:
    """Empties the outbox for as long as a server runs; a channel that is slow or dead delays nobody else."""

    def __init__(self, workspace: Workspace, send: Send = send_now, *, poll_s: float = POLL_S) -> None:
        self._workspace, self._send, self._poll_s = workspace, send, poll_s
        self._busy: dict[str, datetime] = {}
        self._ended = Event()
        self._thread = Thread(target=self._empty, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait_s: float = TIMEOUT_S) -> None:
        """Send nothing more, and wait a little for what is being sent."""
        self._ended.set()
        self._thread.join(wait_s)

    def _empty(self) -> None:
        while not self._ended.wait(self._poll_s):
            try:
                self._once()
            except HeadwaterError:  # a state that is busy or gone: news stays where it is
                continue
            except Exception:  # noqa: BLE001 - the thread must not die of one message; the log has it
                _LOG.exception("the outbox of alerts could not be emptied")

    def _once(self) -> None:
        now, holder = self._workspace.effects.clock(), self._workspace.effects.token()
        late = [channel for channel, since in self._busy.items() if now - since >= timedelta(seconds=LEASE_S)]
        for channel in late:  # whoever sends it will not come back
            self._busy.pop(channel, None)
        for parcel in take(self._workspace, now, holder, busy=list(self._busy)):
            self._busy[parcel.channel] = now
            Thread(target=self._deliver, args=(parcel, holder), name="alert", daemon=True).start()

    def _deliver(self, parcel: Parcel, holder: str) -> None:
        try:
            _deliver_alone(self._workspace, parcel, holder, self._send)
        finally:
            self._busy.pop(parcel.channel, None)
