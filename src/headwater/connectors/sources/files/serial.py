"""Delimited files with a quote that is never closed: one thread reads them, where several would lose rows.

DuckDB 1.5 cuts a file among threads; beside an open quote they may disagree on where a record begins, and rows between
them are lost. It always reports the quote, so such files are read again by one thread. That one in turn does not report
a quote that stays open to the end of the file, which the first reading did.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.settings import COMPRESSIONS, Settings
from headwater.spec.observations import Item, SetAside

ONE_THREAD_BYTES: Final = 4_000_000
"""A file of this size is not cut among threads (DuckDB 1.5 gives each 8 MB)."""


def is_suspect(settings: Settings, scan: ScanItem, rows: Sequence[SetAside]) -> bool:
    """Whether rows may have been lost between threads."""
    if settings.format not in {"csv", "tsv"} or is_marked(scan):
        return False
    is_cut = scan.item.size_bytes > ONE_THREAD_BYTES or scan.item.path.lower().endswith(COMPRESSIONS)
    return is_cut and any(row.reason == "quotes" and row.identity == scan.item.identity for row in rows)


def is_marked(scan: ScanItem) -> bool:
    """Whether the file is to be read by one thread."""
    return any(row.recovered for row in scan.recovered)


def mark(item: Item) -> SetAside:
    """Say so to later scans: an entry among what was set aside that is no reject."""
    return SetAside(
        identity=item.identity, path=item.path, position=-1, line=0, reason="quotes", column="",
        message="a quote is not closed: the file is read by one thread", payload="", recovered=True,
    )  # fmt: skip


def marked(scan: ScanItem) -> ScanItem:
    """Give the item as one to be read by one thread."""
    return replace(scan, recovered=(mark(scan.item),))


def unmarked(scan: ScanItem) -> ScanItem:
    """Give the item as one to be read by several threads."""
    return replace(scan, recovered=())


def open_end(several: Sequence[SetAside], one: Sequence[SetAside]) -> list[SetAside]:
    """Give what only several threads report: the last row, if its quote stays open to the end."""
    last = max((row for row in several if row.reason == "quotes"), key=lambda row: row.position, default=None)
    return [last] if last and last.position > max((row.position for row in one), default=-1) else []
