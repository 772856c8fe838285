"""Releases aggregates through the site's ledger: what leaves is what was decided, never what the rows are just now."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.app.site.answers import Unanswered
from headwater.app.site.homes import Home
from headwater.connect.durable import alone
from headwater.connect.runtimes import Granted
from headwater.diagnostics import Diagnostic
from headwater.plan.calendar import Calendar
from headwater.policy.cells import cells_of
from headwater.policy.charters import Charter
from headwater.policy.ledgers import KEY, Ledger, ledger_of, standings, statements
from headwater.policy.releasing import decide, is_complete
from headwater.policy.slots import slots_of
from headwater.policy.subjects import subject_of
from headwater.policy.tokens import key_parameters, parameter_names
from headwater.policy.values import Grant
from headwater.run.engine import Session
from headwater.spec.addresses import address
from headwater.sql.binding import Bind
from headwater.sql.text import bind_parameters, literal, quote_literal, time_literal

_LEDGER: Final = "ledger"
"""What the attached database is called."""
_CUTS: Final = "CREATE TABLE IF NOT EXISTS ledger_cuts (ledger VARCHAR PRIMARY KEY, every VARCHAR, timezone VARCHAR)"


def ledger_keys(home: Home) -> Mapping[str, bytes]:
    """Give the parameters of the key for hashes in ledgers, which is made of the site's own."""
    return key_parameters(KEY, hmac.digest(home.key, b"ledger", "sha256"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The cells of one grant towards one jurisdiction that somebody asks for."""

    home: Home
    ledger: Ledger
    name: str
    """Of the ledger: made of the grant's address and the jurisdiction."""
    every: str
    timezone: str
    min_group: int
    values: Mapping[str, str]
    """Parameters as SQL."""

    def stage(self, session: Session) -> None:
        """Compute the cells of now, from the relation as it is defined in the session's scope."""
        for each in self.ledger.stage:
            session.run(bind_parameters(each, self.values))

    def release(self, session: Session, table: str) -> None:
        """Decide what becomes of the staged cells, and put what is shown then into a new table.

        Nobody is shown anything before it is decided for good: the ledger is committed first, by one asker at a time.
        """
        scope = session.name
        with alone(self.home.ledger / ".lock"):
            path = quote_literal(str(self.home.ledger / "cells.duckdb"))
            session.run(f"ATTACH {path} AS {_LEDGER}")
            session.use(_LEDGER)
            try:
                self._decide(session)
                session.run(f"CREATE TABLE {table} AS {bind_parameters(self.ledger.shown, self.values)}")
            finally:
                session.use(scope)
                session.run(f"DETACH {_LEDGER}")

    def _decide(self, session: Session) -> None:
        session.run("BEGIN TRANSACTION")
        try:
            for each in (_CUTS, *self.ledger.create):
                session.run(each)
            self._stand(session)
            found = standings(session.rows(bind_parameters(self.ledger.compare, self.values)))
            for each in statements(self.ledger, [decide(standing, self.min_group) for standing in found]):
                session.run(each)
        except BaseException:
            session.run("ROLLBACK")
            raise
        session.run("COMMIT")

    def _stand(self, session: Session) -> None:
        """Differences between two ways of cutting would tell what either leaves out: the first one stands."""
        name, cut = literal(self.name), (self.every, self.timezone)
        stands = session.rows(f"SELECT every, timezone FROM ledger_cuts WHERE ledger = {name}")
        if not stands:
            session.run(f"INSERT INTO ledger_cuts VALUES ({name}, {literal(cut[0])}, {literal(cut[1])})")
        elif stands[0] != cut:
            raise Unanswered("slots")


def release_of(
    home: Home, charter: Charter, grant: Grant, granted: Granted, to: str, timezone: str, now: datetime, bind: Bind
) -> Release:
    """Say how an aggregates grant is released; Unanswered if not in this cut, or not yet."""
    node, rule = charter.source(granted.source), charter.policy(grant.rule)
    if node is None or rule is None:
        raise Unanswered("unknown")
    values = {"now": literal(now)}
    slots = None
    if granted.every:
        start, end = _whole_slots(granted, timezone, now)
        if node.time is None:
            raise Unanswered("unclipped")
        slots = slots_of(node.time, granted.every, timezone)
        cut = node.time
        values |= {
            "start": time_literal(start, cut.type, cut.timezone),
            "end": time_literal(end, cut.type, cut.timezone),
        }
    elif granted.start is not None or granted.end is not None:
        raise Unanswered("unclipped")
    subject = subject_of(node)
    cells = cells_of(rule, subject.name, subject.columns, bind, slots=slots)
    if isinstance(cells, Diagnostic):
        raise Unanswered("failed")
    names = [name for key in (*cells.keys, KEY) for name in parameter_names(key)]
    return Release(
        home=home,
        ledger=ledger_of(cells, rule, subject.columns, grant.address, to, slots=slots),
        name=address("ledger", grant.address, to),
        every=granted.every,
        timezone=timezone,
        min_group=grant.min_group,
        values=values | {name: f"getvariable('{name}')" for name in names},
    )


def _whole_slots(granted: Granted, timezone: str, now: datetime) -> tuple[datetime, datetime]:
    if granted.start is None or granted.end is None:
        raise Unanswered("unclipped")
    calendar = Calendar.of(granted.every, timezone)
    if calendar.around(granted.start, granted.end) != (granted.start, granted.end):
        raise Unanswered("unclipped")
    if not is_complete(granted.end, now):
        raise Unanswered("unreleased")
    return granted.start, granted.end
