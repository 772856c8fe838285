"""Looks at an environment: opens and closes incidents, and puts into the outbox who is to be told."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from headwater.app.alerting.changes import Again, Change, Close, Open, Tell, changes
from headwater.app.alerting.facts import (
    QUARANTINE,
    TURN,
    Facts,
    Memory,
    Trouble,
    read_facts,
    read_growths,
    write_growths,
)
from headwater.graph.values import Graph
from headwater.state.alert_facts import note_looked, pass_over
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.deliveries import Delivery, add_in, told_of
from headwater.state.incidents import (
    close_in,
    forget_marks,
    open_in,
    open_incidents,
    prune_in,
    read_mark,
    see_again_in,
    write_mark,
)

SINCE: Final = "since"
"""Mark: when the rules looked first."""
_BEFORE_FIRST: Final = timedelta(hours=1)
"""What happened so long before the first look is still told."""
_KEPT: Final = timedelta(days=90)
"""How long incidents that are over are remembered."""


def look(
    db: Database,
    graph: Graph,
    environment: str,
    now: datetime,
    *,
    token: Callable[[], str],
    memory: Memory | None = None,
    troubles: Sequence[Trouble] = (),
    guard: Callable[[Connection], None] | None = None,
) -> bool:
    """Look at an environment once; True if something was written.

    ``graph`` is the code that the environment runs, ``memory`` what the process has read before (a look at which
    nothing is new then takes milliseconds, and writes nothing), ``troubles`` what the caller itself noticed. ``guard``
    is called in the transaction that writes, before anything is written: it raises if another one leads by now.
    Incidents, what is to be told, and how far was looked are written together or not at all.
    """
    memory = memory or Memory()
    if not graph.alerts:
        return _nobody_listens(db, environment, now, guard)
    with db.read() as connection:
        is_first = read_mark(connection, environment, SINCE) is None
        facts = read_facts(db, connection, graph, environment, now, memory, troubles)
        is_new = is_first or _is_news(facts, connection) or bool(_changes(db, connection, facts, token))
    if not is_new:
        return False
    with db.write() as connection:
        if guard is not None:
            guard(connection)
        if read_mark(connection, environment, SINCE) is None:
            pass_over(connection, environment, now - _BEFORE_FIRST)
            write_mark(connection, environment, SINCE, now.isoformat())
        facts = read_facts(db, connection, graph, environment, now, memory, troubles)
        _write(connection, _changes(db, connection, facts, token), environment, now)
        _note(connection, facts)
    return True


def _changes(db: Database, connection: Connection, facts: Facts, token: Callable[[], str]) -> list[Change]:
    opened = open_incidents(db, facts.environment)
    return changes(facts, opened, told_of(connection, (each.id for each in opened)), token)


def _is_news(facts: Facts, connection: Connection) -> bool:
    """Whether how far was looked must be noted, even if nothing is wrong."""
    before = read_growths(read_mark(connection, facts.environment, QUARANTINE))
    return bool(facts.ended) or dict(facts.standing.growths) != before


def _note(connection: Connection, facts: Facts) -> None:
    """Note how far was looked."""
    environment = facts.environment
    if facts.ended:
        note_looked(connection, (run.id for run in facts.ended))
        turn = int(read_mark(connection, environment, TURN) or 0) + 1
        write_mark(connection, environment, TURN, str(turn))
    write_mark(connection, environment, QUARANTINE, write_growths(facts.standing.growths))


def _write(connection: Connection, found: Iterable[Change], environment: str, now: datetime) -> None:
    for change in found:
        match change:
            case Open(incident):
                open_in(connection, incident)
            case Again(incident):
                see_again_in(connection, incident)
            case Close(incident, at):
                close_in(connection, incident, at)
                prune_in(connection, environment, now - _KEPT)
            case Tell(incident, alert, channel, kind, at):
                news = Delivery(
                    seq=0, incident=incident, alert=alert, channel=channel, kind=kind, next_at=at, created_at=now
                )
                add_in(connection, news)


def _nobody_listens(db: Database, environment: str, now: datetime, guard: Callable[[Connection], None] | None) -> bool:
    """End what is open where no alert is left, and forget how far was looked."""
    with db.read() as connection:
        if read_mark(connection, environment, SINCE) is None:
            return False
    with db.write() as connection:
        if guard is not None:
            guard(connection)
        for each in open_incidents(db, environment):
            close_in(connection, each.id, now)
        forget_marks(connection, environment)
    return True
