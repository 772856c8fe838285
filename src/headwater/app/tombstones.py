"""Who was erased, as sources are made: the key of a project's tombstones, and what each source leaves out."""

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from headwater.connect.sources import Source
from headwater.diagnostics import Broken, Invalid, Where
from headwater.graph.address_sources import place_of
from headwater.graph.values import Graph, Node
from headwater.policy.tokens import canonical_text
from headwater.run.erasing import Erased, ErasedColumn, domain_of, erasing
from headwater.state.database import Database
from headwater.state.erasures import Tombstone, erased_items, tombstones

KEY_FILE: Final = "erasure.key"
_KEY_BYTES: Final = 32


def erasure_key(home: Path, *, make: bool = False) -> bytes:
    """Give the key of a project's tombstones; ``make`` one if there is none. It is in no state, export or backup of it.

    Raises Broken if it is gone: no tombstone could be told from another value any more.
    """
    path = home / KEY_FILE
    if make and not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{KEY_FILE}.{secrets.token_hex(6)}")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(_KEY_BYTES))
            os.fsync(handle)
            os.link(beside, path)
        except FileExistsError:
            pass  # somebody else made it meanwhile
        finally:
            os.close(handle)
            beside.unlink()
    try:
        found = path.read_bytes()
    except OSError:
        found = b""
    if len(found) != _KEY_BYTES:
        hint = f"put `{KEY_FILE}` of the machine or backup on which the erasure was made back into `{home}`"
        raise Broken.of("HW1311", "the key that tells who was erased is gone, or not whole", hint=hint)
    return found


def key_id(secret: bytes) -> str:
    """Name a key without telling it."""
    return hashlib.sha256(b"headwater|erasure key|" + secret).hexdigest()[:16]


def place(node: Node) -> str:
    """Address of where a source is read, whatever it is called."""
    assert node.source is not None  # noqa: S101 - asked by the caller
    return place_of(node.source.connector, node.source.settings, node.name if node.source.python else "")


def erased_of(db: Database, home: Path, graph: Graph) -> dict[str, Erased]:
    """Give source → who was erased of it; raises Invalid for a source that could not leave them out any more."""
    standing = tombstones(db)
    if not standing:
        return {}
    secret = erasure_key(home)
    _require_key(standing, secret)
    items = erased_items(db)
    found: dict[str, Erased] = {}
    for node in graph.nodes:
        if node.source is None:
            continue
        own = [each for each in standing if each.place == place(node) or each.source == node.name]
        if own:
            found[node.name] = erased_in(graph, node, own, secret, items)
    return found


def erased_in(
    graph: Graph, node: Node, own: list[Tombstone], secret: bytes, items: dict[str, dict[str, int]]
) -> Erased:
    """Give what one source leaves out."""
    assert node.source is not None  # noqa: S101 - asked by the caller
    where = Where(node.file, node.line)
    if node.source.land or set(node.source.sites) & graph.borders.remote:
        message = f"somebody was erased of `{node.name}`, which cannot leave them out where its rows are read now"
        raise Invalid.of("HW1312", message, where, hint="read its files in place, by the hub")
    by_column: dict[str, list[Tombstone]] = {}
    for each in own:
        by_column.setdefault(each.column, []).append(each)
    columns = []
    for name, stones in sorted(by_column.items()):
        column = next((c for c in node.columns if c.name.casefold() == name.casefold()), None)
        if column is None or canonical_text(column.name, column.type) is None:
            what = f"`{name}`, which it no longer has, or with a type that hides values"
            message = f"somebody was erased of `{node.name}` by its column {what}"
            raise Invalid.of("HW1313", message, where, hint="declare the column again: without it they would come back")
        for domain in sorted({domain_of(each.place, name) for each in stones}):
            hashes = tuple(each.id for each in stones if domain_of(each.place, name) == domain)
            columns.append(ErasedColumn(name=column.name, type=column.type, domain=domain, hashes=hashes))
    ids = {each.id for each in own}
    held = {identity: tuple(sorted(ids & stones.keys())) for identity, stones in items.items() if ids & stones.keys()}
    return Erased(columns=tuple(columns), secret=secret, items=held)


def without_erased(sources: dict[str, Source], erased: Mapping[str, Erased]) -> dict[str, Source]:
    """Let sources leave out whoever was erased of them."""
    return {name: erasing(each, erased[name]) if name in erased else each for name, each in sources.items()}


def _require_key(standing: tuple[Tombstone, ...], secret: bytes) -> None:
    if any(each.key_id != key_id(secret) for each in standing):
        hint = f"the right `{KEY_FILE}` is that of the machine or backup on which the erasure was made"
        raise Broken.of("HW1311", "the key that tells who was erased is another one", hint=hint)
