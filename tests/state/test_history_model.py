"""Random moves of two environments against plain dictionaries: heads, roll-ups, every earlier map, rebuilding."""

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from headwater.spec.addresses import HUB, Slot, Version
from headwater.spec.fills import Entry, Fill
from headwater.spec.releases import Change, Move, Release, VersionChange, rollup
from headwater.state import audit
from headwater.state.database import open_database
from headwater.state.environments import create, delete
from headwater.state.heads import read_head
from headwater.state.health import examine
from headwater.state.janitor import condemn, forget, missing_rows, unreferenced
from headwater.state.moves import CodeConflict, EntryConflict
from headwater.state.releases import history, map_at
from headwater.state.repair import rebuild, release_document
from tests.state.making import NOON, entry, fill, first, later, release
from tests.state.places import NewPlace

NODES, SLOTS, POSITIONS = ["a", "b", "c"], ["s1", "s2", "s3"], ["p1", "p2", "p3"]
Maps = dict[str, dict[tuple[str, str], Entry]]
Snapshot = tuple[dict[str, str], Maps, str]


def offered(**planned: object) -> MultipleResults[Move]:
    """A plan that does something; one that does nothing is not worth a step."""
    return multiple(Move(at=NOON, by="ada", **planned)) if planned["changes"] else multiple()


class Histories(RuleBasedStateMachine):
    """``heads`` is the whole model: environment → (versions, maps, code)."""

    releases = Bundle("releases")
    plans = Bundle("plans")

    def __init__(self, new_place: NewPlace) -> None:
        super().__init__()
        self.new_place = new_place

    @initialize(target=releases)
    def begin(self) -> str:
        self.db = open_database(self.new_place())
        self.heads: dict[str, Snapshot] = {}
        self.fills: dict[str, Fill] = {}
        self.recorded: set[str] = set()
        self.past: dict[str, tuple[str, Snapshot]] = {}
        self.seconds = 0
        made = [self.made(node, slot, "p1", "v1") for node in NODES for slot in SLOTS[:2]]
        return self.move(first(*made))

    def teardown(self) -> None:
        self.db.close()

    def head(self, environment: str) -> Snapshot:
        versions, maps, code = self.heads.get(environment, ({}, {}, ""))
        return dict(versions), {node: dict(found) for node, found in maps.items()}, code

    def made(self, node: str, slot: str, position: str, version: str) -> Fill:
        found = fill(node, slot, position, version)
        self.fills[found.id] = found
        return found

    @rule(
        target=plans,
        environment=st.sampled_from(["dev", "prod"]),
        wanted=st.dictionaries(
            st.tuples(st.sampled_from(NODES), st.sampled_from(SLOTS)), st.sampled_from([*POSITIONS, None]), min_size=1
        ),
    )
    def plan_a_run(self, environment: str, wanted: dict[tuple[str, str], str | None]) -> MultipleResults[Move]:
        """A run sees the head now, and moves later."""
        versions, maps, _ = self.head(environment)
        changes, fills = [], []
        for (node, slot), position in wanted.items():
            old = maps.get(node, {}).get((HUB, slot))
            new = self.made(node, slot, position, versions[node]) if position and node in versions else None
            if old or new:
                fills += [new] if new else []
                changes.append(
                    Change(
                        node=node,
                        site=HUB,
                        slot=Slot(slot),
                        old=old.fill if old else None,
                        new=entry(new) if new else None,
                    )
                )
        expected = {change.node: Version(versions[change.node]) for change in changes}
        return offered(
            environment=environment,
            kind="run",
            expected_versions=expected,
            changes=tuple(changes),
            fills=tuple(fills),
        )

    @rule(
        target=plans,
        environment=st.sampled_from(["dev", "prod"]),
        wanted=st.dictionaries(st.sampled_from(NODES), st.sampled_from(["v1", "v2", None]), min_size=1),
        slots=st.sets(st.sampled_from(SLOTS)),
        code=st.sampled_from(["c1", "c2"]),
    )
    def plan_an_apply(
        self, environment: str, wanted: dict[str, str | None], slots: set[str], code: str
    ) -> MultipleResults[Move]:
        """An apply changes versions, and all entries of the nodes it changes."""
        versions, maps, before = self.head(environment)
        differing = {node: new for node, new in wanted.items() if versions.get(node) != new}
        changes, fills = [], []
        for node, version in differing.items():
            old = maps.get(node, {})
            for slot in sorted({slot for _, slot in old} | (slots if version else set())):
                new = self.made(node, slot, "p1", version) if version and slot in slots else None
                fills += [new] if new else []
                was = old.get((HUB, slot))
                changes.append(
                    Change(
                        node=node,
                        site=HUB,
                        slot=Slot(slot),
                        old=was.fill if was else None,
                        new=entry(new) if new else None,
                    )
                )
        return offered(
            environment=environment,
            kind="apply",
            code_before=before,
            code=code,
            graph=code.encode(),
            versions=tuple(
                VersionChange(node=node, old=versions.get(node), new=new) for node, new in differing.items()
            ),
            changes=tuple(changes),
            fills=tuple(fills),
        )

    @rule(target=plans, name=releases)
    def plan_a_rollback(self, name: str) -> MultipleResults[Move]:
        environment, (versions, maps, code) = self.past[name]
        now, held, before = self.head(environment)
        keys = sorted({(n, s) for m in (maps, held) for n, found in m.items() for _, s in found})
        changes = [
            Change(node=n, site=HUB, slot=Slot(s), old=old.fill if old else None, new=new)
            for n, s in keys
            for old, new in [(held.get(n, {}).get((HUB, s)), maps.get(n, {}).get((HUB, s)))]
            if old != new
        ]
        differing = [n for n in {**now, **versions} if now.get(n) != versions.get(n)]
        return offered(
            environment=environment,
            kind="rollback",
            code_before=before,
            code=code,
            versions=tuple(VersionChange(node=n, old=now.get(n), new=versions.get(n)) for n in differing),
            changes=tuple(changes),
        )

    @rule(target=releases, planned=consumes(plans))
    def carry_out(self, planned: Move) -> str:
        return self.move(planned)

    @rule(target=releases, one=consumes(plans), other=consumes(plans))
    def carry_out_both(self, one: Move, other: Move) -> MultipleResults[str]:
        return multiple(self.move(one), self.move(other))

    def move(self, planned: Move) -> str:
        """A plan succeeds exactly if all it compares is as it was; else the conflict names what is not."""
        versions, maps, code = self.head(planned.environment)
        self.seconds += 1
        expected = {**planned.expected_versions, **{v.node: v.old for v in planned.versions}}
        stale_code = planned.code_before is not None and planned.code_before != code
        stale_versions = {node for node, version in expected.items() if versions.get(node) != version}
        brought = self.recorded | {found.id for found in planned.fills}
        gone = {c.node for c in planned.changes if c.new and c.new.fill not in brought}
        foreign = self.foreign(planned, versions)
        stale = self.stale_entries(planned, maps)
        made = self.attempt(replace(planned, at=later(self.seconds)))
        if isinstance(made, CodeConflict):
            assert stale_code or stale_versions or foreign
            assert made.nodes == (set() if stale_code else stale_versions or foreign - gone)
        if isinstance(made, EntryConflict):
            assert made.nodes == (gone or stale)
        if not isinstance(made, Release):
            return self.last(planned.environment)
        assert (stale_code, stale_versions, gone, foreign, stale) == (False, set(), set(), set(), set())
        self.recorded |= brought
        self.heads[planned.environment] = self.after(planned)
        self.past[made.id] = (planned.environment, self.head(planned.environment))
        return made.id

    def attempt(self, planned: Move) -> Release | CodeConflict | EntryConflict:
        try:
            return release(self.db, planned)
        except (CodeConflict, EntryConflict) as conflict:
            return conflict

    def foreign(self, planned: Move, versions: dict[str, str]) -> set[str]:
        after = {**versions, **{v.node: v.new for v in planned.versions}}
        return {c.node for c in planned.changes if c.new and self.fills[c.new.fill].version != after.get(c.node)}

    def stale_entries(self, planned: Move, maps: Maps) -> set[str]:
        stale = set()
        for change in planned.changes:
            found = maps.get(change.node, {}).get((change.site, change.slot))
            if (found.fill if found else None) != change.old:
                stale.add(change.node)
        for changed in planned.versions:
            touched = {(c.site, c.slot) for c in planned.changes if c.node == changed.node}
            if set(maps.get(changed.node, {})) - touched:
                stale.add(changed.node)
        return stale

    def after(self, planned: Move) -> Snapshot:
        versions, maps, code = self.head(planned.environment)
        for change in planned.versions:
            versions.pop(change.node, None)
            if change.new:
                versions[change.node] = change.new
        for change in planned.changes:
            maps.setdefault(change.node, {}).pop((change.site, change.slot), None)
            if change.new:
                maps[change.node][change.site, change.slot] = change.new
        return versions, {node: maps.get(node, {}) for node in versions}, planned.code or code

    def last(self, environment: str) -> str:
        found = [name for name, (where, _) in self.past.items() if where == environment]
        return found[-1] if found else self.nothing(environment)

    def nothing(self, environment: str) -> str:
        """The state before the first release stands for a release where there is none yet."""
        name = f"before {environment}"
        self.past.setdefault(name, (environment, ({}, {}, "")))
        return name

    @rule(keep=st.integers(0, 5))
    def tidy(self, keep: int) -> None:
        found = unreferenced(self.db, later(self.seconds - keep), frozenset())
        gone = condemn(self.db, [fill.id for fill in found], keep_after=later(self.seconds - keep))
        assert gone == {fill.id for fill in found}
        forget(self.db, gone)
        self.recorded -= gone

    @rule(parent=st.sampled_from(["dev", "prod"]))
    def branch(self, parent: str) -> None:
        create(self.db, "pr", at=later(self.seconds), parent=parent, like=None, expires=None)
        pr, origin = read_head(self.db, "pr"), read_head(self.db, parent)
        assert (pr.nodes, pr.code) == (origin.nodes, origin.code)
        delete(self.db, "pr")

    @rule()
    def rebuild(self) -> None:
        records = [json.loads(json.dumps(release_document(self.db, r.id))) for r in history(self.db, None, 1000)]
        alive = [self.fills[name] for name in self.recorded]
        with open_database(self.new_place()) as again:
            assert rebuild(again, alive, records) == ()
            assert history(again, None, 1000) == history(self.db, None, 1000)
            for environment in self.heads:
                head, before = read_head(again, environment), read_head(self.db, environment)
                assert head == before
                assert all(head.entries_of(node) == before.entries_of(node) for node in head.nodes)

    @invariant()
    def heads_are_as_the_model_says(self) -> None:
        for environment, (versions, maps, code) in self.heads.items():
            head = read_head(self.db, environment)
            assert head.code == code
            assert {node: found.version for node, found in head.nodes.items()} == versions
            for node, found in head.nodes.items():
                assert head.entries_of(node) == maps[node]
                assert found.slots == len(maps[node])
                assert found.rollup == rollup((key, e.digest) for key, e in maps[node].items())

    @invariant()
    def every_earlier_map_can_be_given_back(self) -> None:
        for name, (environment, snapshot) in self.past.items():
            found = map_at(self.db, environment, None if name.startswith("before") else name)
            assert found == snapshot
            if not name.startswith("before"):
                needed = {e.fill for entries in snapshot[1].values() for e in entries.values()}
                assert missing_rows(self.db, name) == bool(needed - self.recorded)

    @invariant()
    def the_state_is_sound(self) -> None:
        assert examine(self.db) == ()
        assert audit.verify(self.db)[1] is None


def test_heads_and_history_are_as_the_model_says(new_place: NewPlace) -> None:
    is_file = isinstance(new_place(), Path)  # a schema of Postgres takes a tenth of a second to make
    chosen = settings(max_examples=40 if is_file else 8, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: Histories(new_place), settings=chosen)
