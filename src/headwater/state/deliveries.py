"""Deliveries: the outbox of alerts. A row is one thing to tell one channel, kept until it is told or given up."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, optional_moment, stamp, storable

DeliveryStatus = Literal["waiting", "sending", "sent", "failed", "dropped"]
_COLUMNS: Final = "seq, incident, alert, channel, kind, status, holder, tries, next_at, created_at, ended_at, message"
_ADD: Final = """
INSERT INTO deliveries (incident, alert, channel, kind, status, next_at, created_at)
VALUES (?, ?, ?, ?, 'waiting', ?, ?) ON CONFLICT DO NOTHING"""
_WAITING: Final = f"SELECT {_COLUMNS} FROM deliveries WHERE status IN ('waiting', 'sending') ORDER BY seq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing to tell one channel: that an incident began, goes on (``repeat 2``), or is over (``recovered``)."""

    seq: int
    incident: str
    alert: str
    channel: str
    """Address of the channel: a hash of what the alert says in ``to``, so that no secret is kept."""
    kind: str
    status: DeliveryStatus = "waiting"
    holder: str = ""
    tries: int = 0
    next_at: datetime
    """When it is sent, or (``sending``) when whoever sends it has died."""
    created_at: datetime
    ended_at: datetime | None = None
    message: str = ""
    """Why it was not delivered."""


def add_in(connection: Connection, delivery: Delivery) -> None:
    """Add something to tell, in a transaction that is open; what was told to that channel before is not added."""
    connection.execute(
        _ADD,
        (
            *(delivery.incident, delivery.alert, delivery.channel, delivery.kind),
            *(stamp(delivery.next_at), stamp(delivery.created_at)),
        ),
    )


def told_of(connection: Connection, incidents: Iterable[str]) -> dict[str, frozenset[tuple[str, str, str]]]:
    """Give incident → (alert, channel, kind) of all that is, was or will be told of it, in an open transaction."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for piece in chunks(dict.fromkeys(incidents)):
        query = f"SELECT incident, alert, channel, kind FROM deliveries WHERE incident IN ({marks(len(piece))})"
        for incident, alert, channel, kind in connection.execute(query, piece):
            found.setdefault(incident, set()).add((alert, channel, kind))
    return {incident: frozenset(told) for incident, told in found.items()}


def deliveries_of(db: Database, incident: str) -> tuple[Delivery, ...]:
    """Give all that was told, or is to be told, of an incident."""
    with db.read() as connection:
        query = f"SELECT {_COLUMNS} FROM deliveries WHERE incident = ? ORDER BY seq"
        return tuple(map(_delivery, connection.execute(query, (incident,))))


def waiting(db: Database) -> tuple[Delivery, ...]:
    """Give all that is still to be told, the oldest first."""
    with db.read() as connection:
        return tuple(map(_delivery, connection.execute(_WAITING)))


def failed(db: Database, since: datetime, limit: int) -> tuple[Delivery, ...]:
    """Give what was given up since a time, newest first."""
    query = f"SELECT {_COLUMNS} FROM deliveries WHERE status = 'failed' AND ended_at >= ? ORDER BY seq DESC LIMIT ?"
    with db.read() as connection:
        return tuple(map(_delivery, connection.execute(query, (stamp(since), limit))))


def unheard(connection: Connection, incidents: Iterable[str]) -> frozenset[tuple[str, str, str]]:
    """Give (incident, alert, channel) of those of whose beginning nobody heard, as it was given up or dropped."""
    found: set[tuple[str, str, str]] = set()
    for piece in chunks(dict.fromkeys(incidents)):
        query = (
            "SELECT incident, alert, channel FROM deliveries WHERE kind = 'opened' AND status IN ('failed', 'dropped')"
            f" AND incident IN ({marks(len(piece))})"
        )
        found.update(connection.execute(query, piece).fetchall())
    return frozenset(found)


def take_due(
    db: Database, now: datetime, holder: str, lease_s: float, *, busy: Collection[str] = (), hurry: bool = False
) -> dict[str, tuple[Delivery, ...]]:
    """Take what is due, by channel: nobody else sends it until ``lease_s`` are over. Channels that are busy wait.

    A channel is due when its oldest news has waited long enough; then all its news go. One that did not take them the
    last time gets nothing, new or old, until they are tried again, so that news stay in their order. ``hurry``: news
    that nobody has tried to send does not wait for more.
    """
    if not any(_is_due(news, now, busy, hurry=hurry) for news in _by_channel(waiting(db)).values()):
        return {}
    with db.write() as connection:
        due = {
            channel: tuple(each for each in news if each.status == "waiting" or each.next_at <= now)
            for channel, news in _by_channel(waiting(db)).items()
            if _is_due(news, now, busy, hurry=hurry)
        }
        until = stamp(now + timedelta(seconds=lease_s))
        for piece in chunks(each.seq for news in due.values() for each in news):
            connection.execute(
                "UPDATE deliveries SET tries = tries + CASE WHEN status = 'sending' THEN 1 ELSE 0 END,"
                f" status = 'sending', holder = ?, next_at = ? WHERE seq IN ({marks(len(piece))})",
                (holder, until, *piece),
            )
    return due


def next_due(db: Database, *, busy: Collection[str] = ()) -> datetime | None:
    """Say when a channel is due next; None: there is nothing to tell."""
    return min((_due_at(news) for c, news in _by_channel(waiting(db)).items() if c not in busy), default=None)


def settle(
    db: Database, seqs: Iterable[int], holder: str, status: DeliveryStatus, at: datetime, message: str = ""
) -> None:
    """Note what became of deliveries that a holder has taken: sent, given up, or dropped as nobody wants them."""
    with db.write() as connection:
        for piece in chunks(seqs):
            connection.execute(
                "UPDATE deliveries SET status = ?, ended_at = ?, message = ?, tries = tries + 1"
                f" WHERE status = 'sending' AND holder = ? AND seq IN ({marks(len(piece))})",
                (status, stamp(at), storable(message), holder, *piece),
            )


def postpone(db: Database, seqs: Iterable[int], holder: str, until: datetime, message: str) -> None:
    """Give back deliveries that a holder has taken and could not send, to be tried again."""
    with db.write() as connection:
        for piece in chunks(seqs):
            connection.execute(
                "UPDATE deliveries SET status = 'waiting', holder = '', next_at = ?, message = ?, tries = tries + 1"
                f" WHERE status = 'sending' AND holder = ? AND seq IN ({marks(len(piece))})",
                (stamp(until), storable(message), holder, *piece),
            )


def _by_channel(found: Iterable[Delivery]) -> dict[str, list[Delivery]]:
    channels: dict[str, list[Delivery]] = {}
    for each in found:
        channels.setdefault(each.channel, []).append(each)
    return channels


def _is_due(news: Sequence[Delivery], now: datetime, busy: Collection[str], *, hurry: bool) -> bool:
    is_fresh = all(each.status == "waiting" and not each.tries for each in news)
    return news[0].channel not in busy and (_due_at(news) <= now or (hurry and is_fresh))


def _due_at(news: Sequence[Delivery]) -> datetime:
    """What was tried, or is being sent by somebody, holds up what came later."""
    tried = [each.next_at for each in news if each.tries or each.status == "sending"]
    return max(tried) if tried else min(each.next_at for each in news)


def _delivery(row: Sequence[Any]) -> Delivery:
    seq, incident, alert, channel, kind, status, holder, tries, next_at, created_at, ended_at, message = row
    return Delivery(
        seq=seq,
        incident=incident,
        alert=alert,
        channel=channel,
        kind=kind,
        status=status,
        holder=holder,
        tries=tries,
        next_at=moment(next_at),
        created_at=moment(created_at),
        ended_at=optional_moment(ended_at),
        message=message,
    )
