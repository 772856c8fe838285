"""Drift checks at work: fills are measured once, and judged by what stood before them in the environment."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from headwater.graph.values import Check, Graph, Node
from headwater.plan import drift
from headwater.plan.calendar import Calendar
from headwater.plan.knowledge import Drifted
from headwater.plan.reasons import added_checks, by_name
from headwater.plan.values import NodePlan, Plan
from headwater.run.context import FillBook
from headwater.run.engine import Engine
from headwater.run.measuring import drift_checks, measurements_of, verdict_of
from headwater.run.quality.guarding import Guarded, explained
from headwater.run.relations import Surroundings, create_macros
from headwater.run.worker import fill_select
from headwater.spec.addresses import HUB, Slot
from headwater.spec.quality import Measurement
from headwater.spec.releases import Entries, SlotKey, Verdict
from headwater.sql.text import bind_parameters, literal, quote_literal
from headwater.state.database import Database
from headwater.state.fills import record
from headwater.state.measurements import earlier_fills, last_entries, measurements, record_measurements
from headwater.state.verdicts import record_verdicts, verdicts

_FILLS_A_QUERY: Final = 100
_MOST_LATE: Final = 2
"""Last slots that are looked at again, because they had not ended when they were filled."""
_NOT_OVER: Final = "the slot has not ended"
_RELEASES_A_MEASUREMENT: Final = 4
"""Releases looked back on for each measurement of a whole table: some brought other versions, or went back."""


@dataclass(slots=True)
class Book:
    """Measurements by (fill, metric): of this run, and what was asked of the state."""

    db: Database
    known: dict[tuple[str, str], Measurement] = field(default_factory=dict)
    fresh: list[Measurement] = field(default_factory=list)
    """Those of this run, which the move records."""
    asked: set[tuple[str, str]] = field(default_factory=set)
    """What the state was asked for."""

    def fetch(self, fills: Iterable[str], checks: Iterable[Check]) -> None:
        """Ask the state for what is not known yet."""
        metrics = {check.drift.metric for check in checks if check.drift}
        wanted = {(fill, metric) for fill in fills for metric in metrics} - self.known.keys() - self.asked
        missing = sorted({fill for fill, _ in wanted})
        self.asked |= wanted
        if missing:
            self.known |= measurements(self.db, missing, metrics)

    def add(self, measured: Iterable[Measurement]) -> None:
        """Take what was measured just now."""
        for each in measured:
            self.fresh.append(each)
            self.known[each.fill, each.metric] = each


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A node's fills as they are to be, what they replace, and which of them are to be judged."""

    node: Node
    environment: str
    series: drift.Series
    book: Book
    late: frozenset[SlotKey] = frozenset()
    """Kept slots that have ended since they were filled."""
    unfinished: frozenset[SlotKey] = frozenset()
    """Slots that have not ended: they pass, and are judged later."""

    @property
    def is_cut(self) -> bool:
        return self.node.kind != "full"

    def needed(self, check: Check) -> list[str]:
        """Fills whose measurements judging needs, as far as that is known before."""
        assert check.drift is not None  # noqa: S101 - of drift checks only
        if self.is_cut:
            return list(drift.needed_before(self.series, check.drift.over, self._season(check)).values())
        return [*self._earlier(check), *self.series.fills.values()]

    def judge(self, check: Check) -> Iterator[drift.Found]:
        """Judge by what is in the book; what is not there is not judged."""
        rule = check.drift
        assert rule is not None  # noqa: S101 - of drift checks only
        value = self._value(check)
        if self.is_cut:
            refuses = check.on_fail == "block"
            yield from drift.judge_series(self.series, rule, value, season=self._season(check), refuses=refuses)
            return
        for key in sorted(self.series.judged):
            found = drift.judge_whole(self.series.fills[key], key, self._earlier(check), rule, value)
            if found is not None:
                yield found

    def _earlier(self, check: Check) -> tuple[str, ...]:
        most = _RELEASES_A_MEASUREMENT * (check.drift.over if check.drift else 1)
        return earlier_fills(self.book.db, self.environment, self.node.name, most)

    def _value(self, check: Check) -> drift.Value:
        rule, calendar = check.drift, _calendar(self.node)
        assert rule is not None  # noqa: S101 - of drift checks only

        def value(fill: str, key: SlotKey) -> float | None:
            if (fill, rule.metric) not in self.book.known:
                self.book.fetch([fill], [check])
            found = self.book.known[fill, rule.metric]
            if not self.is_cut and found.version != self.node.version:
                raise KeyError(fill)
            if not rule.is_age or found.value is None:
                return found.value
            seen = calendar.interval(key[1])[1] if calendar else found.at
            return seen.timestamp() - found.value

        return value

    def _season(self, check: Check) -> Callable[[Slot], str]:
        cut = self.node.time
        if check.drift is None or not check.drift.season or cut is None:
            return lambda _: ""
        return lambda slot: drift.time_of_week(slot, cut)


def guard_drift(
    plan: Plan, old: Graph | None, book: Book, engine: Engine, around: Surroundings, fills: FillBook
) -> Guarded:
    """Measure and judge all taken fills, kept fills where checks were added, and slots that have ended since.

    What a check has read is the measurement and its history, so a verdict can be made again from the state. Slots are
    judged in their order: one that is refused is history to none after it.
    """
    fresh: list[Verdict] = []
    failing: list[Verdict] = []
    before = by_name(old)
    for each in plan.nodes.values():
        checks = drift_checks(each.node)
        table = _table(plan, before.get(each.node.name), each, checks, book) if checks else None
        if table is None:
            continue
        missing = _unmeasured(table, checks)
        fills.load(missing)
        book.add(_measure(plan, table.node, checks, missing, engine, around))
        found = [(verdict, key) for check in checks for verdict, key in _verdicts(table, check)]
        record_verdicts(book.db, [verdict for verdict, key in found if key in table.late], plan.now)
        fresh += [verdict for verdict, _ in found]
        failing += [v for v, key in found if v.failing and v.on_fail == "block" and key not in table.late]
    if failing:
        # A plan is made again, and judges by what is known; refused fills stay in the lake, as known ones.
        record_measurements(book.db, book.fresh)
        record(book.db, [fills[verdict.subject] for verdict in failing], at=plan.now)
    return Guarded(tuple(fresh), tuple(failing))


def drifted(db: Database, environment: str, now: datetime) -> Drifted:
    """Give a function that says which existing fills a blocking drift check refuses, from what was measured of them."""

    def refused(node: Node, chosen: Entries, taken: frozenset[SlotKey], current: Entries) -> frozenset[SlotKey]:
        blocking = [check for check in drift_checks(node) if check.on_fail == "block"]
        if not blocking or not taken:
            return frozenset()
        judged = frozenset(key for key in taken if not _is_open(node, key, now))
        book = Book(db)
        series = drift.Series(fills=_ids(chosen), before=_ids(current), judged=judged)
        table = _Table(node=node, environment=environment, series=series, book=book)
        book.fetch((fill for check in blocking for fill in table.needed(check)), blocking)
        found = (each for check in blocking for each in table.judge(check))
        return frozenset(each.key for each in found if each.judgement.standing == "unlike")

    return refused


def _ids(entries: Entries) -> dict[SlotKey, str]:
    return {key: str(entry.fill) for key, entry in entries.items()}


def _calendar(node: Node) -> Calendar | None:
    return Calendar.of(node.time.every, node.time.timezone) if node.time and node.kind == "incremental" else None


def _is_open(node: Node, key: SlotKey, now: datetime) -> bool:
    """Whether a slot has not ended: how many rows it will have, nobody knows yet."""
    calendar = _calendar(node)
    return calendar is not None and calendar.interval(key[1])[1] > now


def _table(plan: Plan, old: Node | None, each: NodePlan, checks: tuple[Check, ...], book: Book) -> _Table | None:
    """Say what of a node is to be judged; None if nothing is."""
    name = each.node.name
    taken = frozenset((*each.reuse, *each.build))
    late = _late(plan, each, checks, book.db) - taken
    is_added = plan.changes_code and not set(checks).isdisjoint(added_checks(old, each.node))
    if not (taken or late or is_added):
        return None
    current = plan.head.entries_of(name) if name in plan.head.nodes else {}
    chosen = current if each.settled else each.chosen
    asked = frozenset(chosen) if is_added else taken | late
    unfinished = frozenset(key for key in asked if _is_open(each.node, key, plan.now))
    before = current if each.continues or each.settled else {}
    series = drift.Series(fills=_ids(chosen), before=_ids(before), judged=asked - unfinished)
    return _Table(
        node=each.node, environment=plan.environment, series=series, book=book, late=late, unfinished=unfinished
    )


def _unmeasured(table: _Table, checks: tuple[Check, ...]) -> list[str]:
    """Fills of the table that must be measured first: their rows are in the lake, as those of long ago may not be."""
    needed = dict.fromkeys(fill for check in checks for fill in table.needed(check))
    table.book.fetch(needed, checks)
    metrics = [check.drift.metric for check in checks if check.drift]
    here = {*table.series.fills.values(), *table.series.before.values()}
    return [
        fill for fill in needed if fill in here and any((fill, metric) not in table.book.known for metric in metrics)
    ]


def _measure(
    plan: Plan, node: Node, checks: tuple[Check, ...], missing: list[str], engine: Engine, around: Surroundings
) -> Iterator[Measurement]:
    """Measure fills: all metrics of many fills in one query."""
    if not missing:
        return
    now = {"now": literal(plan.now)}
    values = {name: literal(value) for name, value in plan.graph.variables.items()} | now
    measured = {check.drift.metric: bind_parameters(check.failing, values) for check in checks if check.drift}
    expressions = ", ".join(f"CAST(({each}) AS DOUBLE)" for each in measured.values())
    with explained(node, around), engine.session(node.timezone) as session:
        create_macros(session, plan.graph, list(measured.values()), now)
        for first in range(0, len(missing), _FILLS_A_QUERY):
            selects = [
                f"SELECT {quote_literal(fill)}, {expressions} FROM ({fill_select(around.fills[fill], around)}) AS this"
                for fill in missing[first : first + _FILLS_A_QUERY]
            ]
            for fill, *found in session.rows(" UNION ALL ".join(selects)):
                yield from measurements_of(node, fill, measured, found, plan.now)


def _late(plan: Plan, each: NodePlan, checks: tuple[Check, ...], db: Database) -> frozenset[SlotKey]:
    """Find kept slots that had not ended when they were taken, and have now."""
    if each.is_new or each.node.kind != "incremental":
        return frozenset()
    last = last_entries(db, plan.environment, each.node.name, HUB, _MOST_LATE)
    gone = {*each.drop, *each.reuse, *each.build}
    ended = {key: fill for key, fill in last.items() if key not in gone and not _is_open(each.node, key, plan.now)}
    seen: dict[str, set[str]] = {}
    for subject, _, reads in verdicts(db, ended.values(), [check.address for check in checks]):
        seen.setdefault(subject, set()).add(reads)
    return frozenset(key for key, fill in ended.items() if seen.get(fill) == {drift.OPEN})


def _verdicts(table: _Table, check: Check) -> Iterator[tuple[Verdict, SlotKey]]:
    node, fills = table.node, table.series.fills
    for key in sorted(table.unfinished):
        verdict = verdict_of(node, check, fills[key], 0, reads=drift.OPEN, slot=key[1])
        yield replace(verdict, detail=_NOT_OVER), key
    assert check.drift is not None  # noqa: S101 - of drift checks only
    for found in table.judge(check):
        failing = int(found.judgement.standing == "unlike")
        verdict = verdict_of(node, check, found.fill, failing, reads=found.reads, slot=found.key[1])
        yield replace(verdict, detail=drift.told(check.drift, found)), found.key
