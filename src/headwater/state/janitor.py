"""Which fills nobody needs: condemned here first, so that no move can take them, and forgotten once deleted."""

from collections.abc import Iterable
from datetime import datetime

from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill
from headwater.state import audit
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.fills import selected
from headwater.state.releases import seq_of
from headwater.state.values import chunks, marks, stamp

_REPLACED = """
SELECT d.old_fill FROM deltas AS d JOIN (
    SELECT environment, min(seq) AS first FROM releases WHERE at >= ? GROUP BY environment
) AS k ON d.environment = k.environment AND d.seq >= k.first WHERE d.old_fill IS NOT NULL"""
_UNSERVED = f"""
WHERE NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.fill = f.id) AND f.id NOT IN ({_REPLACED})
    AND (f.refused_at IS NULL OR f.refused_at < ?) ORDER BY f.id"""
_GONE = """
SELECT 1 FROM deltas AS d LEFT JOIN fills AS f ON f.id = d.old_fill AND f.condemned = 0
WHERE d.environment = ? AND d.seq > ? AND d.old_fill IS NOT NULL AND f.id IS NULL LIMIT 1"""
_OLD = "SELECT node, site, slot, old_fill FROM deltas WHERE environment = ? AND seq > ? ORDER BY seq DESC"


def unreferenced(db: Database, keep_after: datetime, protected: frozenset[FillId]) -> tuple[Fill, ...]:
    """Give the fills that can go: those that no head, no lease and nothing within ``keep`` names, nor ``protected``.

    Within keep are all releases since ``keep_after`` and the one that was in force then, with all that a rollback to
    them puts back, and fills refused since. Fills condemned earlier and not yet forgotten are given again. A lease
    names a fill by its id, alone or after a last colon (``fill:<id>``).
    """
    with db.read() as connection:
        spared = protected | _leased(connection)
        since = stamp(keep_after)
        return tuple(fill for fill in selected(connection, _UNSERVED, (since, since)) if fill.id not in spared)


def condemn(
    db: Database,
    ids: Iterable[FillId],
    *,
    keep_after: datetime | None = None,
    protected: frozenset[FillId] = frozenset(),
) -> frozenset[FillId]:
    """Condemn those of the fills that are still unreferenced, in one durable transaction; give them.

    Without ``keep_after`` only heads and leases are asked again. Afterwards no move takes these fills, so that their
    files may be deleted; then ``forget`` them.
    """
    with db.write() as connection:
        spared = protected | _leased(connection) | _replaced(connection, keep_after)
        gone = frozenset(
            FillId(fill)
            for piece in chunks(sorted(set(ids) - spared))
            for (fill,) in connection.execute(
                f"UPDATE fills SET condemned = 1 WHERE id IN ({marks(len(piece))})"
                " AND id NOT IN (SELECT fill FROM entries WHERE fill = fills.id) RETURNING id",
                piece,
            )
        )
        if gone:
            audit.append(connection, "fills condemned", {"fills": len(gone)}, None)
    return gone


def forget(db: Database, ids: Iterable[FillId]) -> None:
    """Forget condemned fills whose files are deleted; others are left alone. Their verdicts stay, as history."""
    with db.write(durable=False) as connection:
        for piece in chunks(ids):
            connection.execute(f"DELETE FROM fills WHERE condemned = 1 AND id IN ({marks(len(piece))})", piece)


def missing_rows(db: Database, release_id: str) -> bool:
    """Tell whether rows of a release's map are gone, or going, or its environment was deleted: it cannot come back."""
    with db.read() as connection:
        row = connection.execute("SELECT environment_name FROM releases WHERE id = ?", (release_id,)).fetchone()
        number = number_of(connection, row[0]) if row else 0
        if not connection.execute(
            "SELECT 1 FROM releases WHERE id = ? AND environment = ?", (release_id, number)
        ).fetchone():
            return True
        seq = seq_of(connection, number, release_id)
        if connection.execute(_GONE, (number, seq)).fetchone() is None:
            return False
        oldest = {tuple(key): fill for *key, fill in connection.execute(_OLD, (number, seq))}
        needed = {fill for fill in oldest.values() if fill is not None}
        return len(_alive(connection, needed)) < len(needed)


def _leased(connection: Connection) -> frozenset[FillId]:
    return frozenset(FillId(name.rpartition(":")[2]) for (name,) in connection.execute("SELECT name FROM leases"))


def _replaced(connection: Connection, keep_after: datetime | None) -> frozenset[FillId]:
    if keep_after is None:
        return frozenset()
    return frozenset(FillId(fill) for (fill,) in connection.execute(_REPLACED, (stamp(keep_after),)))


def _alive(connection: Connection, ids: Iterable[str]) -> set[str]:
    query = "SELECT id FROM fills WHERE condemned = 0 AND id IN ({})"
    return {fill for piece in chunks(ids) for (fill,) in connection.execute(query.format(marks(len(piece))), piece)}
