"""Statistics that a site may tell: two significant digits, from a thousand rows up, of whole sources only."""

import json
from pathlib import Path
from typing import Final

from headwater.app.site.holdings import Holding
from headwater.app.site.homes import Home
from headwater.connect.durable import put_over
from headwater.connect.runtimes import Measured
from headwater.run.engine import Session
from headwater.spec.addresses import address
from headwater.sql import parquet
from headwater.sql.text import quote_identifier, quote_literal

_LEAST_ROWS: Final = 1000
_DIGITS: Final = 2
_MOST_BYTES: Final = 2 << 30
"""Of a larger source the sizes of columns are not measured."""


def rounded(number: int) -> int:
    """Round to two significant digits.

    >>> rounded(123_456), rounded(99), rounded(0)
    (120000, 99, 0)
    """
    return round(number, _DIGITS - len(str(number))) if number else 0


def measured(home: Home, holding: Holding, session: Session, folder: Path) -> Measured:
    """Measure a source, or give what was found while it stood where it stands now; ``folder`` is for its own use."""
    key = address(holding.node.rows_address, holding.position(home.key, (None, None)))
    path = home.path / "measured" / f"{address(holding.node.name)}.json"
    if path.exists():
        known = json.loads(path.read_bytes())
        if known["at"] == key:
            return Measured(**{name: what for name, what in known.items() if name != "at"})
    found = _measure(holding, session, folder / "measured")
    document = {
        "at": key,
        "rows": found.rows,
        "bytes": found.bytes,
        "distinct": dict(found.distinct),
        "sizes": dict(found.sizes),
    }
    path.parent.mkdir(exist_ok=True, mode=0o700)
    put_over(path, json.dumps(document).encode())
    return found


def _measure(holding: Holding, session: Session, beside: Path) -> Measured:
    items = holding.items()
    scan = holding.source.scan(items)
    for statement in scan.setup:
        session.run(statement)
    names = [column.name for column in holding.node.columns]
    size, select = sum(each.item.size_bytes for each in items), f"({scan.sql}) AS rows_of_source"
    sizes: dict[str, int] = {}
    if size <= _MOST_BYTES:  # written once as it would be sent, and measured there
        columns = parquet.stored_columns([(column.name, column.type) for column in holding.node.columns])
        session.run(parquet.write_statement(f"SELECT * FROM {select}", columns, str(beside)))
        select, sizes = parquet.relation(columns, [str(beside)]), _sizes(session, beside)
        select = f"({select}) AS rows_of_source"
    counts = ", ".join(f"approx_count_distinct({quote_identifier(name)})" for name in names)
    rows, *distinct = session.rows(f"SELECT count(*), {counts} FROM {select}")[0]
    beside.unlink(missing_ok=True)
    if rows < _LEAST_ROWS:
        return Measured()
    return Measured(
        rows=rounded(rows),
        bytes=rounded(size),
        distinct={name: rounded(min(count, rows)) for name, count in zip(names, distinct, strict=True)},
        sizes=sizes,
    )


def _sizes(session: Session, path: Path) -> dict[str, int]:
    """Give column → bytes in a Parquet file, nested ones with all their parts."""
    found = session.rows(
        "SELECT split_part(path_in_schema, ', ', 1), sum(total_compressed_size)"
        f" FROM parquet_metadata({quote_literal(str(path))}) GROUP BY ALL"
    )
    return {str(name): rounded(int(size)) for name, size in found}
