"""What an environment serves, read in a few milliseconds however many slots it has."""

from collections.abc import Iterator, Mapping
from functools import partial

from headwater.diagnostics import Conflict, error
from headwater.spec.addresses import Digest, FillId, Slot
from headwater.spec.fills import Entry
from headwater.spec.releases import Entries, Head, HeadNode, SlotKey
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of

_ENVIRONMENT = """
SELECT e.number, e.code, e.seq, r.id FROM environments AS e LEFT JOIN releases AS r ON r.seq = e.seq WHERE e.name = ?"""
_ENTRIES = "SELECT site, slot, fill, digest, moving FROM entries WHERE environment = ? AND node = ?"
_ENTRY = "SELECT fill, digest, moving FROM entries WHERE environment = ? AND node = ? AND site = ? AND slot = ?"
_FEW = 256
"""Entries that are looked up one by one before all are read."""
_UNDONE = """
SELECT site, slot, old_fill, old_digest, old_moving FROM deltas
WHERE environment = ? AND seq > ? AND node = ? ORDER BY seq DESC"""


def read_head(db: Database, environment: str) -> Head:
    """Read what an environment serves; one that was never written has an empty head.

    ``entries_of`` gives the entries of this very head at any time and from any thread, even after later moves.
    """
    with db.read() as connection:
        row = connection.execute(_ENVIRONMENT, (environment,)).fetchone()
        if row is None:
            return Head(environment=environment, release=None, code="", nodes={}, holds={}, entries_of=_nothing)
        number, code, seq, release = row
        return Head(
            environment=environment,
            release=release,
            code=code,
            nodes=head_nodes(connection, number),
            holds=holds(connection, number),
            entries_of=partial(_entries_of, db, environment, number, seq),
        )


class HeadEntries(Mapping[SlotKey, Entry]):
    """One node's entries as they stood at a release; a few are read one by one, all together when many are wanted."""

    def __init__(self, db: Database, environment: str, number: int, seq: int, node: str) -> None:
        self._db, self._environment, self._number, self._seq, self._node = db, environment, number, seq, node
        self._all: Mapping[SlotKey, Entry] | None = None
        self._few: dict[SlotKey, Entry | None] = {}

    def __getitem__(self, key: SlotKey) -> Entry:
        if self._all is None and key not in self._few and len(self._few) < _FEW:
            self._look_up(key)
        found = self._few.get(key) if self._all is None and key in self._few else self._every().get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[SlotKey]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())

    def _every(self) -> Mapping[SlotKey, Entry]:
        if self._all is None:
            self._all = _entries_at(self._db, self._environment, self._number, self._seq, self._node)
        return self._all

    def _look_up(self, key: SlotKey) -> None:
        with self._db.read() as connection:
            if _require(connection, self._environment, self._number) != self._seq:
                # It has moved since: what stood there is found out of the whole.
                self._every()
                return
            found = connection.execute(_ENTRY, (self._number, self._node, *key)).fetchone()
        self._few[key] = entry_of(*found) if found else None


def _entries_of(db: Database, environment: str, number: int, seq: int, node: str) -> Entries:
    with db.read() as connection:
        _require(connection, environment, number)
    return HeadEntries(db, environment, number, seq, node)


def _require(connection: Connection, environment: str, number: int) -> int:
    """Give the number of an environment's last release; Conflict if the environment is gone."""
    row = connection.execute("SELECT seq FROM environments WHERE number = ?", (number,)).fetchone()
    if row is None:
        message = f"the environment `{environment}` was deleted while it was read"
        raise Conflict(error("HW0608", message, hint="try again"))
    return int(row[0])


def entries(db: Database, environment: str, node: str) -> Entries:
    """Give (site, slot) → entry of one node, as it is now (in the snapshot, inside ``db.read()``)."""
    with db.read() as connection:
        return _entries(connection, number_of(connection, environment), node)


def settle(db: Database, head: Head, settled: Mapping[str, str]) -> None:
    """Note for nodes of a head that nothing of them was due, unless they have moved since. No release is made."""
    with db.write(durable=False) as connection:
        number = number_of(connection, head.environment)
        connection.executemany(
            "UPDATE head_nodes SET settled = ? WHERE environment = ? AND node = ? AND version = ? AND rollup = ?",
            [
                (digest, number, node, head.nodes[node].version, head.nodes[node].rollup)
                for node, digest in settled.items()
                if node in head.nodes
            ],
        )


def head_nodes(connection: Connection, number: int) -> dict[str, HeadNode]:
    """Read the nodes of an environment's head."""
    rows = connection.execute(
        "SELECT node, version, rollup, slots, settled FROM head_nodes WHERE environment = ?", (number,)
    )
    return {
        node: HeadNode(version=version, rollup=rollup, slots=slots, settled=settled)
        for node, version, rollup, slots, settled in rows
    }


def holds(connection: Connection, number: int) -> dict[tuple[str, str, Slot], Digest]:
    """Read the holds of an environment."""
    rows = connection.execute("SELECT node, site, slot, moving FROM holds WHERE environment = ?", (number,))
    return {(node, site, Slot(slot)): Digest(moving) for node, site, slot, moving in rows}


def entry_of(fill: str | None, digest: str, moving: str) -> Entry | None:
    """Make an entry of three columns; None where there was none."""
    return None if fill is None else Entry(FillId(fill), Digest(digest), Digest(moving))


def undo(found: dict[SlotKey, Entry], key: SlotKey, old: Entry | None) -> None:
    """Put back what stood at a key before a change."""
    if old is None:
        found.pop(key, None)
    else:
        found[key] = old


def _entries(connection: Connection, number: int, node: str) -> dict[SlotKey, Entry]:
    rows = connection.execute(_ENTRIES, (number, node))
    return {
        (site, Slot(slot)): Entry(FillId(fill), Digest(digest), Digest(moving))
        for site, slot, fill, digest, moving in rows
    }


def _entries_at(db: Database, environment: str, number: int, seq: int, node: str) -> Entries:
    """Give a node's entries as they stood at a release: the current ones, without what later releases changed."""
    with db.read() as connection:
        last = _require(connection, environment, number)
        found = _entries(connection, number, node)
        if last != seq:
            for site, slot, *old in connection.execute(_UNDONE, (number, seq, node)):
                undo(found, (site, Slot(slot)), entry_of(*old))
        return found


def _nothing(node: str) -> Entries:
    del node
    return {}
