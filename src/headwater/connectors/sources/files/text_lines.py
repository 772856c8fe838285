"""Lines of text as the engine reads them: one column, no quoting, so that no line can swallow another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.listing import read_paths
from headwater.connectors.sources.files.reading import FILE, LINE, Flaw, Reading, path_list
from headwater.connectors.sources.files.settings import Settings
from headwater.spec.addresses import address
from headwater.sql.text import quote_literal

SEPARATOR: Final = "\x01"
"""The engine's reader needs one; no text is expected to hold it."""


def lines_relation(settings: Settings, paths: tuple[str, ...], rejects: str) -> str:
    """Give the SELECT of all lines; those that are not UTF-8, or too long, are reported in the table of rejects."""
    return (
        f"SELECT line AS {LINE}, filename AS {FILE} FROM read_csv({path_list(paths)}, auto_detect = false, "
        f"columns = {{'line': 'VARCHAR'}}, delim = {quote_literal(SEPARATOR)}, quote = '', escape = '', "
        f"header = false, strict_mode = false, filename = true, hive_partitioning = false, "
        f"buffer_size = {settings.buffer_bytes}, max_line_size = {settings.max_line}, "
        f"store_rejects = true, rejects_limit = 0, "
        f"rejects_table = {quote_literal(rejects)}, rejects_scan = {quote_literal(rejects + '_files')})"
    )


def line_reading(
    settings: Settings,
    items: Sequence[ScanItem],
    relation: Callable[[str], str],
    *,
    columns: Mapping[str, str],
    carried: Mapping[str, str],
    flaws: tuple[Flaw, ...],
) -> Reading:
    """Give the reading of files of which each line is a row of the source or set aside, whatever its neighbours hold.

    ``relation`` makes the raw columns from a SELECT of lines (``__hw_line``, ``__hw_file``; no empty lines).
    """
    paths = read_paths(settings, items)
    rejects = "hw_rejects_" + address(settings.address, *paths)[:20]
    lines = f"SELECT * FROM ({lines_relation(settings, paths, rejects)}) AS all_lines WHERE {LINE} IS NOT NULL"
    return Reading(
        items=tuple(items),
        paths=paths,
        relation=relation(lines),
        columns=columns,
        carried={LINE: f"raw.{LINE}", **carried},
        flaws=flaws,
        rejects=rejects,
        is_costly=True,
        key=LINE,
        framing="lines",
    )
