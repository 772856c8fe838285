"""What a move writes once all of it has been compared: deltas, entries, nodes, holds, and the release itself."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.spec.addresses import Digest, Slot
from headwater.spec.releases import HeadNode, Move, Release
from headwater.state import audit
from headwater.state.connections import Connection
from headwater.state.measurements import record_measurements_in
from headwater.state.observations import record_observation_in
from headwater.state.releases import versions_as_json
from headwater.state.scores import write_scores
from headwater.state.values import stamp, storable
from headwater.state.verdicts import record_verdicts_in

_DELTAS = """
INSERT INTO deltas (environment, seq, node, site, slot,
    old_fill, old_digest, old_moving, new_fill, new_digest, new_moving)
SELECT ?, ?, m.node, m.site, m.slot, e.fill, e.digest, e.moving, m.new_fill, m.new_digest, m.new_moving
FROM moving AS m LEFT JOIN entries AS e
    ON e.environment = ? AND e.node = m.node AND e.site = m.site AND e.slot = m.slot"""
_LEAVE = "DELETE FROM entries WHERE environment = ? AND node = ? AND site = ? AND slot = ?"
_ENTER = """
INSERT INTO entries (environment, node, site, slot, fill, digest, moving)
SELECT ?, node, site, slot, new_fill, new_digest, new_moving FROM moving WHERE new_fill IS NOT NULL
ON CONFLICT (environment, node, site, slot) DO UPDATE SET
    fill = excluded.fill, digest = excluded.digest, moving = excluded.moving"""
_NODE = """
INSERT INTO head_nodes (environment, node, version, rollup, slots, settled) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (environment, node) DO UPDATE SET
    version = excluded.version, rollup = excluded.rollup, slots = excluded.slots, settled = excluded.settled"""
_HOLD = """
INSERT INTO holds (environment, node, site, slot, moving) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (environment, node, site, slot) DO UPDATE SET moving = excluded.moving"""
_UNHOLD = "DELETE FROM holds WHERE environment = ? AND node = ? AND site = ? AND slot = ?"
_RELEASE = """
INSERT INTO releases (seq, id, environment, environment_name, kind, at, author, commit_id, message, code, parent, run,
    versions, nodes, holds)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The head that a move finds."""

    number: int
    """The environment's."""
    code: str
    parent: str | None
    """The environment's last release."""
    nodes: Mapping[str, HeadNode]


def write_release(
    connection: Connection,
    move: Move,
    release_id: str,
    standing: Standing,
    moved: Mapping[str, HeadNode | None],
) -> Release:
    """Write a move that has been compared, whose changes stand in the table ``moving``; give its release."""
    number = standing.number
    release = _release(move, release_id, standing)
    seq = insert_release(connection, release, number, run=move.run, holds=_holds_as_json(move))
    _write_entries(connection, number, seq)
    write_nodes(connection, number, moved)
    write_holds(connection, number, move.holds_set, move.holds_cleared)
    if move.graph is not None:
        write_graph(connection, release.code, move.graph)
    for observation in move.observations:
        record_observation_in(connection, number, observation, move.at, seq)
    record_verdicts_in(connection, move.verdicts, move.at, seq)
    record_measurements_in(connection, move.measurements)
    write_scores(connection, number, seq, move.scores)
    connection.execute("UPDATE environments SET code = ?, seq = ? WHERE number = ?", (release.code, seq, number))
    if move.run:
        connection.execute("UPDATE runs SET release = ? WHERE id = ?", (release_id, move.run))
    audit.append(connection, "release", _audited(release, move), move.at)
    return release


def insert_release(
    connection: Connection, release: Release, number: int, *, run: str, holds: str, at_least: int = 0
) -> int:
    """Append a release to the history; give its number, larger than any before and at least as large as told."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM releases").fetchone()
    seq = max(int(last) + 1, at_least)
    row = (
        seq,
        release.id,
        number,
        release.environment,
        release.kind,
        stamp(release.at),
        storable(release.by),
        release.commit,
        storable(release.message),
        release.code,
        release.parent,
        run,
        versions_as_json(release.versions),
        json.dumps(release.nodes, separators=(",", ":")),
        holds,
    )
    connection.execute(_RELEASE, row)
    return seq


def write_nodes(connection: Connection, number: int, moved: Mapping[str, HeadNode | None]) -> None:
    """Set nodes of a head; one that leaves takes its holds with it."""
    rows = [
        (number, node, found.version, found.rollup, found.slots, found.settled)
        for node, found in moved.items()
        if found
    ]
    connection.executemany(_NODE, rows)
    gone = [(number, node) for node, found in moved.items() if not found]
    connection.executemany("DELETE FROM head_nodes WHERE environment = ? AND node = ?", gone)
    connection.executemany("DELETE FROM holds WHERE environment = ? AND node = ?", gone)


def write_holds(
    connection: Connection,
    number: int,
    held: Mapping[tuple[str, str, Slot], Digest],
    cleared: Iterable[tuple[str, str, Slot]],
) -> None:
    """End holds, then set others."""
    connection.executemany(_UNHOLD, [(number, *key) for key in cleared])
    connection.executemany(_HOLD, [(number, *key, moving) for key, moving in held.items()])


def write_graph(connection: Connection, code: str, graph: bytes) -> None:
    """Keep the compiled graph of a code, once."""
    import zlib

    if connection.execute("SELECT 1 FROM graphs WHERE code = ?", (code,)).fetchone() is None:
        connection.execute("INSERT INTO graphs (code, body) VALUES (?, ?)", (code, zlib.compress(graph, 1)))


def _write_entries(connection: Connection, number: int, seq: int) -> None:
    connection.execute(_DELTAS, (number, seq, number))
    leaving = connection.execute("SELECT node, site, slot FROM moving WHERE new_fill IS NULL").fetchall()
    connection.executemany(_LEAVE, [(number, *key) for key in leaving])
    connection.execute(_ENTER, (number,))
    connection.execute("DELETE FROM moving")


def _release(move: Move, release_id: str, standing: Standing) -> Release:
    return Release(
        id=release_id,
        environment=move.environment,
        kind=move.kind,
        at=move.at,
        by=move.by,
        commit=move.commit,
        message=move.message,
        code=move.code or standing.code,
        parent=standing.parent,
        versions=move.versions,
        nodes=tuple(sorted({c.node for c in move.changes} | {v.node for v in move.versions})),
    )


def _holds_as_json(move: Move) -> str:
    held = sorted([*key, moving] for key, moving in move.holds_set.items())
    return json.dumps({"set": held, "cleared": sorted(move.holds_cleared)}, separators=(",", ":"))


def _audited(release: Release, move: Move) -> dict[str, Any]:
    """Say of a release what the audit chain proves: who, what code, and a hash of every single change."""
    lines = sorted(f"{c.node}|{c.site}|{c.slot}|{c.old}|{c.new.fill if c.new else None}" for c in move.changes)
    lines += sorted(f"{v.node}|{v.old}|{v.new}" for v in move.versions)
    return {
        "release": release.id,
        "environment": release.environment,
        "kind": release.kind,
        "by": release.by,
        "commit": release.commit,
        "code": release.code,
        "parent": release.parent,
        "nodes": len(release.nodes),
        "entries": len(move.changes),
        "changes": hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest(),
    }
