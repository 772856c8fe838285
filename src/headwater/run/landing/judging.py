"""Judges extracted rows by their source's whole contract: those that fit become a range, the others are set aside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from headwater.connect.sources import Contract, ContractColumn
from headwater.connect.stores import Store
from headwater.run.engine import Session
from headwater.spec.addresses import address
from headwater.spec.observations import SetAside
from headwater.spec.raw import Raw
from headwater.sql.loose_values import kind_of
from headwater.sql.moments import moment_of
from headwater.sql.text import quote_identifier, quote_literal

LISTED_ROWS: Final = 10_000
"""So many rows set aside are kept of an extraction, one by one; of the rest the number is kept."""
_PAYLOAD_CHARACTERS: Final = 4096
_JUDGED: Final = "hw_judged"
_RAW: Final = "hw_raw"
_CURSOR: Final = "__hw_cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where rows are judged: a session, a store, the moment of the landing, and what its place is called."""

    session: Session
    store: Store
    now: datetime
    label: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an extraction held."""

    rows: int
    """Rows written."""
    rejected: int
    rejects: tuple[SetAside, ...]
    cursor: str | None
    """Where the next extraction begins; None: where this one did."""
    past: int = 0
    """Rows that no extraction may meet."""


@dataclass(frozen=True, slots=True)
class _Flaw:
    reason: str
    column: str
    condition: str
    message: str


def judge(contract: Contract, cursor: str | None, raw: Raw, landed: str | None, to: Path, bench: Bench) -> Judged:
    """Write the rows that fit to a file; ``landed`` selects rows of earlier ranges that the extraction may repeat.

    Rows are compared whole: as many equal ones as were landed before are left out, the rest are new.
    """
    flaws = list(_flaws(contract, cursor, raw, bench.now))
    session = bench.session
    session.run(f"CREATE VIEW {_RAW} AS {raw.relation}")
    session.run(f"CREATE VIEW {_JUDGED} AS {_judged(contract, raw, flaws)}")
    past = _count(session, f"SELECT count(*) FROM {_RAW} WHERE {raw.past}") if raw.past else 0
    stored = bench.store.stored_columns([(column.name, column.type) for column in contract.columns])
    rows = _count(session, bench.store.write_statement(_accepted(contract, raw, landed), stored, str(to)))
    rejected = _count(session, f"SELECT count(*) FROM {_JUDGED} WHERE __hw_flaw IS NOT NULL")
    rejects = tuple(_rejects(contract, flaws, bench)) if rejected else ()
    greatest = _greatest(contract, cursor, raw, bench)
    return Judged(rows=rows, rejected=rejected, rejects=rejects, cursor=greatest, past=past)


def content_of(contract: Contract, file: Path, store: Store, session: Session) -> str:
    """Give the address of a file's rows, whatever their order."""
    columns = ", ".join(quote_identifier(column.name) for column in contract.columns)
    stored = store.stored_columns([(column.name, column.type) for column in contract.columns])
    select = f"SELECT hash({columns}) AS h FROM ({store.relation(stored, [str(file)])}) AS rows_of_file"
    [found] = session.rows(f"SELECT count(*), sum(CAST(h AS HUGEINT)), bit_xor(h) FROM ({select}) AS hashed")
    return address("content", *map(str, found))


def _count(session: Session, statement: str) -> int:
    return int(session.rows(statement)[0][0])


def _judged(contract: Contract, raw: Raw, flaws: Sequence[_Flaw]) -> str:
    named = [f"{raw.columns[c.name].value} AS {quote_identifier(c.name)}" for c in contract.columns]
    named += [f"{raw.columns[c.name].shown} AS __hw_shown_{n}" for n, c in enumerate(contract.columns)]
    boundary = raw.boundary or "false"
    cases = " ".join(f"WHEN {flaw.condition} THEN {number}" for number, flaw in enumerate(flaws))
    flaw = f"CASE {cases} END" if cases else "NULL"
    typed = f"SELECT {', '.join(named)}, {boundary} AS __hw_boundary FROM {_RAW}"
    return f"SELECT *, {flaw} AS __hw_flaw FROM ({typed}) AS typed"


def _flaws(contract: Contract, cursor: str | None, raw: Raw, now: datetime) -> Iterator[_Flaw]:
    for number, column in enumerate(contract.columns):
        name = quote_identifier(column.name)
        if column.name in raw.columns and (not contract.lazy or column.name == cursor):
            condition = f"(__hw_shown_{number} IS NOT NULL AND {name} IS NULL)"
            yield _Flaw("cast", column.name, condition, f"`{column.name}` is no {column.type}")
    for column in contract.columns:
        if column.required or column.name in {contract.time, cursor}:
            condition = f"{quote_identifier(column.name)} IS NULL"
            yield _Flaw("missing", column.name, condition, f"`{column.name}` is missing")
    for column in contract.columns:
        if column.name == cursor and (endless := _endless(column)):
            yield _Flaw("cursor", column.name, endless, f"`{cursor}` is not finite: nothing could come after it")
    time = next((column for column in contract.columns if column.name == contract.time), None)
    if time is not None:
        yield from _time_flaws(contract, time, now)


def _endless(cursor: ContractColumn) -> str | None:
    """Give the condition of rows whose cursor no other can follow; None if its type has no such values."""
    return f"NOT isfinite({quote_identifier(cursor.name)})" if kind_of(cursor.type) in {"real", "time"} else None


def _time_flaws(contract: Contract, time: ContractColumn, now: datetime) -> Iterator[_Flaw]:
    moment = moment_of(time.name, time.type, contract.timezone)
    start, end = (_aware(at, contract.timezone) for at in (contract.start, contract.end))
    outside = [f"NOT isfinite({moment.sql})"]
    outside += [f"{moment.sql} < {moment.literal(start)}"] if start else []
    outside += [f"{moment.sql} >= {moment.literal(end)}"] if end else []
    said = " and ".join(text for at, text in ((start, f"start {start}"), (end, f"end {end}")) if at)
    message = f"`{time.name}` is outside the source's {said or 'time'}"
    yield _Flaw("time range", time.name, f"({' OR '.join(outside)})", message)
    yield _Flaw("future", time.name, _future(contract, time, now), f"`{time.name}` lies in the future")


def _future(contract: Contract, time: ContractColumn, now: datetime) -> str:
    moment = moment_of(time.name, time.type, contract.timezone)
    return f"{moment.sql} > {moment.literal(now + timedelta(seconds=contract.ahead_s))}"


def _aware(at: datetime | None, timezone: str) -> datetime | None:
    return at.replace(tzinfo=ZoneInfo(timezone)) if at and at.tzinfo is None else at


def _accepted(contract: Contract, raw: Raw, landed: str | None) -> str:
    columns = ", ".join(quote_identifier(column.name) for column in contract.columns)
    good = f"SELECT {columns} FROM {_JUDGED} WHERE __hw_flaw IS NULL"
    if raw.boundary is None or landed is None:
        return good
    again = f"{good} AND __hw_boundary EXCEPT ALL SELECT {columns} FROM ({landed}) AS landed"
    return f"{good} AND __hw_boundary IS NOT TRUE\nUNION ALL\nSELECT * FROM ({again}) AS again"


def _greatest(contract: Contract, cursor: str | None, raw: Raw, bench: Bench) -> str | None:
    """Give where the next extraction begins: after no row that would hide all to come (endless, of the future)."""
    if raw.greatest is None or cursor is None:
        return None
    type_ = next(column.type for column in contract.columns if column.name == cursor)
    at = ContractColumn(name=_CURSOR, type=type_)
    hiding = [f"{_CURSOR} IS NULL", _endless(at) or "false"]
    hiding += [_future(contract, at, bench.now)] if cursor == contract.time else []
    typed = f"SELECT *, {raw.columns[cursor].value} AS {_CURSOR} FROM {_RAW}"
    query = f"SELECT {raw.greatest} FROM ({typed}) AS typed WHERE NOT ({' OR '.join(hiding)})"
    [(found,)] = bench.session.rows(query)
    return None if found is None else str(found)


def _rejects(contract: Contract, flaws: Sequence[_Flaw], bench: Bench) -> Iterator[SetAside]:
    """Rows set aside, each known by what it holds: extracted again, it is the same one and not another."""
    pairs = ", ".join(f"{quote_literal(c.name)}: __hw_shown_{n}" for n, c in enumerate(contract.columns))
    inner = f"SELECT __hw_flaw AS flaw, CAST(to_json({{{pairs}}}) AS VARCHAR) AS payload FROM {_JUDGED}"
    hashed = f"SELECT flaw, payload, md5(payload) AS hash FROM ({inner}) AS rejected WHERE flaw IS NOT NULL"
    number = "row_number() OVER (PARTITION BY hash)"
    query = f"SELECT flaw, left(payload, {_PAYLOAD_CHARACTERS}), hash, {number} AS number FROM ({hashed}) AS hashed"
    for flaw, payload, found, n in bench.session.rows(f"{query} ORDER BY hash, number LIMIT {LISTED_ROWS}"):
        yield SetAside(
            identity=f"{bench.site}/{found}/{n}",
            path=bench.label,
            position=-1,
            line=n,
            reason=flaws[flaw].reason,
            column=flaws[flaw].column,
            message=flaws[flaw].message,
            payload=payload,
        )
