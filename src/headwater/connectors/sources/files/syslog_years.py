"""The year of a time that is written without one: it follows from the file or a setting, never from the clock.

Such a time means the latest year in which it does not lie behind its file: behind the interval that the path declares,
or else a day after the file's last change (which is part of the file's identity).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.listing import full_path, read_path
from headwater.connectors.sources.files.reading import FILE
from headwater.connectors.sources.files.settings import Settings
from headwater.spec.observations import Item
from headwater.sql.text import quote_literal

Latest = Callable[[Item], datetime | None]
"""Item → the last local moment that a time without a year may mean; None where a setting says the year."""
_CLOCKS_DIFFER: Final = timedelta(days=1)
_FORMAT: Final = "%Y %b %d %H:%M:%S"


def last_moment(settings: Settings, item: Item) -> datetime | None:
    """Give the last moment that counts for a file, in the contract's zone and without it; OSError if it is gone."""
    if settings.lines.year is not None or settings.lines.syslog == "rfc5424":
        return None
    if item.end is not None:
        at = item.end - timedelta(microseconds=1)
    else:
        seconds = os.stat(full_path(settings, item.path)).st_mtime_ns // 10**9
        at = datetime.fromtimestamp(seconds, UTC) + _CLOCKS_DIFFER
    return at.astimezone(ZoneInfo(settings.contract.timezone)).replace(tzinfo=None)


def with_year(relation: str, items: Sequence[ScanItem], settings: Settings, latest: Latest) -> str:
    """Add to parts of lines their time: ``__hw_local``, or ``__hw_zoned`` where it is written with a zone."""
    zoned = "CASE WHEN __hw_stamp[5] = '-' THEN TRY_CAST(__hw_stamp AS TIMESTAMPTZ) END AS __hw_zoned"
    is_local = "__hw_stamp[4] = ' '"
    if settings.lines.year is not None:
        local = f"CASE WHEN {is_local} THEN {_in_year(str(settings.lines.year))} END"
        return f"SELECT *, {zoned}, {local} AS __hw_local FROM ({relation}) AS p"
    moments = {read_path(settings, scan.item): latest(scan.item) for scan in items}
    known = {path: at for path, at in moments.items() if at is not None}
    last, join = _last(known)
    this = f"CASE WHEN {is_local} THEN {_in_year(f'year({last})')} END AS __hw_this, {last} AS __hw_last"
    dated = f"SELECT p.*, {this} FROM ({relation}) AS p{join}"
    before = f"CASE WHEN {is_local} THEN {_in_year('year(__hw_last) - 1')} END"
    local = f"CASE WHEN __hw_this <= __hw_last THEN __hw_this ELSE {before} END"
    return f"SELECT *, {zoned}, {local} AS __hw_local FROM ({dated}) AS dated"


def _last(known: Mapping[str, datetime]) -> tuple[str, str]:
    """The last moment as SQL, and the join that brings it where files differ."""
    if len(set(known.values())) <= 1:
        return _literal(next(iter(known.values()), None)), ""
    values = ", ".join(f"({quote_literal(path)}, {_literal(at)})" for path, at in known.items())
    return "files.last", f" JOIN (VALUES {values}) AS files(path, last) ON p.{FILE} = files.path"


def _literal(at: datetime | None) -> str:
    return f"CAST({quote_literal(at.isoformat(sep=' '))} AS TIMESTAMP)" if at else "CAST(NULL AS TIMESTAMP)"


def _in_year(year: str) -> str:
    whole = f"try_strptime(concat({year}, ' ', __hw_stamp[:15]), '{_FORMAT}')"
    parts = "TRY_CAST(concat('0', __hw_stamp[16:]) AS DECIMAL(18, 9))"
    fraction = f"to_microseconds(CAST({parts} * 1000000 AS BIGINT))"
    return f"(CASE WHEN strlen(__hw_stamp) > 15 THEN {whole} + {fraction} ELSE {whole} END)"
