"""Slots of a reader as SQL over the relation that it reads: by what cells are told apart besides their own groups."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from headwater.graph.values import TimeCut
from headwater.policy.cells import Slots
from headwater.spec.units import Every, parse_every
from headwater.sql.text import quote_identifier, quote_literal

_MICROS = 1_000_000


def slots_of(time: TimeCut, every: str, timezone: str) -> Slots:
    """Cut a relation's time into slots of length ``every`` in a time zone, as ``plan.calendar`` cuts it.

    The slot is where it begins, in the type of the time column. ValueError if ``every`` is no length.
    """
    zone, length = ZoneInfo(timezone), parse_every(every)
    column = quote_identifier(time.column)
    moment = column
    if time.type != "TIMESTAMP WITH TIME ZONE":
        moment = f"timezone({quote_literal(time.timezone)}, CAST({column} AS TIMESTAMP))"
    start = _midnight(moment, length, timezone) if length.is_calendar else _elapsed(moment, length, zone)
    if time.type != "TIMESTAMP WITH TIME ZONE":
        start = f"CAST(timezone({quote_literal(time.timezone)}, {start}) AS {time.type})"
    return Slots(time=time.column, expression=start)


def _elapsed(moment: str, length: Every, zone: ZoneInfo) -> str:
    """Whole steps since local midnight of 1970-01-01."""
    first = int(datetime(1970, 1, 1, tzinfo=zone).astimezone(UTC).timestamp()) * _MICROS
    micros = f"epoch_us({moment})"
    return f"timezone('UTC', make_timestamp({micros} - {_rest(f'({micros} - {first})', length.step_s * _MICROS)}))"


def _midnight(moment: str, length: Every, timezone: str) -> str:
    """Whole days of the local calendar: from 1970-01-01, Monday the 5th of it, or the first of a month."""
    zone = quote_literal(timezone)
    day = f"CAST(timezone({zone}, {moment}) AS DATE)"
    if length.unit == "mo":
        months = f"(year({day}) * 12 + month({day}) - 1)"
        first = f"(date_trunc('month', {day}) - to_months(CAST({_rest(months, length.count)} AS INTEGER)))"
    else:
        epoch, count = ("1970-01-01", length.count) if length.unit == "d" else ("1970-01-05", 7 * length.count)
        days = f"({day} - CAST('{epoch}' AS DATE))"
        first = f"({day} - CAST({_rest(days, count)} AS INTEGER))"
    return f"timezone({zone}, CAST({first} AS TIMESTAMP))"


def _rest(number: str, of: int) -> str:
    """What is left over, never negative."""
    return f"((({number} % {of}) + {of}) % {of})"
