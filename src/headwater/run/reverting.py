"""What a rollback changes: code goes back; rows stay unless the old checks never passed them, or they go back too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headwater.graph.values import Graph, Node
from headwater.run.measuring import drift_checks, fill_checks, map_checks
from headwater.spec.addresses import Digest, Slot, Version, address
from headwater.spec.releases import Change, Entries, Head, VersionChange, rollup
from headwater.state.database import Database
from headwater.state.verdicts import verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The release to go back to: its versions, the entries of all nodes that later releases touched, its code."""

    release: str | None
    versions: Mapping[str, Version]
    entries: Mapping[str, Entries]
    touched: frozenset[str]
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """What a rollback does, before it is done."""

    versions: tuple[VersionChange, ...]
    changes: tuple[Change, ...]
    holds: Mapping[tuple[str, str, Slot], Digest] = field(default_factory=dict)
    lagging: Mapping[str, int] = field(default_factory=dict)
    """Node → slots that stand on older data than now; runs fill them (unless they are held)."""


def revert(db: Database, head: Head, target: Target, graph: Graph | None, *, data: bool) -> Reverted:
    """Say what must change for an environment to go back. ``graph`` is the target's code, if its checks matter."""
    maps = _maps(db, head, target, graph, data=data)
    versions = tuple(_versions(head, target))
    changes: list[Change] = []
    holds: dict[tuple[str, str, Slot], Digest] = {}
    lagging: dict[str, int] = {}
    for name, new in maps.items():
        old = head.entries_of(name) if name in head.nodes else {}
        for key in sorted(old.keys() | new.keys()):
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            changes.append(Change(node=name, site=key[0], slot=key[1], old=before.fill if before else None, new=after))
            if before and name in target.versions and (after is None or after.moving != before.moving):
                lagging[name] = lagging.get(name, 0) + 1
                if data:
                    holds[(name, *key)] = before.moving
    return Reverted(versions=versions, changes=tuple(changes), holds=holds, lagging=lagging)


def _versions(head: Head, target: Target) -> Iterator[VersionChange]:
    for name in sorted(head.nodes.keys() | target.versions.keys()):
        at_head = head.nodes.get(name)
        old, new = at_head.version if at_head else None, target.versions.get(name)
        if old != new:
            yield VersionChange(node=name, old=old, new=new)


def _maps(db: Database, head: Head, target: Target, graph: Graph | None, *, data: bool) -> dict[str, Entries]:
    maps: dict[str, Entries] = {}
    for name in target.touched:
        at_head, version = head.nodes.get(name), target.versions.get(name)
        back = target.entries.get(name, {}) if version else {}
        keeps = not data and version is not None and at_head is not None and at_head.version == version
        maps[name] = head.entries_of(name) if keeps else back
    if not data and graph is not None:
        _take_back_unpassed(db, head, target, graph, maps)
    return maps


def _take_back_unpassed(db: Database, head: Head, target: Target, graph: Graph, maps: dict[str, Entries]) -> None:
    """Rows newer than the release stay only where its own checks are known to have passed them."""
    nodes = {node.name: node for node in graph.nodes}
    for name in sorted(maps.keys() & nodes.keys()):
        maps[name] = _passed(db, nodes[name], maps[name], target.entries.get(name, {}))
    while True:
        subjects = _Subjects(head, target, nodes, maps)
        failing = {name for name in nodes if not _map_passed(db, nodes[name], subjects)}
        newer = {
            name for name in _tables(nodes, failing) if name in maps and maps[name] != target.entries.get(name, {})
        }
        if not newer:
            return
        for name in newer:
            maps[name] = target.entries.get(name, {})


def _passed(db: Database, node: Node, kept: Entries, back: Entries) -> Entries:
    # A pass of a drift check holds with the history it was judged by.
    asked = (*fill_checks(node), *drift_checks(node))
    checks = [check.address for check in asked if check.on_fail == "block"]
    newer = {key: entry for key, entry in kept.items() if back.get(key) != entry}
    if not checks or not newer:
        return kept
    found = verdicts(db, [entry.fill for entry in newer.values()], checks)
    passes = {(subject, check) for (subject, check, _), verdict in found.items() if not verdict.failing}
    unpassed = {key for key, entry in newer.items() if any((entry.fill, check) not in passes for check in checks)}
    stay = {key: entry for key, entry in kept.items() if key not in unpassed}
    return stay | {key: back[key] for key in unpassed if key in back}


class _Subjects:
    """Addresses of what whole nodes would serve; the same as ``guarding.Subjects`` gives when they are moved there."""

    def __init__(self, head: Head, target: Target, nodes: Mapping[str, Node], maps: Mapping[str, Entries]) -> None:
        self._head, self._target, self._nodes, self._maps = head, target, nodes, maps

    def of(self, name: str) -> str:
        node = self._nodes[name]
        if node.kind in {"view", "inline"}:
            return address(node.version, *(self.of(each.node) for each in node.inputs))
        if name in self._maps:
            return address(node.version, rollup((key, entry.digest) for key, entry in self._maps[name].items()))
        at_head = self._head.nodes.get(name)
        return address(node.version, at_head.rollup if at_head else "")


def _map_passed(db: Database, node: Node, subjects: _Subjects) -> bool:
    checks = [check for check in map_checks(node) if check.on_fail == "block"]
    for check in checks:
        subject = subjects.of(node.name)
        reads = address(*(subjects.of(name) for name in check.reads)) if check.reads else ""
        found = verdicts(db, [subject], [check.address]).get((subject, check.address, reads))
        if found is None or found.failing:
            return False
    return True


def _tables(nodes: Mapping[str, Node], names: set[str]) -> set[str]:
    """The tables behind nodes and behind what their map checks read."""
    found: set[str] = set()
    for name in names:
        node = nodes[name]
        reads = {read for check in map_checks(node) for read in check.reads} - {name}
        if node.kind in {"view", "inline"}:
            found |= _tables(nodes, {each.node for each in node.inputs})
        else:
            found.add(name)
        found |= {read for read in reads if nodes[read].kind not in {"view", "inline"}}
    return found
