"""What a contract demands of every row besides its types: required values, and a time within bounds."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.reading import FILE, Bounds, Flaw
from headwater.connectors.sources.files.settings import Settings
from headwater.sql.moments import Moment, moment_of
from headwater.sql.text import quote_identifier, quote_literal

Limits = tuple[datetime | None, datetime | None, datetime | None]
"""Start and end of the interval that a path declares, and the last moment that counts."""


def contract_flaws(settings: Settings, items: Sequence[ScanItem], last: datetime | None) -> tuple[list[Flaw], Bounds]:
    """Give the conditions, and what brings bounds that differ between files.

    ``last`` is the last moment that counts for all files (an inspection); else each item's own ``not_after``.
    """
    flaws = [_missing(c) for c in settings.contract.columns if c.required or c.name == settings.contract.time]
    time = settings.time_column
    if time is None:
        return flaws, Bounds()
    moment = moment_of(time.name, time.type, settings.contract.timezone)
    flaws += _range(settings, time.name, moment)
    limits = [_limits(scan, last) for scan in items]
    if len(set(limits)) <= 1:
        bounds = Bounds()
        texts = [moment.literal(at) for at in (limits[0] if limits else (None, None, None))]
    else:
        bounds, texts = _joined(settings, items, limits, moment), ["__hw_from", "__hw_until", "__hw_last"]
    some = [any(each[n] is not None for each in limits) for n in range(3)]
    return flaws + _varying(time.name, moment, texts, some), bounds


def _missing(column: ContractColumn) -> Flaw:
    return Flaw("missing", column.name, f"{quote_identifier(column.name)} IS NULL", f"`{column.name}` is missing")


def _range(settings: Settings, name: str, moment: Moment) -> list[Flaw]:
    contract = settings.contract
    start, end = (_aware(at, contract.timezone) for at in (contract.start, contract.end))
    outside = [f"NOT isfinite({moment.sql})"]
    outside += [f"{moment.sql} < {moment.literal(start)}"] if start else []
    outside += [f"{moment.sql} >= {moment.literal(end)}"] if end else []
    said = " and ".join(text for at, text in ((start, f"start {start}"), (end, f"end {end}")) if at)
    return [Flaw("time range", name, f"({' OR '.join(outside)})", f"`{name}` is outside the source's {said or 'time'}")]


def _aware(at: datetime | None, timezone: str) -> datetime | None:
    return at.replace(tzinfo=ZoneInfo(timezone)) if at and at.tzinfo is None else at


def _limits(scan: ScanItem, last: datetime | None) -> Limits:
    return scan.item.start, scan.item.end, last or scan.not_after


def _joined(settings: Settings, items: Sequence[ScanItem], limits: Sequence[Limits], moment: Moment) -> Bounds:
    from headwater.connectors.sources.files.listing import read_path

    rows = {
        read_path(settings, scan.item): ", ".join(moment.literal(at) for at in each)
        for scan, each in zip(items, limits, strict=True)
    }
    values = ", ".join(f"({quote_literal(path)}, {row})" for path, row in rows.items())
    names = ("__hw_from", "__hw_until", "__hw_last")
    join = f" JOIN (VALUES {values}) AS bounds(path, {', '.join(names)}) ON raw.{FILE} = bounds.path"
    return Bounds(tuple(f"bounds.{name}" for name in names), join)


def _varying(name: str, moment: Moment, texts: Sequence[str], some: Sequence[bool]) -> list[Flaw]:
    start, end, last = texts
    found = []
    if some[0]:
        outside = f"({moment.sql} < {start} OR {moment.sql} >= {end})"
        found.append(Flaw("path", name, outside, f"`{name}` is outside the interval that the file's path declares"))
    if some[2]:
        found.append(Flaw("future", name, f"{moment.sql} > {last}", f"`{name}` lies in the future"))
    return found
