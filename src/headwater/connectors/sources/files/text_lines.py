"""Lines of text as the engine reads them: one column, no quoting, so that no line can swallow another."""

from typing import Final

from headwater.connectors.sources.files.reading import BUFFER_BYTES, FILE, LINE, path_list
from headwater.sql.text import quote_literal

SEPARATOR: Final = "\x01"
"""The engine's reader needs one; no text is expected to hold it."""


def lines_relation(paths: tuple[str, ...], rejects: str) -> str:
    """Give the SELECT of all lines; those that are not UTF-8, or too long, are reported in the table of rejects."""
    return (
        f"SELECT line AS {LINE}, filename AS {FILE} FROM read_csv({path_list(paths)}, auto_detect = false, "
        f"columns = {{'line': 'VARCHAR'}}, delim = {quote_literal(SEPARATOR)}, quote = '', escape = '', "
        f"header = false, strict_mode = false, filename = true, hive_partitioning = false, "
        f"buffer_size = {BUFFER_BYTES}, max_line_size = {BUFFER_BYTES}, store_rejects = true, rejects_limit = 0, "
        f"rejects_table = {quote_literal(rejects)}, rejects_scan = {quote_literal(rejects + '_files')})"
    )
