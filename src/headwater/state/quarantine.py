"""The rows set aside in the files that an environment now stands on: counted by reason, and shown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headwater.spec.observations import SetAside
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.file_index import ROW, row_of
from headwater.state.values import chunks, marks

_COUNTS = """
SELECT reason, count(*), min(position), max(position) FROM set_aside
WHERE recovered = 0 AND contract = ? AND identity IN ({}) GROUP BY reason"""
_FILES = """
SELECT path, identity, count(*) FROM set_aside
WHERE recovered = 0 AND contract = ? AND coalesce(?, reason) = reason AND identity IN ({})
GROUP BY path, identity"""
_ROWS = f"""
SELECT {ROW} FROM set_aside
WHERE recovered = 0 AND contract = ? AND coalesce(?, reason) = reason AND identity = ? AND path = ?
ORDER BY position, line LIMIT ? OFFSET ?"""


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many rows were set aside for one reason, and between which byte offsets of their files."""

    reason: str
    count: int
    first_position: int
    last_position: int


def reject_counts(db: Database, source: str, contract: str, identities: Iterable[str]) -> tuple[RejectCount, ...]:
    """Count the rows set aside in these files by reason, most frequent first.

    ``source`` does not filter: a row is set aside by its contract, which sources over the same files may share.
    """
    del source
    found: dict[str, RejectCount] = {}
    with db.read() as connection:
        for piece in chunks(dict.fromkeys(identities)):
            for row in connection.execute(_COUNTS.format(marks(len(piece))), (contract, *piece)):
                count = RejectCount(*row)
                found[count.reason] = _sum(found[count.reason], count) if count.reason in found else count
    return tuple(sorted(found.values(), key=lambda c: (-c.count, c.reason)))


def rejects(
    db: Database,
    source: str,
    contract: str,
    identities: Iterable[str],
    limit: int,
    offset: int = 0,
    *,
    reason: str | None = None,
) -> tuple[SetAside, ...]:
    """Give the rows set aside in these files, by path and position, from ``offset`` on and at most ``limit``."""
    del source  # see ``reject_counts``
    found: list[SetAside] = []
    with db.read() as connection:
        for path, identity, count in sorted(_files(connection, contract, reason, identities)):
            if len(found) >= limit:
                break
            if offset < count:
                values = (contract, reason, identity, path, limit - len(found), offset)
                found.extend(map(row_of, connection.execute(_ROWS, values)))
            offset = max(0, offset - count)
    return tuple(found)


def _files(
    connection: Connection, contract: str, reason: str | None, identities: Iterable[str]
) -> Iterator[tuple[str, str, int]]:
    for piece in chunks(dict.fromkeys(identities)):
        yield from connection.execute(_FILES.format(marks(len(piece))), (contract, reason, *piece))


def _sum(one: RejectCount, other: RejectCount) -> RejectCount:
    return RejectCount(
        one.reason,
        one.count + other.count,
        min(one.first_position, other.first_position),
        max(one.last_position, other.last_position),
    )
