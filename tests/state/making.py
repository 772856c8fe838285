"""Short words for fills, entries and moves, so that a test says only what it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from headwater.spec.addresses import ALL, HUB, Digest, FillId, Slot, Version, address
from headwater.spec.fills import Entry, Fill, StoredColumn, StoredFile
from headwater.spec.observations import Item
from headwater.spec.releases import Change, Move, Release, VersionChange
from headwater.state.database import Database
from headwater.state.heads import read_head
from headwater.state.moves import move

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COLUMNS = (StoredColumn("a", "INTEGER", "INTEGER"), StoredColumn("b", "HUGEINT", "DECIMAL(38,0)"))
_numbers = count(1)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def fill(node: str, slot: str = ALL, position: str = "p1", version: str = "v1") -> Fill:
    """The fill of a node's slot on some position of its inputs."""
    digest = Digest(address(position))
    name = FillId(address(version, node, HUB, slot, digest))
    return Fill(
        id=name,
        node=node,
        version=Version(version),
        site=HUB,
        slot=Slot(slot),
        digest=digest,
        moving=digest,
        columns=COLUMNS,
        files=(StoredFile(f"{name}-1-0.parquet", 3, 100, "ab" * 32),),
        seconds=0.25,
        inputs=(("raw", digest),),
    )


def entry(found: Fill) -> Entry:
    return Entry(found.id, found.digest, found.moving)


def change(old: Fill | None, new: Fill | None) -> Change:
    known = new or old
    return Change(
        node=known.node,
        site=known.site,
        slot=known.slot,
        old=old.id if old else None,
        new=entry(new) if new else None,
    )


def first(*fills: Fill, environment: str = "dev", code: str = "c1") -> Move:
    """The move that brings nodes into an environment."""
    versions = {found.node: found.version for found in fills}
    return Move(
        environment=environment,
        kind="apply",
        at=NOON,
        by="ada",
        code=code,
        graph=b"graph of " + code.encode(),
        versions=tuple(VersionChange(node=node, old=None, new=version) for node, version in versions.items()),
        changes=tuple(change(None, found) for found in fills),
        fills=fills,
    )


def swap(*pairs: tuple[Fill | None, Fill | None], environment: str = "dev", **more: object) -> Move:
    """A run's move: old fills give way to new ones, nothing else changes."""
    return replace(
        Move(
            environment=environment,
            kind="run",
            at=NOON,
            by="ada",
            changes=tuple(change(old, new) for old, new in pairs),
            fills=tuple(new for _, new in pairs if new),
        ),
        **more,
    )


def upgrade(old: Iterable[Fill], new: Iterable[Fill], environment: str = "dev", **more: object) -> Move:
    """An apply's move: one node's fills of one version give way to those of another."""
    old, new = list(old), list(new)
    return replace(
        Move(
            environment=environment,
            kind="apply",
            at=NOON,
            by="ada",
            versions=(VersionChange(node=new[0].node, old=old[0].version, new=new[0].version),),
            changes=tuple(change(None, found) for found in new)
            if not old
            else tuple(change(o, n) for o, n in zip(old, new, strict=True)),
            fills=tuple(new),
        ),
        **more,
    )


def release(db: Database, made: Move) -> Release:
    """Make a move under the next release id."""
    return move(db, made, f"r{next(_numbers):04}")


def served(db: Database, environment: str = "dev") -> Mapping[str, Mapping[str, str]]:
    """node → slot → fill, as the environment serves it."""
    head = read_head(db, environment)
    return {node: {slot: found.fill for (_, slot), found in head.entries_of(node).items()} for node in head.nodes}


def item(path: str, identity: str | None = None) -> Item:
    return Item(path, identity or f"id of {path}", 10, (("site", "ewr"),), NOON, later(3600))
