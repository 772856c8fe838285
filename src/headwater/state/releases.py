"""The append-only history of an environment, and what it served at any point of it."""

import json
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from headwater.diagnostics import Invalid, error
from headwater.spec.addresses import Slot, Version
from headwater.spec.fills import Entry
from headwater.spec.releases import Release, SlotKey, VersionChange
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.heads import entry_of, undo
from headwater.state.values import moment

_COLUMNS = "id, environment_name, kind, at, author, commit_id, message, code, parent, versions, nodes"
_SHOWN = 40
_TAKEN_BACK = """
SELECT d.site, d.slot FROM (
    SELECT site, slot, max(seq) AS last FROM deltas WHERE environment = ? AND node = ? GROUP BY site, slot
) AS d JOIN releases AS r ON r.seq = d.last WHERE r.kind = 'rollback'"""


def history(db: Database, environment: str | None, limit: int) -> tuple[Release, ...]:
    """Give the last releases, newest first; of all environments if ``environment`` is None, deleted ones too."""
    where, values = ("WHERE environment_name = ?", [environment]) if environment is not None else ("", [])
    with db.read() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM releases {where} ORDER BY seq DESC LIMIT ?", (*values, limit)
        )
        return tuple(map(release_of, rows))


def find_release(db: Database, text: str) -> Release:
    """Find a release by its id or a prefix of it; Invalid if there is none, or more than one."""
    query = f"SELECT {_COLUMNS} FROM releases WHERE substr(id, 1, ?) = ? ORDER BY id <> ?, id LIMIT ?"
    with db.read() as connection:
        rows = connection.execute(query, (len(text), text, text, _SHOWN)).fetchall() if text else []
    if not rows:
        hint = "`headwater history` lists the releases"
        raise Invalid(error("HW0609", f"there is no release `{text}`", hint=hint))
    if len(rows) > 1 and rows[0][0] != text:
        hint = "write more of it: " + ", ".join(f"`{row[0]}`" for row in rows[:4])
        raise Invalid(error("HW0610", f"`{text}` is the beginning of {len(rows)} releases", hint=hint))
    return release_of(rows[0])


def graph_of(db: Database, code: str) -> bytes | None:
    """Give the compiled graph of a code digest, as it was encoded; None if the state has none."""
    import zlib

    with db.read() as connection:
        row = connection.execute("SELECT body FROM graphs WHERE code = ?", (code,)).fetchone()
    return zlib.decompress(row[0]) if row else None


def map_at(
    db: Database, environment: str, release_id: str | None, *, nodes: Collection[str] | None = None
) -> tuple[dict[str, Version], dict[str, dict[SlotKey, Entry]], str]:
    """Give versions, entries and code as they were straight after a release (None: before the first one).

    Later changes are undone, newest first. ``nodes`` restricts the entries to these nodes; every node that has a
    version has a map, maybe an empty one. Raises Invalid if the release is none of this environment's.
    """
    with db.read() as connection:
        number = number_of(connection, environment)
        seq = seq_of(connection, number, release_id)
        versions = _versions_at(connection, number, seq)
        entries = _entries_at(connection, number, seq, None if nodes is None else frozenset(nodes))
        kept = {node: entries.pop(node, {}) for node in versions if nodes is None or node in nodes}
        return versions, kept, _code_at(connection, number, seq)


def touched_after(db: Database, environment: str, release_id: str | None) -> frozenset[str]:
    """Give the nodes that releases after this one have changed: all that a rollback to it can concern."""
    with db.read() as connection:
        number = number_of(connection, environment)
        rows = connection.execute(
            "SELECT nodes FROM releases WHERE environment = ? AND seq > ?",
            (number, seq_of(connection, number, release_id)),
        )
        return frozenset(node for (text,) in rows for node in json.loads(text))


def slots_taken_back(db: Database, environment: str, node: str) -> frozenset[SlotKey]:
    """Give the slots of a node that a rollback was the last to change."""
    with db.read() as connection:
        rows = connection.execute(_TAKEN_BACK, (number_of(connection, environment), node))
        return frozenset((site, Slot(slot)) for site, slot in rows)


def is_taken_back(db: Database, environment: str, nodes: AbstractSet[str]) -> bool:
    """Whether the last release that changed any of these nodes was a rollback."""
    with db.read() as connection:
        query = "SELECT kind, nodes FROM releases WHERE environment = ? ORDER BY seq DESC"
        for kind, text in connection.execute(query, (number_of(connection, environment),)):
            if not nodes.isdisjoint(json.loads(text)):
                return bool(kind == "rollback")
    return False


def seq_of(connection: Connection, number: int, release_id: str | None) -> int:
    """Give the number of a release of an environment; 0 for None. Raises Invalid if it has no such release."""
    if release_id is None:
        return 0
    row = connection.execute(
        "SELECT seq FROM releases WHERE environment = ? AND id = ?", (number, release_id)
    ).fetchone()
    if row is None:
        hint = "`headwater history` lists the releases; those of a deleted environment cannot be restored"
        raise Invalid(error("HW0609", f"there is no release `{release_id}` of this environment", hint=hint))
    return int(row[0])


def release_of(row: tuple[Any, ...]) -> Release:
    """Make a release of its columns."""
    name, environment, kind, at, by, commit, message, code, parent, versions, nodes = row
    return Release(
        id=name,
        environment=environment,
        kind=kind,
        at=moment(at),
        by=by,
        commit=commit,
        message=message,
        code=code,
        parent=parent,
        versions=versions_from_json(versions),
        nodes=tuple(json.loads(nodes)),
    )


def versions_as_json(versions: Iterable[VersionChange]) -> str:
    """Write version changes as a column."""
    return json.dumps([[change.node, change.old, change.new] for change in versions], separators=(",", ":"))


def versions_from_json(text: str) -> tuple[VersionChange, ...]:
    """Read what ``versions_as_json`` wrote."""
    return tuple(VersionChange(node=node, old=old, new=new) for node, old, new in json.loads(text))


def _versions_at(connection: Connection, number: int, seq: int) -> dict[str, Version]:
    found = dict(connection.execute("SELECT node, version FROM head_nodes WHERE environment = ?", (number,)))
    later = connection.execute(
        "SELECT versions FROM releases WHERE environment = ? AND seq > ? ORDER BY seq DESC", (number, seq)
    )
    for (text,) in later:
        for change in versions_from_json(text):
            if change.old is None:
                found.pop(change.node, None)
            else:
                found[change.node] = change.old
    return found


def _entries_at(
    connection: Connection, number: int, seq: int, nodes: frozenset[str] | None
) -> dict[str, dict[SlotKey, Entry]]:
    found: dict[str, dict[SlotKey, Entry]] = {}
    for node, site, slot, fill, digest, moving in _current(connection, number, nodes):
        found.setdefault(node, {})[site, slot] = Entry(fill, digest, moving)
    later = connection.execute(
        "SELECT node, site, slot, old_fill, old_digest, old_moving FROM deltas"
        " WHERE environment = ? AND seq > ? ORDER BY seq DESC",
        (number, seq),
    )
    for node, site, slot, *old in later:
        if nodes is None or node in nodes:
            undo(found.setdefault(node, {}), (site, Slot(slot)), entry_of(*old))
    return found


def _current(connection: Connection, number: int, nodes: frozenset[str] | None) -> Iterable[tuple[Any, ...]]:
    query = "SELECT node, site, slot, fill, digest, moving FROM entries WHERE environment = ?"
    if nodes is None:
        return connection.execute(query, (number,))
    return (row for node in sorted(nodes) for row in connection.execute(f"{query} AND node = ?", (number, node)))


def _code_at(connection: Connection, number: int, seq: int) -> str:
    if seq:
        row = connection.execute("SELECT code FROM releases WHERE seq = ?", (seq,)).fetchone()
    else:
        row = connection.execute("SELECT origin_code FROM environments WHERE number = ?", (number,)).fetchone()
    return str(row[0]) if row else ""
