"""Writes the rows of many slots into one file, sorted by time."""

from collections.abc import Sequence
from dataclasses import replace

from headwater.connect.stores import Store
from headwater.graph.values import TimeCut
from headwater.run.engine import Session
from headwater.spec.addresses import address
from headwater.spec.fills import Fill, Pack, PackTime, StoredColumn
from headwater.sql.text import quote_identifier

FEWEST_SLOTS = 16
"""With fewer slots than this in a query, each has a file of its own."""
MOST_ROWS = 2_000_000
"""Rows after which a query that fills many slots begins another file."""
_SMALL_ROWS = 50_000
"""A slot of more rows than this is worth a file of its own."""


def pack_time(cut: TimeCut) -> PackTime:
    """Say by which time the rows of a node's slots are told apart."""
    return PackTime(column=cut.column, type=cut.type, timezone=cut.timezone, every=cut.every)


def groups_of(rows: Sequence[int]) -> list[range]:
    """Say which of many slots, given their numbers of rows in order, lie in one file; none: each in its own.

    >>> groups_of([10] * 16), groups_of([10] * 3), groups_of([1_500_000, *[10] * 30])
    ([range(0, 16)], [], [])
    >>> groups_of([40_000] * 60)
    [range(0, 50), range(50, 60)]
    """
    if len(rows) < FEWEST_SLOTS or max(rows) > _SMALL_ROWS:
        return []
    groups, first, total = [], 0, 0
    for number, count in enumerate(rows):
        if total + count > MOST_ROWS:
            groups.append(range(first, number))
            first, total = number, 0
        total += count
    return [*groups, range(first, len(rows))]


def write_pack(
    session: Session, store: Store, select: str, fills: Sequence[Fill], rows: Sequence[int], time: PackTime, token: str
) -> tuple[Fill, ...]:
    """Write the rows of ``select`` as one file; give the fills as they lie in it. Nothing is sealed yet.

    ``rows`` are those of each fill; ``token`` is this attempt's own: nobody else makes a pack of that name.
    """
    first, columns = fills[0], fills[0].columns
    name = address("pack", first.version, first.id, str(len(fills)), token)
    path = store.path(first.node, first.version, f"{name}-pack.parquet")
    file = store.stored_file(path, _copy(session, store, select, columns, time, path))
    pack = Pack(
        id=name,
        node=first.node,
        version=first.version,
        site=first.site,
        time=time,
        columns=columns,
        file=file,
        filled=sum(count > 0 for count in rows),
        slots=len(fills),
    )
    return tuple(
        replace(fill, files=(), pack=pack, packed_rows=count, packed_bytes=file.bytes * count // max(1, file.rows))
        for fill, count in zip(fills, rows, strict=True)
    )


def _copy(
    session: Session, store: Store, select: str, columns: Sequence[StoredColumn], time: PackTime, path: str
) -> int:
    ordered = ", ".join(quote_identifier(column.name) for column in columns)
    by_time = f"SELECT {ordered} FROM ({select}) AS rows_of_slots ORDER BY {quote_identifier(time.column)}"
    return int(session.rows(store.write_statement(by_time, columns, path))[0][0])
