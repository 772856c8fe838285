"""Runs a fragment that was proved: over views of its grants and what was received, into one Parquet file."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from headwater.app.secrets import resolve
from headwater.app.site.answers import Unanswered
from headwater.app.site.holdings import Holding
from headwater.app.site.homes import Home
from headwater.app.site.ordering import is_decided_by_order, sorted_rows
from headwater.app.site.releasing import ledger_keys, release_of
from headwater.connect.runtimes import Columns, Fragment, Granted
from headwater.policy.charters import Charter
from headwater.policy.tokens import key_parameters, parameter_names
from headwater.policy.values import Grant
from headwater.run.binding import Binder
from headwater.run.engine import Engine, Session
from headwater.spec.observations import Inspection, SetAside
from headwater.sql import parquet
from headwater.sql.text import bind_parameters, literal, quote_identifier, quote_literal, quote_relation, time_literal

_LEAST_KEY_BYTES: Final = 16
_INNER: Final = "hw grant "


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A grant that a fragment reads: what of it, and the source below it as it stands."""

    granted: Granted
    grant: Grant
    holding: Holding

    @property
    def is_clipped(self) -> bool:
        """Whether only a stretch of time is read."""
        return self.granted.start is not None and self.granted.end is not None

    @property
    def clip(self) -> str:
        """Give the WHERE that keeps it in its stretch; Unanswered (unclipped) if the grant's rows do not tell."""
        if self.granted.start is None or self.granted.end is None or self.grant.shape == "aggregate":
            return ""  # aggregates: their ledger keeps to the stretch
        cut = self.holding.node.time
        names = {name.casefold(): name for name, _ in self.grant.columns}
        name = names.get(cut.column.casefold()) if cut else None
        if cut is None or name is None or any(each.shape != "raw" for each in self.grant.labels[name]):
            raise Unanswered("unclipped")
        start, end = (time_literal(at, cut.type, cut.timezone) for at in (self.granted.start, self.granted.end))
        return f" WHERE {quote_identifier(name)} >= {start} AND {quote_identifier(name)} < {end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One fragment with all that it takes to run it."""

    charter: Charter
    fragment: Fragment
    text: str
    """Exactly what was proved."""
    reads: tuple[Read, ...]
    received: Mapping[str, Path]
    home: Home
    root: Path
    """Where references to files of secrets start from."""
    now: datetime
    """The site's clock, which is ``$now`` of its rules."""
    set_aside: Callable[[Holding, tuple[SetAside, ...]], None]
    """Keeps the rows that a scan set aside: they stay at the site."""

    @property
    def crosses(self) -> bool:
        """Whether somebody under another law receives what it gives."""
        places = self.charter.jurisdictions
        return any(not places.same(self.fragment.site, each) for each in self.fragment.to)

    @property
    def receiver(self) -> str:
        """The jurisdiction to which it gives; of aggregates it was proved that there is one only."""
        return self.charter.jurisdictions.of(self.fragment.to[0])


class _Recovered(Exception):
    """Some rows can be read by an exact parser only: everything begins anew, with them."""

    def __init__(self, holdings: Mapping[str, Holding]) -> None:
        super().__init__()
        self.holdings = holdings


def run_work(engine: Engine, work: Work, to: Path) -> int:
    """Run a fragment and write its rows; give how many. Raises whatever the engine does: the caller tells a word."""
    recovered: dict[str, Holding] = {}
    while True:  # each source has its rows recovered once
        seconds = work.fragment.timeout_s
        try:
            with (
                engine.session(work.fragment.timezone) as session,
                engine.deadline(session, seconds, "the fragment"),
            ):
                rows = _run(session, work, recovered, to)
                _collect(session, work, recovered)
        except _Recovered as again:
            recovered |= again.holdings
        else:
            return rows


def _run(session: Session, work: Work, recovered: Mapping[str, Holding], to: Path) -> int:
    _define_received(session, work)
    _define_grants(session, work, recovered)
    columns = tuple((str(row[0]), str(row[1])) for row in session.rows(f"DESCRIBE {work.text}"))
    if columns != tuple(work.fragment.columns):
        raise Unanswered("columns")
    text = sorted_rows(work.text) if work.crosses else work.text
    statement = parquet.write_statement(text, parquet.stored_columns(columns), str(to))
    return int(session.rows(statement)[0][0])


def _define_received(session: Session, work: Work) -> None:
    """Offer what was sent along, if it is what the fragment says: names and types as they are stored."""
    session.run('CREATE SCHEMA "exchange"')
    for name, columns in work.fragment.received.items():
        path = str(work.received[name])
        session.run(f'CREATE VIEW "exchange".{quote_identifier(name)} AS {received_select(session, columns, path)}')


def received_select(session: Session, columns: Columns, path: str) -> str:
    """Give a SELECT over a received file; Unanswered (received) if it is none, or has other columns."""
    import duckdb

    stored = parquet.stored_columns(columns)
    try:
        found = session.rows(f"DESCRIBE SELECT * FROM read_parquet({quote_literal(parquet.literally(path))})")
    except duckdb.Error as problem:
        raise Unanswered("received") from problem
    if [(row[0], row[1]) for row in found] != [(each.name, each.stored) for each in stored]:
        raise Unanswered("received")
    return parquet.relation(stored, [path])


def received_rows(engine: Engine, work: Work) -> int:
    """Count the rows that were sent along; Unanswered (received) if they are not what the fragment says."""
    received = work.fragment.received.items()
    with engine.session() as session:
        texts = [received_select(session, columns, str(work.received[name])) for name, columns in received]
        return sum(int(session.rows(f"SELECT count(*) FROM ({text}) AS sent_along")[0][0]) for text in texts)


def _define_grants(session: Session, work: Work, recovered: Mapping[str, Holding]) -> None:
    """Define each grant over its source in a scope of its own, and what of it is read in the fragment's."""
    session.run('CREATE SCHEMA "granted"')
    outer = session.name
    for key, value in _keys(work).items():
        session.connection.execute(f"SET VARIABLE {key} = $1", [value])
    for number, read in enumerate(work.reads):
        inner = session.attach()
        session.use(inner)
        _define_source(session, read, recovered.get(read.holding.node.name, read.holding))
        view = quote_identifier(f"{_INNER}{number}")
        if read.grant.shape == "aggregate":
            _release(session, work, read, recovered, f"{quote_identifier(inner)}.main.{view}")
        else:
            session.run(f"CREATE VIEW main.{view} AS {_grant_text(read.grant, work.now)}")
        session.use(outer)
        select = f"SELECT * FROM {quote_identifier(inner)}.main.{view}{read.clip}"
        if work.crosses and is_decided_by_order(work.text):
            select = sorted_rows(select)
        session.run(f'CREATE VIEW "granted".{quote_identifier(read.granted.name)} AS {select}')


def _release(session: Session, work: Work, read: Read, recovered: Mapping[str, Holding], table: str) -> None:
    """Stage cells; what is decided about them must come of all rows of files that stood still."""
    holding, zone = read.holding, work.fragment.timezone
    with closing(Binder()) as bind:
        release = release_of(work.home, work.charter, read.grant, read.granted, work.receiver, zone, work.now, bind)
    release.stage(session)
    _collect(session, work, recovered)
    if holding.source.changed([scan.item for scan in holding.items()]):
        raise Unanswered("moved")
    release.release(session, table)


def _define_source(session: Session, read: Read, holding: Holding) -> None:
    # Files outside of a stretch hold none of its rows; of a grant that changes rows, that is not said.
    is_exact = read.is_clipped and read.grant.shape in ("free", "raw", "aggregate")
    items = holding.items(read.granted.start, read.granted.end) if is_exact else holding.items()
    scan = holding.source.scan(items)
    for statement in scan.setup:
        session.run(statement)
    schema, _, _ = holding.node.name.rpartition(".")
    if schema:
        session.run(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
    session.run(f"CREATE VIEW {quote_relation(holding.node.name)} AS SELECT * FROM ({scan.sql}) AS rows_of_source")


def _grant_text(grant: Grant, now: datetime) -> str:
    """Bind what a grant leaves open; keys become variables of the session, so that no text and no plan holds them."""
    names = [name for key in grant.keys for name in parameter_names(key)]
    return bind_parameters(grant.query, {"now": literal(now)} | {name: f"getvariable('{name}')" for name in names})


def _keys(work: Work) -> dict[str, bytes]:
    wanted = {name for read in work.reads for name in read.grant.keys}
    found: dict[str, bytes] = dict(ledger_keys(work.home))
    for key in (each for each in work.charter.keys if each.name in wanted):
        secret = str(resolve(key.secret, work.root)).encode()
        if len(secret) < _LEAST_KEY_BYTES:
            raise Unanswered("key")
        found |= key_parameters(key.name, secret)
    return found


def _collect(session: Session, work: Work, before: Mapping[str, Holding]) -> None:
    """Raise _Recovered with sources of which only an exact parser can read some rows: they are scanned once more."""
    found: dict[str, Holding] = {}
    for holding in {read.holding.node.name: read.holding for read in work.reads}.values():
        if holding.source.needs_inspection or holding.node.name in before:
            continue
        rows = holding.source.collect(session.connection, holding.items())
        work.set_aside(holding, rows)
        again = [row for row in rows if row.recovered]
        if again:
            known = dict(holding.inspections)
            for row in again:
                seen = known.get(row.identity) or Inspection(row.identity, 0, ())
                known[row.identity] = replace(seen, set_aside=(*seen.set_aside, row))
            found[holding.node.name] = replace(holding, inspections=known)
    if found:
        raise _Recovered(found)


@contextmanager
def standing_still(reads: tuple[Read, ...]) -> Iterator[None]:
    """Raise Unanswered (moved) if a file that is read is another one by the end, whatever the engine said of it."""
    try:
        yield
    finally:
        for holding in {read.holding.node.name: read.holding for read in reads}.values():
            if holding.source.changed([scan.item for scan in holding.items()]):
                raise Unanswered("moved")
