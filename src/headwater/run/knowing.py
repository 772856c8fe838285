"""Answers what planning asks of the outside: which fills exist, which a check has refused."""

from collections.abc import Sequence

from headwater.connect.stores import Store
from headwater.graph.values import Node
from headwater.plan.knowledge import Knowledge
from headwater.run.measuring import fill_checks
from headwater.spec.addresses import Digest, FillId
from headwater.spec.fills import Entry, Mark
from headwater.spec.releases import Entries, SlotKey
from headwater.state.database import Database
from headwater.state.fills import chain_elsewhere, condemned, recorded, served_elsewhere
from headwater.state.fills import known as recorded_fills
from headwater.state.packs import pack_ids
from headwater.state.verdicts import verdicts


def _is_whole(store: Store, node: Node, fill: FillId) -> bool:
    """A fill that only the lake knows may have been cut by a loss of power before anything named it."""
    manifest = store.find(node.name, node.version, fill)
    return manifest is not None and store.is_whole(manifest)


def knowledge(db: Database, store: Store) -> Knowledge:
    """Ask the state first, then the lake: a fill that was sealed before a crash is not computed again."""

    def sealed(node: Node, ids: Sequence[FillId]) -> frozenset[FillId]:
        known = recorded(db, ids)
        rest = set(ids) - known
        if not rest:
            return known
        found = rest & store.sealed(node.name, node.version, pack_ids(db, node.name, node.version))
        found -= {fill.id for fill in condemned(db)} if found else set()
        return known | {fill for fill in found if _is_whole(store, node, fill)}

    def refused(node: Node, ids: Sequence[FillId]) -> frozenset[FillId]:
        blocking = [check.address for check in fill_checks(node) if check.on_fail == "block"]
        found = verdicts(db, ids, blocking) if blocking else {}
        return frozenset(FillId(subject) for (subject, _, _), verdict in found.items() if verdict.failing)

    def newest(node: Node, key: SlotKey, moving: Digest) -> Entry | None:
        fill = served_elsewhere(db, node.name, node.version, *key, moving)
        return Entry(fill.id, fill.digest, fill.moving) if fill else None

    def chain(node: Node) -> Entries:
        return chain_elsewhere(db, node.name, node.version)

    def read(node: Node, ids: Sequence[FillId]) -> list[Mark]:
        found = recorded_fills(db, ids)
        loose = (store.find(node.name, node.version, fill) for fill in ids if fill not in found)
        return [mark for fill in (*found.values(), *loose) if fill for mark in fill.read]

    return Knowledge(sealed=sealed, refused=refused, latest=newest, chain=chain, read=read)
