"""A release as a document: all that a lost state needs to serve it again, kept beside the rows in the lake."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headwater.diagnostics import Invalid, error
from headwater.spec.releases import Release
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.observations import as_json, items_of
from headwater.state.releases import find_release, graph_of, map_at
from headwater.state.values import chunks, marks, stamp
from headwater.state.verdicts import COLUMNS

FORMAT: Final = 1
"""Raised when an older Headwater could misread a document."""
DELETED: Final = "deleted"
"""The kind of the document that ends an environment."""
BASE64: Final = "base64:"

NEEDED: Final = frozenset(
    {
        *("release", "sequence", "environment", "kind", "at", "by", "commit", "message", "code", "parent", "run"),
        *("nodes", "versions", "changes", "holds", "verdicts", "observations", "graph", "base"),
    }
)
"""What a document cannot do without."""

Row = tuple[Any, ...]


def release_document(db: Database, release_id: str) -> Mapping[str, Any]:
    """Give a release as JSON-able values: what it changed, its graph if it is another, and the verdicts it rests on.

    Written straight after each release (``Store.put_release``), in any order; together with the manifests of fills
    they rebuild the state. Graphs hold references to secrets, never secrets. Raises Invalid for an unknown release.
    """
    with db.read() as connection:
        release = find_release(db, release_id)
        seq, number, run, holds = connection.execute(
            "SELECT seq, environment, run, holds FROM releases WHERE id = ?", (release.id,)
        ).fetchone()
        changes = _changes(connection, number, seq)
        fills = sorted({new[0] for *_, new in changes if new})
        versions = _versions(db, release, number)
        return {
            "format": FORMAT,
            "release": release.id,
            "sequence": seq,
            "environment": release.environment,
            "kind": release.kind,
            "at": stamp(release.at),
            "by": release.by,
            "commit": release.commit,
            "message": release.message,
            "code": release.code,
            "parent": release.parent,
            "run": run,
            "nodes": {node: versions.get(node) for node in release.nodes},
            "versions": [[v.node, v.old, v.new] for v in release.versions],
            "changes": changes,
            "fills": fills,
            "holds": json.loads(holds),
            "verdicts": _verdicts(connection, fills, seq),
            "measurements": _measurements(connection, fills),
            "scores": _scores(connection, number, seq),
            "observations": _observations(connection, number, seq),
            "graph": _graph(db, connection, release),
            "base": _base(db, connection, release, number),
            "fence": connection.execute("SELECT value FROM counters WHERE name = 'fence'").fetchone()[0],
        }


def deletion_document(db: Database, environment: str) -> Mapping[str, Any]:
    """Give the document that keeps a deleted environment from coming back; ask for it before it is deleted."""
    with db.read() as connection:
        row = connection.execute("SELECT name, seq FROM environments WHERE name = ?", (environment,)).fetchone()
    if row is None:
        raise Invalid(error("HW0608", f"there is no environment `{environment}`"))
    return {"format": FORMAT, "kind": DELETED, "environment": row[0], "sequence": row[1]}


def _changes(connection: Connection, number: int, seq: int) -> list[list[Any]]:
    rows = connection.execute(
        "SELECT node, site, slot, old_fill, old_digest, old_moving, new_fill, new_digest, new_moving FROM deltas"
        " WHERE environment = ? AND seq = ? ORDER BY node, site, slot",
        (number, seq),
    )
    return [[*row[:3], list(row[3:6]) if row[3] else None, list(row[6:]) if row[6] else None] for row in rows]


def _versions(db: Database, release: Release, number: int) -> Mapping[str, str]:
    """Give the versions of the release's nodes after it, so that a document can be used when the one before is lost."""
    with db.read() as connection:
        if number_of(connection, release.environment) != number:
            return {change.node: change.new for change in release.versions if change.new}
        return map_at(db, release.environment, release.id, nodes=())[0]


def _verdicts(connection: Connection, fills: Iterable[str], seq: int) -> list[Row]:
    query = f"SELECT {COLUMNS}, at FROM verdicts WHERE "
    rows: set[Row] = set(connection.execute(f"{query} seq = ?", (seq,)))
    for piece in chunks(fills):
        rows.update(connection.execute(f"{query} subject IN ({marks(len(piece))})", piece))
    return sorted(rows)


def _measurements(connection: Connection, fills: Iterable[str]) -> list[list[Any]]:
    """Give what was measured of fills; a value as text, because some are no numbers that JSON has."""
    query = "SELECT fill, metric, value, version, at FROM measurements WHERE fill IN ({})"
    rows = (row for piece in chunks(fills) for row in connection.execute(query.format(marks(len(piece))), piece))
    return [
        [fill, metric, None if value is None else repr(value), *rest] for fill, metric, value, *rest in sorted(rows)
    ]


def _scores(connection: Connection, number: int, seq: int) -> list[Row]:
    query = "SELECT node, checks, row_count, rejects, slots, withheld FROM scores WHERE environment = ? AND seq = ?"
    return connection.execute(query, (number, seq)).fetchall()


def _observations(connection: Connection, number: int, seq: int) -> list[list[str]]:
    """Give what was observed, each list as JSON in ASCII: paths that are no UTF-8 would break the document."""
    rows = connection.execute(
        "SELECT o.source, o.site, l.body FROM observations AS o JOIN item_lists AS l ON l.digest = o.items"
        " WHERE o.environment = ? AND o.seq = ?",
        (number, seq),
    )
    return [[source, site, json.dumps(as_json(items_of(body)))] for source, site, body in rows]


def _graph(db: Database, connection: Connection, release: Release) -> str | None:
    """Give the graph as text, if no document before has it."""
    row = connection.execute("SELECT code FROM releases WHERE id = ?", (release.parent,)).fetchone()
    if row and row[0] == release.code:
        return None
    return as_text(graph_of(db, release.code))


def as_text(graph: bytes | None) -> str | None:
    """Write an encoded graph as text, whatever its encoding."""
    if graph is None:
        return None
    try:
        return graph.decode()
    except UnicodeDecodeError:
        return BASE64 + b64encode(graph).decode()


def _base(db: Database, connection: Connection, release: Release, number: int) -> Mapping[str, Any] | None:
    """Give, with an environment's first release, what it stood on: maybe a parent's nodes and entries."""
    row = connection.execute(
        "SELECT created_at, parent, template, expires_at, origin_release, origin_code, origin_holds FROM environments"
        " WHERE number = ?",
        (number,),
    ).fetchone()
    if release.parent is not None or row is None:
        return None
    created_at, parent, template, expires_at, origin, code, holds = row
    versions, entries, _ = map_at(db, release.environment, None)
    return {
        "created_at": created_at,
        "parent": parent,
        "like": template,
        "expires_at": expires_at,
        "origin_release": origin,
        "code": code,
        "graph": as_text(graph_of(db, code)),
        "holds": json.loads(holds),
        "versions": versions,
        "entries": [
            [node, *key, entry.fill, entry.digest, entry.moving]
            for node, found in entries.items()
            for key, entry in found.items()
        ],
    }
