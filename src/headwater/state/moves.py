"""The move: one transaction that compares a head with what the mover saw, and sets it with all that comes with it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from headwater.diagnostics import Broken, Conflict, Diagnostic, error
from headwater.spec.addresses import Digest, Version
from headwater.spec.releases import Change, HeadNode, Move, Release, SlotKey, rollup, shifted
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import take_number
from headwater.state.fills import record_in
from headwater.state.heads import head_nodes
from headwater.state.recording import Standing, write_release
from headwater.state.values import chunks, marks

_EMPTY = rollup(())
_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS moving (
    node TEXT NOT NULL, site TEXT NOT NULL, slot TEXT NOT NULL, old_fill TEXT,
    new_fill TEXT, new_digest TEXT, new_moving TEXT, PRIMARY KEY (node, site, slot)
) WITHOUT ROWID"""
_MET = "LEFT JOIN entries AS e ON e.environment = ? AND e.node = m.node AND e.site = m.site AND e.slot = m.slot"
_OVERLAPS = f"""
SELECT DISTINCT m.node FROM moving AS m {_MET} WHERE coalesce(e.fill, '') <> coalesce(m.old_fill, '') ORDER BY m.node"""

_OF_OTHERS = """
SELECT 1 FROM entries AS e JOIN fills AS f ON f.id = e.fill
WHERE e.environment = ? AND e.node = ? AND f.version <> ? AND NOT EXISTS (
    SELECT 1 FROM moving AS m WHERE m.node = e.node AND m.site = e.site AND m.slot = e.slot
) LIMIT 1"""

_Facts = tuple[str, str, str, str, str]
"""What of a fill an entry must agree with: node, version, site, slot, digest."""


class _AboutNodes(Conflict):
    """A conflict that names nodes."""

    def __init__(self, *diagnostics: Diagnostic, nodes: Iterable[str] = ()) -> None:
        super().__init__(*diagnostics)
        self.nodes = frozenset(nodes)

    @classmethod
    def about(cls, code: str, nodes: Iterable[str], what: str, hint: str) -> Self:
        """Make the conflict: the nodes by name, and what is the matter with them."""
        names = sorted(nodes)
        return cls(error(code, f"{_named(names)} {what}".strip(), hint=hint), nodes=names)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), self.diagnostics, {"nodes": self.nodes})


class EntryConflict(_AboutNodes):
    """Entries that the mover replaces, or a check of its has read, have moved: recompute ``nodes`` and below."""


class CodeConflict(_AboutNodes):
    """The environment runs other code, or ``nodes`` have other versions, than the mover saw: plan again."""


def move(db: Database, move: Move, release_id: str) -> Release:
    """Compare and set a head in one durable transaction, and record the release.

    Raises CodeConflict, EntryConflict, or Conflict for a lost lease or a release id that exists; then nothing has
    changed. Raises Broken for a move that contradicts itself (an entry with another slot's fill).
    """
    with db.write() as connection:
        standing = _standing(connection, move)
        _check_fence(connection, move)
        _check_release_id(connection, release_id)
        _check_code(standing, move)
        _check_versions(standing, move)
        record_in(connection, move.fills)
        _stage(connection, move.changes)
        _check_fills(connection, standing, move)
        _check_entries(connection, standing, move)
        moved = _moved(connection, standing, move)
        return write_release(connection, move, release_id, standing, moved)


def _standing(connection: Connection, move: Move) -> Standing:
    number = take_number(connection, move.environment, move.at)
    code, parent = connection.execute(
        "SELECT e.code, r.id FROM environments AS e LEFT JOIN releases AS r ON r.seq = e.seq WHERE e.number = ?",
        (number,),
    ).fetchone()
    return Standing(number, code, parent, head_nodes(connection, number))


def _check_fence(connection: Connection, move: Move) -> None:
    if move.fence is None:
        return
    name, fence = move.fence
    row = connection.execute("SELECT fence FROM leases WHERE name = ?", (name,)).fetchone()
    if row != (fence,):
        hint = "somebody else took it after it had expired; start again"
        raise Conflict(error("HW0616", f"the lease `{name}` was lost before the move", hint=hint))


def _check_release_id(connection: Connection, release_id: str) -> None:
    if connection.execute("SELECT 1 FROM releases WHERE id = ?", (release_id,)).fetchone():
        raise Conflict(
            error("HW0617", f"the release `{release_id}` exists already", hint="look at it before you go on")
        )


def _check_code(standing: Standing, move: Move) -> None:
    if move.code_before is not None and move.code_before != standing.code:
        what = f"`{move.environment}` no longer runs the code that this was planned on"
        raise CodeConflict.about("HW0611", (), what, "plan again")


def _check_versions(standing: Standing, move: Move) -> None:
    expected: dict[str, Version | None] = {**move.expected_versions, **{v.node: v.old for v in move.versions}}
    differing = {node for node, version in expected.items() if _version(standing, node) != version}
    if differing:
        what = f"in `{move.environment}`: not the version that this was planned on"
        raise CodeConflict.about("HW0612", differing, what, "plan again")


def _version(standing: Standing, node: str) -> Version | None:
    found = standing.nodes.get(node)
    return found.version if found else None


def _stage(connection: Connection, changes: Iterable[Change]) -> None:
    connection.execute(_STAGE)
    connection.execute("DELETE FROM moving")
    rows = (
        (c.node, c.site, c.slot, c.old, c.new.fill, c.new.digest, c.new.moving)
        if c.new
        else (c.node, c.site, c.slot, c.old, None, None, None)
        for c in changes
    )
    connection.executemany("INSERT INTO moving VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _check_fills(connection: Connection, standing: Standing, move: Move) -> None:
    """Refuse fills that are unrecorded or condemned, of another version than the head will have, or of other slots."""
    after: dict[str, Version | None] = {node: found.version for node, found in standing.nodes.items()}
    after |= {change.node: change.new for change in move.versions}
    facts = _facts(connection, move)
    absent, foreign, wrong = set(), set(), set()
    for change in move.changes:
        if change.new is None:
            continue
        found = facts.get(change.new.fill)
        if found is None:
            absent.add(change.node)
        elif found[1] != after.get(change.node) and change.node not in move.carried:
            foreign.add(change.node)
        elif found != (change.node, found[1], change.site, change.slot, change.new.digest):
            wrong.add(change.node)
    _refuse(move, absent, foreign - absent, wrong)


def _facts(connection: Connection, move: Move) -> dict[str, _Facts]:
    """Look at the fills that a move brings, and at those it only names, unless they are condemned."""
    found: dict[str, _Facts] = {
        fill.id: (fill.node, fill.version, fill.site, fill.slot, fill.digest) for fill in move.fills
    }
    named = {change.new.fill for change in move.changes if change.new} - found.keys()
    query = "SELECT id, node, version, site, slot, digest FROM fills WHERE id IN ({})"
    for piece in chunks(sorted(named)):
        for fill, *facts in connection.execute(query.format(marks(len(piece))), piece):
            found[fill] = tuple(facts)
    for (fill,) in connection.execute("SELECT id FROM fills WHERE condemned = 1"):
        found.pop(fill, None)
    return found


def _refuse(move: Move, absent: set[str], foreign: set[str], wrong: set[str]) -> None:
    if absent:
        what = f"in `{move.environment}`: fills that are not recorded, or condemned by the janitor"
        raise EntryConflict.about("HW0614", absent, what, "run again; what is gone is computed anew")
    if foreign:
        what = f"in `{move.environment}`: not the version that these fills were made for"
        raise CodeConflict.about("HW0612", foreign, what, "plan again")
    if wrong:
        hint = "this is a defect of Headwater; please report it"
        raise Broken(error("HW0615", f"a move gives {_named(sorted(wrong))} fills of other slots", hint=hint))


def _check_entries(connection: Connection, standing: Standing, move: Move) -> None:
    overlaps = {node for (node,) in connection.execute(_OVERLAPS, (standing.number,))}
    overlaps |= _left_behind(connection, standing, move)
    overlaps |= {
        node
        for node, digest in move.expected_rollups.items()
        if (standing.nodes[node].rollup if node in standing.nodes else _EMPTY) != digest
    }
    if overlaps:
        what = f"in `{move.environment}` moved meanwhile"
        raise EntryConflict.about("HW0613", overlaps, what, "run again; what is filled is reused")


def _left_behind(connection: Connection, standing: Standing, move: Move) -> set[str]:
    """Find nodes whose version changes while entries of the old version would stay: somebody added them meanwhile."""
    replaced = dict(connection.execute("SELECT node, count(old_fill) FROM moving GROUP BY node"))
    # A table that goes back to the logic it had before a forward change may hold entries of it already.
    return {
        change.node
        for change in move.versions
        if change.old != change.new
        and change.node not in move.carried
        and change.node in standing.nodes
        and standing.nodes[change.node].slots != replaced.get(change.node, 0)
        and connection.execute(_OF_OTHERS, (standing.number, change.node, change.new or "")).fetchone()
    }


def _moved(connection: Connection, standing: Standing, move: Move) -> dict[str, HeadNode | None]:
    """Give the nodes that the move touches as they will be (None: they leave the head)."""
    versions = {change.node: change.new for change in move.versions}
    added, removed = _added(move), _removed(connection, standing.number)
    moved: dict[str, HeadNode | None] = {}
    for node in sorted({*versions, *added, *removed}):
        before = standing.nodes.get(node)
        version = versions[node] if node in versions else _version(standing, node)
        if version is None:
            moved[node] = None
            continue
        came, went = added.get(node, []), removed.get(node, [])
        moved[node] = HeadNode(
            version=version,
            rollup=shifted(before.rollup if before else _EMPTY, added=came, removed=went),
            slots=(before.slots if before else 0) + len(came) - len(went),
            settled=move.settled.get(node, ""),
        )
    for node in move.settled.keys() & standing.nodes.keys() - moved.keys():
        moved[node] = replace(standing.nodes[node], settled=move.settled[node])
    return moved


def _added(move: Move) -> dict[str, list[tuple[SlotKey, Digest]]]:
    found: dict[str, list[tuple[SlotKey, Digest]]] = {}
    for change in move.changes:
        if change.new:
            found.setdefault(change.node, []).append(((change.site, change.slot), change.new.digest))
    return found


def _removed(connection: Connection, number: int) -> dict[str, list[tuple[SlotKey, Digest]]]:
    found: dict[str, list[tuple[SlotKey, Digest]]] = {}
    query = f"SELECT m.node, m.site, m.slot, e.digest FROM moving AS m {_MET} WHERE e.fill IS NOT NULL"
    for node, site, slot, digest in connection.execute(query, (number,)):
        found.setdefault(node, []).append(((site, slot), digest))
    return found


def _named(nodes: Iterable[str], shown: int = 5) -> str:
    """Name nodes for people.

    >>> _named(["a", "b"]), _named("abcdefg")
    ('`a`, `b`', '`a`, `b`, `c`, `d`, `e` and 2 more')
    """
    names = [f"`{node}`" for node in nodes]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
