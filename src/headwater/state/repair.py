"""An empty state filled again from the lake: every environment serves what its last release served."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.diagnostics import Broken, Conflict, Diagnostic, error, warning
from headwater.spec.addresses import Version
from headwater.spec.fills import Fill
from headwater.spec.observations import Observation
from headwater.spec.quality import Measurement
from headwater.spec.releases import HeadNode, Release, VersionChange, rollup
from headwater.state import audit
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.documents import BASE64, DELETED, FORMAT, NEEDED, release_document
from headwater.state.environments import take_number
from headwater.state.fills import record_in
from headwater.state.measurements import record_measurements_in
from headwater.state.observations import from_json, record_observation_in
from headwater.state.recording import insert_release, write_graph, write_nodes
from headwater.state.scores import score_of, write_scores
from headwater.state.values import moment
from headwater.state.verdicts import record_verdicts_in, verdict_of

__all__ = ["rebuild", "release_document"]

_FENCE_GAP: Final = 1_000_000
"""Numbers left out after a rebuild, for the leases granted since the last document."""
_DELTA: Final = """
INSERT INTO deltas (environment, seq, node, site, slot,
    old_fill, old_digest, old_moving, new_fill, new_digest, new_moving)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ENTRY: Final = "INSERT INTO entries (environment, node, site, slot, fill, digest, moving) VALUES (?, ?, ?, ?, ?, ?, ?)"
_NOTHING: Final = (None, None, None)

Document = Mapping[str, Any]
Key = tuple[str, str, str]


@dataclass(slots=True)
class _Environment:
    """An environment as its documents, replayed so far, leave it."""

    number: int
    code: str = ""
    seq: int = 0
    last: str | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    entries: dict[Key, tuple[str, str, str]] = field(default_factory=dict)
    holds: dict[Key, str] = field(default_factory=dict)


def rebuild(db: Database, fills: Iterable[Fill], releases: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Fill an empty database from the lake's manifests and release documents; give warnings about what is lost.

    Fills come back without verdicts unless a document has them: they count as unchecked. Runs, leases and the file
    index start empty. Raises Conflict if the database holds anything, Broken if a document is of another format.
    """
    with db.write() as connection:
        _refuse_unless_empty(connection)
        versions: dict[str, str] = {}
        record_in(connection, _noting(fills, versions))
        # Files that packed fills had for themselves before may lie beside: the janitor looks.
        connection.execute("UPDATE packs SET is_loose = 1")
        documents, warnings = _in_order(releases)
        found = _replay(connection, documents, warnings)
        for name, environment in found.items():
            warnings += _serve(connection, name, environment, versions)
        fence = max((int(document.get("fence", 0)) for document in documents), default=0)
        connection.execute("UPDATE counters SET value = ? WHERE name = 'fence'", (fence + _FENCE_GAP,))
        audit.append(connection, "state rebuilt", {"fills": len(versions), "releases": len(documents)}, None)
    return tuple(warnings)


def _refuse_unless_empty(connection: Connection) -> None:
    for table in ("environments", "releases", "fills"):
        if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            hint = "move the damaged database away, then rebuild into a new one"
            raise Conflict(error("HW0620", "the state to rebuild into is not empty", hint=hint))


def _noting(fills: Iterable[Fill], versions: dict[str, str]) -> Iterator[Fill]:
    for fill in fills:
        versions[fill.id] = fill.version
        yield fill


def _in_order(releases: Iterable[Document]) -> tuple[list[Document], list[Diagnostic]]:
    """Sort documents as they happened; one found twice counts once, an incomplete one is left out with a warning."""
    found: dict[tuple[str, str], Document] = {}
    warnings: list[Diagnostic] = []
    for document in releases:
        name = str(document.get("release", f"{document.get('kind')} {document.get('sequence')}"))
        if document.get("format") != FORMAT:
            message = f"the record of `{name}` has format {document.get('format')}; this Headwater reads {FORMAT}"
            raise Broken(error("HW0623", message, hint="install the version that wrote it"))
        if document.get("kind") != DELETED and not document.keys() >= NEEDED:
            lacking = ", ".join(sorted(NEEDED - document.keys()))
            warnings.append(warning("HW0623", f"the record of `{name}` is not complete: it lacks {lacking}"))
            continue
        found[document["environment"], name] = document
    return sorted(found.values(), key=lambda d: (d["sequence"], d["kind"] == DELETED, d.get("at", ""))), warnings


def _replay(
    connection: Connection, documents: Iterable[Document], warnings: list[Diagnostic]
) -> dict[str, _Environment]:
    found: dict[str, _Environment] = {}
    for document in documents:
        name = document["environment"]
        if document["kind"] == DELETED or (document["parent"] is None and name in found):
            _forget(connection, found.pop(name, None))
        if document["kind"] == DELETED:
            continue
        if name not in found:
            found[name] = _begin(connection, document)
        environment = found[name]
        if document["parent"] != environment.last:
            message = f"`{name}`: the release before `{document['release']}` is not in the lake"
            warnings.append(warning("HW0622", message, hint="what it changed is taken from what came after"))
        _again(connection, environment, document)
    return found


def _begin(connection: Connection, document: Document) -> _Environment:
    """Make an environment, on its parent's entries if it had one."""
    base = document["base"] or {}
    environment = _Environment(take_number(connection, document["environment"], moment(document["at"])))
    environment.code = base.get("code", "")
    environment.versions = {node: Version(version) for node, version in base.get("versions", {}).items()}
    environment.entries = {(row[0], row[1], row[2]): tuple(row[3:]) for row in base.get("entries", ())}
    environment.holds = {(row[0], row[1], row[2]): row[3] for row in base.get("holds", ())}
    if base:
        connection.execute(
            "UPDATE environments SET created_at = ?, parent = ?, template = ?, expires_at = ?, origin_release = ?,"
            " origin_code = ?, origin_holds = ? WHERE number = ?",
            (
                *(base[key] for key in ("created_at", "parent", "like", "expires_at", "origin_release", "code")),
                json.dumps(base["holds"]),
                environment.number,
            ),
        )
        _put_graph(connection, environment.code, base["graph"])
    return environment


def _forget(connection: Connection, environment: _Environment | None) -> None:
    if environment is not None:
        for table, key in (
            ("deltas", "environment"),
            ("observations", "environment"),
            ("scores", "environment"),
            ("environments", "number"),
        ):
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (environment.number,))


def _again(connection: Connection, environment: _Environment, document: Document) -> None:
    """Replay one release: its record, its deltas, and what it leaves served."""
    release = _release(document)
    number, held = environment.number, json.dumps(document["holds"])
    seq = insert_release(
        connection, release, number, run=document["run"], holds=held, at_least=int(document["sequence"])
    )
    _put_graph(connection, release.code, document["graph"])
    changes = document["changes"]
    connection.executemany(
        _DELTA, ((number, seq, *key, *(old or _NOTHING), *(new or _NOTHING)) for *key, old, new in changes)
    )
    for node, site, slot, _, new in changes:
        environment.entries.pop((node, site, slot), None)
        if new:
            environment.entries[node, site, slot] = tuple(new)
    _take_versions(environment, document["nodes"])
    for node, site, slot in document["holds"]["cleared"]:
        environment.holds.pop((node, site, slot), None)
    environment.holds |= {(row[0], row[1], row[2]): row[3] for row in document["holds"]["set"]}
    for source, site, items in document["observations"]:
        record_observation_in(
            connection, number, Observation(source, site, from_json(json.loads(items))), release.at, seq
        )
    for *row, at in document["verdicts"]:
        record_verdicts_in(connection, [verdict_of(row)], moment(at), seq)
    # Documents of older versions have neither: then measurements are made again, and the history of scores begins anew.
    record_measurements_in(connection, map(_measurement, document.get("measurements", ())))
    write_scores(connection, number, seq, {node: score_of(row) for node, *row in document.get("scores", ())})
    environment.code, environment.seq, environment.last = release.code, seq, release.id


def _take_versions(environment: _Environment, nodes: Mapping[str, str | None]) -> None:
    for node, version in nodes.items():
        environment.versions.pop(node, None)
        if version is not None:
            environment.versions[node] = Version(version)


def _serve(
    connection: Connection, name: str, environment: _Environment, versions: Mapping[str, str]
) -> list[Diagnostic]:
    """Write the head that the documents lead to, without entries whose fill the lake has no more."""
    kept = {
        key: entry
        for key, entry in environment.entries.items()
        if versions.get(entry[0]) == environment.versions.get(key[0], "")
    }
    number = environment.number
    connection.execute(
        "UPDATE environments SET code = ?, seq = ? WHERE number = ?", (environment.code, environment.seq, number)
    )
    connection.executemany(_ENTRY, ((number, *key, *entry) for key, entry in sorted(kept.items())))
    write_nodes(connection, number, _nodes(environment, kept))
    held = ((number, *key, moving) for key, moving in environment.holds.items() if key[0] in environment.versions)
    connection.executemany("INSERT INTO holds (environment, node, site, slot, moving) VALUES (?, ?, ?, ?, ?)", held)
    lost = len(environment.entries) - len(kept)
    if not lost:
        return []
    message = f"{lost} slots of `{name}` are lost: the lake no longer has their rows"
    return [warning("HW0621", message, hint=f"`headwater run --env {name}` fills them again")]


def _nodes(environment: _Environment, kept: Mapping[Key, tuple[str, str, str]]) -> dict[str, HeadNode | None]:
    positions: dict[str, list[Any]] = {node: [] for node in environment.versions}
    for (node, site, slot), (_, digest, _) in kept.items():
        positions[node].append(((site, slot), digest))
    return {
        node: HeadNode(version=environment.versions[node], rollup=rollup(found), slots=len(found))
        for node, found in positions.items()
    }


def _release(document: Document) -> Release:
    return Release(
        id=document["release"],
        environment=document["environment"],
        kind=document["kind"],
        at=moment(document["at"]),
        by=document["by"],
        commit=document["commit"],
        message=document["message"],
        code=document["code"],
        parent=document["parent"],
        versions=tuple(VersionChange(node=node, old=old, new=new) for node, old, new in document["versions"]),
        nodes=tuple(document["nodes"]),
    )


def _measurement(row: list[Any]) -> Measurement:
    fill, metric, value, version, at = row
    number = None if value is None else float(value)
    return Measurement(fill=fill, metric=metric, value=number, version=version, at=moment(at))


def _put_graph(connection: Connection, code: str, text: str | None) -> None:
    if text is not None:
        graph = b64decode(text.removeprefix(BASE64)) if text.startswith(BASE64) else text.encode()
        write_graph(connection, code, graph)
