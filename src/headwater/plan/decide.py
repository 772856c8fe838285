"""The one rule of dueness, applied to each node in turn: what stays, what is taken, what is computed, what waits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headwater.graph.values import Input, Node
from headwater.plan.asked import asked_stretch, asks_for_all, is_again, left_to_others
from headwater.plan.calendar import Calendar, Interval, slot_of
from headwater.plan.knowledge import Knowledge, Options
from headwater.plan.links import fresh_of, unseen
from headwater.plan.movements import Movements, settling
from headwater.plan.overlays import Overlaid, Rest, rest_of
from headwater.plan.positions import Positions, Table, digest_of, extended
from headwater.plan.values import NodePlan, SourceFacts
from headwater.spec.addresses import ALL, HUB, Digest, FillId, Slot, Version, address, link_slot
from headwater.spec.fills import Entry, Mark
from headwater.spec.releases import Entries, Head, HeadNode, SlotKey, rollup, shifted


@dataclass(frozen=True, slots=True)
class _Want:
    """A slot with where its inputs stand."""

    key: SlotKey
    digest: Digest
    moving: Digest
    inputs: tuple[tuple[str, str], ...]
    is_ready: bool
    has_nonce: bool
    """Its position does not determine its rows, or is not to: a nonce is part of the fill's address."""


@dataclass(slots=True)
class _Decision:
    """What was decided so far for one node; becomes a NodePlan."""

    keep: dict[SlotKey, Entry] = field(default_factory=dict)
    reuse: dict[SlotKey, Entry] = field(default_factory=dict)
    build: dict[SlotKey, Entry] = field(default_factory=dict)
    inputs: dict[SlotKey, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    blocked: set[SlotKey] = field(default_factory=set)
    waiting: set[SlotKey] = field(default_factory=set)
    held: set[SlotKey] = field(default_factory=set)
    released: set[SlotKey] = field(default_factory=set)
    stuck: set[SlotKey] = field(default_factory=set)
    restated: set[SlotKey] = field(default_factory=set)
    ignored: set[SlotKey] = field(default_factory=set)
    fresh: tuple[Mark, ...] = ()
    begins_anew: bool = False
    """A chain whose past links leave once its new first one is there."""

    rest: Rest | None = None
    """What was not looked at, because nothing that it stands on has moved or nobody asked; None: all was."""
    is_partial: bool = False
    """Slots that were not looked at may be due."""

    def begin_anew(self, first: SlotKey) -> None:
        """Let all links go but the new first one."""
        self.restated.update(self.keep)
        self.keep.clear()
        for other in self.reuse.keys() - ({first} if first not in self.build else set()):
            del self.reuse[other]

    def chosen(self) -> Entries:
        changes = {**self.keep, **self.reuse, **self.build}
        return changes if self.rest is None else Overlaid(self.rest, changes)

    def stays(self) -> Entries:
        return self.keep if self.rest is None else Overlaid(self.rest, self.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Decides nodes in topological order; each decision is what the next nodes stand on."""

    head: Head
    sources: Mapping[str, SourceFacts]
    positions: Positions
    ranges: Mapping[str, Interval]
    knowledge: Knowledge
    options: Options
    now: datetime
    table_of: Callable[[str], Version | None]
    """The table that the head has of a node."""
    is_same_code: bool
    """Whether the head runs the very code that is planned."""
    movements: Movements

    def decide(self, node: Node) -> NodePlan:
        """Say what happens to one table, and let later nodes stand on it."""
        plan = self._decide(node)
        self.movements.add(plan)
        return plan

    def _decide(self, node: Node) -> NodePlan:
        at_head = self.head.nodes.get(node.name)
        known = at_head if at_head and self._is_same_table(node, at_head) else None
        settles = self._settles(node)
        if known and self._is_settled(node, known, settles):
            return self._leave(node, known, settles, is_whole=True)
        if known and self._is_left_out(node, known):
            return self._leave(node, known, "", is_whole=self._is_whole(node, known))
        return self._decide_slots(node, at_head, known, settles)

    def _is_left_out(self, node: Node, known: HeadNode) -> bool:
        selected = self.options.selected
        return selected is not None and node.name not in selected and known.version == node.version

    def _is_same_table(self, node: Node, at_head: HeadNode) -> bool:
        table = node.table or node.version
        if self.is_same_code or (table == node.version != at_head.version):
            return at_head.version == node.version
        return (self.table_of(node.name) or at_head.version) == table

    def _is_settled(self, node: Node, known: HeadNode, settles: str) -> bool:
        options = self.options
        refreshes = node.name in options.again or (options.refresh and (node.volatile or node.lookback_s > 0))
        releases = options.release_holds and any(name == node.name for name, _, _ in self.head.holds)
        return known.settled == settles and not refreshes and not releases

    def _leave(self, node: Node, known: HeadNode, settles: str, *, is_whole: bool) -> NodePlan:
        entries = self.head.entries_of
        table = Table(known.rollup, is_whole, lambda: entries(node.name), self.ranges.get(node.name))
        self.positions.add(node.name, table)
        return NodePlan(
            node=node,
            because="nothing moved" if settles else "not selected",
            head_version=known.version,
            settled=True,
            wanted=self.ranges.get(node.name),
            settles=settles,
        )

    def _is_whole(self, node: Node, known: HeadNode) -> bool:
        if known.slots == 0:
            return node.name in self.ranges and not any(True for _ in self._keys(node, {}))
        entries = self.head.entries_of(node.name)
        return node.kind == "links" or all(key in entries for key in self._keys(node, entries))

    def _decide_slots(self, node: Node, at_head: HeadNode | None, known: HeadNode | None, settles: str) -> NodePlan:
        old = self.head.entries_of(node.name) if at_head else {}
        current: Entries = old if known else {}
        decision = _Decision()
        if node.kind == "links":
            current = self._links(node, current, decision)
        wants = map(self._want_of(node, current), self._to_look_at(node, known, current, decision))
        due = [want for want in wants if self._is_due(node, want, current, decision, is_known=bool(known))]
        self._resolve(node, due, current, decision)
        chosen = decision.chosen()
        is_whole = not (decision.waiting - chosen.keys() or decision.blocked - chosen.keys())
        is_whole = is_whole and (not decision.is_partial or set(self._keys(node, chosen)).issubset(chosen))
        digest = _rollup(chosen, known)
        self.positions.add(node.name, Table(digest, is_whole, lambda: chosen, self.ranges.get(node.name)))
        is_settling = not (decision.blocked or decision.waiting or decision.stuck or decision.is_partial)
        return NodePlan(
            node=node,
            because="",
            head_version=at_head.version if at_head else None,
            continues=bool(known),
            is_partial=decision.is_partial,
            is_again=node.name in self.options.again,
            wanted=self.ranges.get(node.name),
            keep=decision.stays(),
            reuse=decision.reuse,
            build=decision.build,
            drop=frozenset((old.keys() if decision.rest is None else decision.rest.left(old)) - chosen.keys()),
            blocked=frozenset(decision.blocked),
            waiting=frozenset(decision.waiting),
            held=frozenset(decision.held),
            released=frozenset(decision.released),
            stuck=frozenset(decision.stuck),
            restated=frozenset(decision.restated),
            ignored=frozenset(decision.ignored),
            fresh=decision.fresh,
            inputs=decision.inputs,
            rollup=digest,
            settles=settles if is_settling else "",
        )

    def _to_look_at(
        self, node: Node, known: HeadNode | None, current: Entries, decision: _Decision
    ) -> Iterable[SlotKey]:
        """Give the slots that can be due: all, unless it is known what has moved, or only some were asked for."""
        if node.kind != "incremental" or known is None or known.version != node.version:
            return self._keys(node, current)
        is_whole = asks_for_all(self.options, node)
        found = self._since_settled(node, known)
        if found is None and is_whole:
            return self._keys(node, current)
        wanted, gone = found or (set[SlotKey](), set[SlotKey]())
        if not is_whole:
            decision.is_partial = True
            asked = self._asked(node)
            wanted, gone = (wanted & asked if found else asked), set()
        decision.rest = rest_of(current, frozenset(wanted | gone), known.slots)
        return sorted(wanted)

    def _since_settled(self, node: Node, known: HeadNode) -> tuple[set[SlotKey], set[SlotKey]] | None:
        """Give the slots that can be due, and those no longer wanted; None: all can."""
        options = self.options
        if node.volatile or node.lookback_s > 0 or options.release_holds or node.name in options.again:
            return None
        found = self.movements.since_settled(node, known, self.ranges[node.name])
        if found is None:
            return None
        wanted, gone = found
        return wanted | ({(site, slot) for name, site, slot in self.head.holds if name == node.name} - gone), gone

    def _asked(self, node: Node) -> set[SlotKey]:
        calendar = _calendar(node)
        is_left = left_to_others(self.options, node, calendar)
        stretch = asked_stretch(self.options, node, self.ranges[node.name])
        keys = ((HUB, slot_of(at)) for at in calendar.starts(*stretch))
        return {key for key in keys if not is_left(key)}

    def _links(self, node: Node, current: Entries, decision: _Decision) -> Entries:
        """Past links stay as they are; an environment without any takes another's chain."""
        taken = current or dict(self.knowledge.chain(node))
        (decision.keep if current else decision.reuse).update(taken)
        return self._once(node, taken, decision) if any(each.new for each in node.inputs) else taken

    def _once(self, node: Node, current: Entries, decision: _Decision) -> Entries:
        """Find the files that no link has read; a chain that has read one that is no longer there begins anew."""
        now = [mark for each in node.inputs if each.new for mark in self.positions.marks(each.node)]
        read = self.knowledge.read(node, [entry.fill for entry in current.values()])
        decision.fresh, has_gone = fresh_of(now, read)
        if node.chain and node.chain.ignores_restated:
            decision.fresh = unseen(decision.fresh, read)
        elif has_gone:
            decision.fresh = tuple(now)
            decision.begins_anew = True
            return {}
        return current

    def _keys(self, node: Node, current: Entries) -> Iterable[SlotKey]:
        if node.kind == "full":
            return [(HUB, ALL)]
        if node.kind == "links":
            return [(HUB, link_slot(len(current) + 1))]
        start, end = self.ranges[node.name]
        return ((HUB, slot_of(at)) for at in _calendar(node).starts(start, end))

    def _want_of(self, node: Node, current: Entries) -> Callable[[SlotKey], _Want]:
        last = current[max(current)].fill if node.kind == "links" and current else ""
        calendar = _calendar(node) if node.kind == "incremental" else None
        oldest = self.now - timedelta(seconds=node.lookback_s)

        def want(key: SlotKey) -> _Want:
            interval = calendar.interval(key[1]) if calendar else None
            found = [(each, self.positions.of_input(each, interval)) for each in node.inputs]
            inputs = tuple(sorted((each.node, str(position.digest)) for each, position in found))
            moving = sorted((each.node, str(position.digest)) for each, position in found if each.moving)
            recent = bool(node.lookback_s and interval and interval[1] > oldest)
            drifts = node.volatile or recent or node.kind == "links"
            again = is_again(self.options, node, interval)
            nonce = [("now", self.now.isoformat() + last)] if drifts else []
            nonce += [("again", self.options.nonce)] if again else []
            # Rows of another logic in the same table: those that stand on them must tell them apart.
            logic = [("logic", node.version)] if node.table and node.version != node.table else []
            return _Want(
                key,
                digest_of(inputs, *nonce, *logic),
                Digest(address(*(f"{name}={at}" for name, at in moving))),
                inputs,
                all(position.ready for _, position in found),
                drifts or again,
            )

        return want

    def _is_due(self, node: Node, want: _Want, current: Entries, decision: _Decision, *, is_known: bool) -> bool:
        entry, key = current.get(want.key), want.key
        hold = self.head.holds.get((node.name, *key))
        if entry:
            decision.keep[key] = entry
        if hold is not None:
            # Its inputs stand where the rejected fill stood, or, taken back themselves, where the kept one stands.
            has_not_moved = want.moving in {hold, entry.moving if entry else hold} or not want.is_ready
            if has_not_moved and is_known and not self.options.release_holds:
                decision.held.add(key)
                return False
            decision.released.add(key)
        if node.kind == "links":
            return self._is_link_due(node, want, current, decision)
        if entry and node.chain and node.chain.ignores_restated:
            if entry.moving != want.moving:
                decision.ignored.add(key)
            return False
        is_refreshed = self.options.refresh and want.has_nonce
        if entry and entry.moving == want.moving and not is_refreshed:
            return False
        if not want.is_ready:
            decision.waiting.add(key)
            return False
        return True

    def _is_link_due(self, node: Node, want: _Want, current: Entries, decision: _Decision) -> bool:
        """The next link is due when the inputs no longer stand where they stood at the last one."""
        last = current[max(current)] if current else None
        if last and any(each.new for each in node.inputs):
            if not decision.fresh:
                return False
        elif last and last.moving == want.moving and not (self.options.refresh and node.volatile):
            return False
        if not want.is_ready:
            decision.waiting.add(want.key)
            return False
        return True

    def _resolve(self, node: Node, due: list[_Want], current: Entries, decision: _Decision) -> None:
        entries = {want.key: self._entry(node, want, current) for want in due}
        ids = [entry.fill for entry in entries.values()]
        sealed = self.knowledge.sealed(node, ids) if ids else frozenset()
        refused = self.knowledge.refused(node, sorted(sealed)) if sealed else frozenset()
        for want in due:
            key, entry = want.key, entries[want.key]
            if current.get(key) == entry:
                continue
            if node.name in self.options.withheld or entry.fill in refused:
                decision.blocked.add(key)
            elif entry.fill in sealed:
                decision.reuse[key] = entry
            elif self._stands_on_vanished(node, key[1], decision.fresh):
                decision.stuck.add(key)
            else:
                decision.build[key] = entry
            if key in decision.reuse or key in decision.build:
                if decision.begins_anew:
                    decision.begin_anew(key)
                if decision.keep.pop(key, None):
                    decision.restated.add(key)
                decision.inputs[key] = want.inputs
        self._refuse_drifted(node, current, decision)

    def _refuse_drifted(self, node: Node, current: Entries, decision: _Decision) -> None:
        """Whether a fill drifts depends on what stands before it, so it is asked last, of the table as it will be."""
        taken = frozenset(decision.reuse)
        for key in self.knowledge.drifted(node, decision.chosen(), taken, current) if taken else ():
            del decision.reuse[key]
            decision.inputs.pop(key, None)
            decision.blocked.add(key)
            if key in current:
                decision.keep[key] = current[key]

    def _entry(self, node: Node, want: _Want, current: Entries) -> Entry:
        if want.has_nonce and not self.options.refresh and not current and node.kind != "links":
            same = self.knowledge.latest(node, want.key, want.moving)
            if same:
                return same
        fill = FillId(address(node.version, *want.key, want.digest))
        return Entry(fill, want.digest, want.moving)

    def _stands_on_vanished(self, node: Node, slot: Slot, fresh: Sequence[Mark]) -> bool:
        interval = _calendar(node).interval(slot) if node.kind == "incremental" else None
        if any(identity in self.sources[source].vanished for source, identity, _ in fresh):
            return True
        return any(self._has_vanished(each, interval) for each in node.inputs if not each.new)

    def _has_vanished(self, each: Input, reader: Interval | None) -> bool:
        interval = extended(each, reader)
        view = self.positions.view(each.node)
        if view is not None:
            return any(self._has_vanished(below, interval) for below in view.inputs)
        facts = self.sources.get(each.node)
        if facts is None or not facts.vanished:
            return False
        if interval is None:
            return True
        return any(item.identity in facts.vanished for _, item in self.positions.items_within(each.node, *interval))

    def _settles(self, node: Node) -> str:
        """Address of all that dueness depends on: equal to the recorded one, nothing can be due."""
        inputs = ((each.node, self.positions.whole(each.node)) for each in node.inputs)
        return settling(node, self.ranges.get(node.name), inputs)


def _rollup(chosen: Entries, known: HeadNode | None) -> Digest:
    if known is None or not isinstance(chosen, Overlaid):
        return rollup((key, entry.digest) for key, entry in chosen.items())
    rest = chosen.rest
    removed = ((key, rest.head[key].digest) for key in rest.left(rest.head))
    added = ((key, entry.digest) for key, entry in chosen.changes.items())
    return shifted(known.rollup, added=added, removed=removed)


def _calendar(node: Node) -> Calendar:
    assert node.time is not None  # noqa: S101 - incremental nodes have one, or do not compile
    return Calendar.of(node.time.every, node.time.timezone)
