"""Statistics that a site may tell: two significant digits, from a thousand rows up, of whole sources only."""

import json
from typing import Final

from headwater.app.site.holdings import Holding
from headwater.app.site.homes import Home
from headwater.connect.durable import put_over
from headwater.connect.runtimes import Measured
from headwater.run.engine import Session
from headwater.spec.addresses import address
from headwater.sql.text import quote_identifier

_LEAST_ROWS: Final = 1000
_DIGITS: Final = 2


def rounded(number: int) -> int:
    """Round to two significant digits.

    >>> rounded(123_456), rounded(99), rounded(0)
    (120000, 99, 0)
    """
    return round(number, _DIGITS - len(str(number))) if number else 0


def measured(home: Home, holding: Holding, session: Session) -> Measured:
    """Measure a source, or give what was found while it stood where it stands now."""
    key = address(holding.node.rows_address, holding.position(home.key, (None, None)))
    path = home.path / "measured" / f"{address(holding.node.name)}.json"
    if path.exists():
        known = json.loads(path.read_bytes())
        if known["at"] == key:
            return Measured(rows=known["rows"], bytes=known["bytes"], distinct=known["distinct"])
    found = _measure(holding, session)
    document = {"at": key, "rows": found.rows, "bytes": found.bytes, "distinct": dict(found.distinct)}
    path.parent.mkdir(exist_ok=True, mode=0o700)
    put_over(path, json.dumps(document).encode())
    return found


def _measure(holding: Holding, session: Session) -> Measured:
    items = holding.items()
    scan = holding.source.scan(items)
    for statement in scan.setup:
        session.run(statement)
    names = [column.name for column in holding.node.columns]
    counts = ", ".join(f"approx_count_distinct({quote_identifier(name)})" for name in names)
    rows, *distinct = session.rows(f"SELECT count(*), {counts} FROM ({scan.sql}) AS rows_of_source")[0]
    if rows < _LEAST_ROWS:
        return Measured()
    size = sum(each.item.size_bytes for each in items)
    return Measured(
        rows=rounded(rows),
        bytes=rounded(size),
        distinct={name: rounded(min(count, rows)) for name, count in zip(names, distinct, strict=True)},
    )
