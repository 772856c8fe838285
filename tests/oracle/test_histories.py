"""Random histories against the oracle of the core model.

After every step: each newly served fill equals a rebuild from files and tables that were there; a fill never changes;
no served row is refused by the release's checks; nothing is due straight after a run that met no conflict, and then
every table equals a plain build of the release on the current files.
"""

import os
import random
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headwater.app.janitor import janitor
from headwater.diagnostics import Conflict, Invalid
from headwater.events import Phase as Entered
from headwater.graph.values import Graph
from headwater.run.context import FillBook
from headwater.run.packs.reading import own_select
from tests.harness import Project
from tests.oracle.processes import start
from tests.oracle.world import (
    CUT,
    DAY,
    EVENTS,
    EXACT,
    FIRST,
    FOLDED,
    NAMES,
    ORDER,
    WINDOW_DAYS,
    Code,
    Data,
    aware,
    build,
    build_all,
    days_of,
    naive,
    ordered,
    served,
    slot_rows,
    write_code,
    write_ledger,
    write_project,
)

ENVIRONMENTS = ("dev", "prod", "small")
environments = st.sampled_from(ENVIRONMENTS)
EXAMPLES = int(os.environ.get("HEADWATER_CHAOS_EXAMPLES", "25"))
STEPS = int(os.environ.get("HEADWATER_CHAOS_STEPS", "25"))


class Histories(RuleBasedStateMachine):
    """What users, files, clocks and crashes do to a project."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="headwater-oracle-"))
        self.project = Project(self.root / "p", now=aware(FIRST + 3 * DAY + timedelta(hours=12)))
        self.code, self.data = Code(), Data()
        self.codes: dict[str, Code] = {}
        self.codes_of_version: dict[str, Code] = {}
        self.number = 0
        self.rows_of_fill: dict[str, list] = {}
        self.past: list[tuple[Data, dict]] = []
        self.datas: list[Data] = [self.data]
        self.saved: list[tuple] = []
        self.unsettled: set[str] = set(ENVIRONMENTS)
        self.touched: set[str] = set()
        self.rolled_back: dict[str, tuple] = {}

    def teardown(self) -> None:
        self.project.reopen()
        shutil.rmtree(self.root, ignore_errors=True)

    # Files

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        write_project(self.project)
        self.project.file("names", "names.csv", list(NAMES), self.data.names)
        chance = random.Random(seed)
        for day in range(4):
            self._add(self._rows(chance, day))
        write_code(self.project, self.code)

    @rule(rows=st.lists(st.integers(-9, 9), min_size=1, max_size=3))
    def rows_in_a_database(self, rows: list) -> None:
        """What a landed source gives only once."""
        first = len(self.data.ledger) + 1
        ledger = (*self.data.ledger, *enumerate(rows, first))
        write_ledger(self.project, ledger[first - 1 :])
        self._know(replace(self.data, ledger=ledger))

    @rule(value=st.integers(1, 9), column=st.sampled_from(["", "shade", "size"]))
    def a_file_with_a_column_that_nobody_declared(self, value: int, column: str) -> None:
        number = len(self.data.marks)
        columns, row = (["id", column], (value, number)) if column else (["id"], (value,))
        self.project.file("marks", f"m{number}.csv", columns, [row])
        self._know(replace(self.data, marks=(*self.data.marks, value)))

    @rule(day=st.integers(0, 9), seed=st.integers(0, 1000), bad=st.booleans())
    def late_file(self, day: int, seed: int, bad: bool) -> None:
        self._add(self._rows(random.Random(seed), day % self._days(), bad=bad and seed % 3 == 0))

    @precondition(lambda self: self.data.files)
    @rule(which=st.integers(0, 99), seed=st.integers(0, 1000))
    def rewritten_file(self, which: int, seed: int) -> None:
        name = self._pick(which)
        chance = random.Random(seed)
        self._put(name, self._rows(chance, chance.randrange(self._days())))

    @precondition(lambda self: self.data.files)
    @rule(which=st.integers(0, 99))
    def same_content_at_a_second_path(self, which: int) -> None:
        name, self.number = self._pick(which), self.number + 1
        copy = f"f{self.number}.csv"
        os.link(self.root / "p/data/events" / name, self.root / "p/data/events" / copy)
        self._know(self.data.with_file(copy, self.data.files[name]))

    @precondition(lambda self: len(self.data.files) > 1)
    @rule(which=st.integers(0, 99))
    def vanished_file(self, which: int) -> None:
        name = self._pick(which)
        self.project.remove(f"data/events/{name}")
        self._know(self.data.without(name))

    @rule(seed=st.integers(0, 1000))
    def new_day(self, seed: int) -> None:
        self.project.later(days=1)
        self._add(self._rows(random.Random(seed), self._days() - 1))

    @rule(word=st.sampled_from(["null", "nil", "zip"]))
    def names_change(self, word: str) -> None:
        names = ((0, word), *self.data.names[1:])
        self.project.file("names", "names.csv", list(NAMES), names)
        self._know(replace(self.data, names=names))

    # Code

    @rule(factor=st.integers(1, 3))
    def change_a_model(self, factor: int) -> None:
        self._change(replace(self.code, factor=factor))

    @rule(floor=st.integers(0, 2), note=st.integers(0, 1))
    def change_models_below(self, floor: int, note: int) -> None:
        self._change(replace(self.code, floor=floor, note=note))

    @rule(limit=st.sampled_from([20, 1000]), most=st.sampled_from([2, 100_000]))
    def change_checks(self, limit: int, most: int) -> None:
        self._change(replace(self.code, limit=limit, most=most))

    @rule(bonus=st.integers(0, 2), extra=st.booleans())
    def change_a_model_forward(self, bonus: int, extra: bool) -> None:
        """A column that is there cannot go again: that would be no forward change."""
        self._change(replace(self.code, bonus=bonus, extra=extra or self.code.extra))

    # What a user does

    @rule(environment=environments)
    def apply(self, environment: str) -> None:
        self._apply(self.project, environment)

    @rule(environment=environments)
    def run(self, environment: str) -> None:
        if self._run(self.project, environment):
            self._expect_settled(environment)

    @rule(environment=environments)
    def plan(self, environment: str) -> None:
        head = self.project.head(environment)
        self.project.plan(environment)
        after = self.project.head(environment)
        assert (head.release, head.code, head.holds) == (after.release, after.code, after.holds)

    @rule(environment=environments)
    def save_a_plan(self, environment: str) -> None:
        head = self.project.head(environment)
        graph = self._codes_of(environment)
        self.saved.append((environment, graph, head.code))

    @precondition(lambda self: self.saved)
    @rule(which=st.integers(0, 99))
    def apply_a_saved_plan_late(self, which: int) -> None:
        environment, graph, base = self.saved.pop(which % len(self.saved))
        moved = self.project.head(environment).code != base
        try:
            self._note(environment, self.project.apply(environment, graph=graph, base=base, fails=None))
            self._touch(environment)
            assert not moved, "a plan whose base has moved was applied"
        except Conflict:
            assert moved, "a plan on an unmoved base was refused"

    @rule(environment=environments, data=st.booleans())
    def roll_back(self, environment: str, data: bool) -> None:
        self._roll_back(environment, None, data)

    @rule(environment=environments, seed=st.integers(0, 1000))
    def reject_what_a_run_brought(self, environment: str, seed: int) -> None:
        """Rows that a run brought are taken back, and stay back: the next run leaves them alone."""
        self._add([*self._rows(random.Random(seed), 0), (FIRST, 1, 1)])
        if not self._run(self.project, environment):
            return
        before = self.project.history(environment)[0]
        self._roll_back(environment, None, data=True)
        if before.kind == "run" and not WINDOW_DAYS[environment]:
            served_then = served(self.project, environment)
            self._run(self.project, environment)
            assert served(self.project, environment) == served_then, "a run brought back what was taken back"

    @rule(environment=environments, data=st.booleans(), which=st.integers(0, 99))
    def roll_back_to(self, environment: str, data: bool, which: int) -> None:
        releases = self.project.history(environment)
        if releases:
            self._roll_back(environment, releases[which % len(releases)].id, data)

    @rule(environment=environments)
    def release_holds(self, environment: str) -> None:
        if self._run(self.project, environment, release_holds=True):
            assert not self.project.head(environment).holds
            self._expect_settled(environment)

    @rule()
    def janitor(self) -> None:
        try:
            janitor(self.project.workspace, dry_run=False)
        except Conflict:
            return
        self.project.later(minutes=1)

    # Several at once, and crashes

    @rule(
        environment=environments, other=environments, what=st.sampled_from(["run", "apply", "file"]), late=st.booleans()
    )
    def something_happens_in_the_middle_of_a_run(self, environment: str, other: str, what: str, late: bool) -> None:
        second = Project(self.root / "p", now=self.project.now, tokens=f"s{self.number}x")
        self.number += 1
        happened: list[str] = []

        def happen() -> None:
            happened.append(what)
            if what == "file":
                self._add(self._rows(random.Random(self.number), 0))
            elif what == "run":
                self._run(second, other, wait_s=0)
            else:
                self._apply(second, other, wait_s=0)

        middle = "move" if late else "build"
        self.project.when(lambda e: isinstance(e, Entered) and e.name == middle, happen)
        done = self._run(self.project, environment)
        self.project._hooks.clear()
        second.reopen()
        if done and not happened:
            self._expect_settled(environment)
        self.unsettled.add(other)

    @rule(environment=environments, command=st.sampled_from(["apply", "run"]), at=st.integers(0, 40))
    def killed(self, environment: str, command: str, at: int) -> None:
        self._codes_of(environment)
        process = start(self.project.root, self.project.now, command, environment, kill_at=at)
        process.join()
        self.project.later(minutes=2)  # its leases end
        self._touch(environment)

    @rule(one=environments, other=environments, commands=st.tuples(*[st.sampled_from(["apply", "run"])] * 2))
    def two_processes(self, one: str, other: str, commands: tuple[str, str]) -> None:
        for environment in (one, other):
            self._codes_of(environment)
        both = [start(self.project.root, self.project.now, c, e) for c, e in zip(commands, (one, other), strict=True)]
        for process in both:
            process.join()
            assert process.exitcode == 0
        self._touch(one, other)

    # The oracle

    @invariant()
    def what_is_served_was_built_from_what_was_there(self) -> None:
        for environment in sorted(self.touched):
            head = self.project.head(environment)
            if head.code:
                self._verify(environment, head)
        self.touched.clear()

    def _verify(self, environment: str, head) -> None:
        code = self.codes[head.code]
        tables = self._served(environment, head)
        self.past.append((self.data, tables))
        for node in ORDER:
            if node in CUT or node in FOLDED:
                self._verify_fills(node, environment, head, code, tables)
        assert all(v <= code.limit for _, _, v in tables["clean"]), "a refused row is served"
        assert len(tables["everything"]) <= code.most, "a refused map is served"

    def _verify_fills(self, node: str, environment: str, head, code: Code, tables: dict) -> None:
        if node not in head.nodes:
            return
        book = FillBook(self.project.workspace.db, self.project.workspace.store)
        entries = head.entries_of(node)
        book.load(entry.fill for entry in entries.values())
        for (_, slot), entry in entries.items():
            fill = book[entry.fill]
            rows = self._rows_of(fill)
            known = self.rows_of_fill.setdefault(entry.fill, rows)
            assert known == rows, f"fill {entry.fill} of {node} {slot} changed"
            if known is rows:
                note(f"{environment} {node} {slot} {entry.fill[:6]}")
                self._verify_rebuild(node, slot, rows, self.codes_of_version.get(fill.version, code), tables)

    def _verify_rebuild(self, node: str, slot: str, rows: list, code: Code, tables: dict) -> None:
        worlds = (
            [(data, tables) for data in reversed(self.datas)] if node in {"clean", "named", "landed", "marked"} else []
        )
        if node == "log":  # what came first, of which nothing else may be left
            clean = [row for data in self.datas for rows in data.files.values() for row in rows]
            first, last = min(clean)[0], max(clean)[0] + DAY
            worlds = [(d, {"clean": slot_rows("clean", code, d, {}, first, last)}) for d in reversed(self.datas)]
        worlds += [(self.data, tables), *reversed(self.past)]
        tried = []
        for data, above in worlds:
            expected = self._slot(node, slot, code, data, above)
            if expected == rows:
                return
            if len(tried) < 3:
                tried.append(expected)
        raise AssertionError(f"{node} {slot} holds {rows}, which no past gives; for instance {tried}")

    def _slot(self, node: str, slot: str, code: Code, data: Data, above: dict) -> list:
        if node in CUT:
            at = datetime.fromisoformat(slot[:-1])
            return slot_rows(node, code, data, above, at, at + CUT[node] * DAY)
        return build(node, code, data, above, naive(self.project.now), "dev")

    def _expect_settled(self, environment: str) -> None:
        head = self.project.head(environment)
        due = self.project.due(environment)
        assert not due, f"due straight after a run: {due}"
        if head.holds or environment in self.unsettled:
            return
        found, code = served(self.project, environment), self.codes[head.code]
        expected = build_all(code, self.data, naive(self.project.now), environment)
        for node in EXACT:
            assert found[node] == expected[node], f"{environment} {node}"
        assert found["ahead_days"] == build("ahead_days", code, self.data, found, naive(self.project.now), environment)
        now_known = sorted(row[:2] for row in found["known"] if row[3] is None)
        assert now_known == sorted(self.data.names), f"{environment} known"
        pile = sorted(row for rows in self.data.files.values() for row in rows)
        assert found["pile"] == pile, f"{environment} pile"
        assert sorted(row[0] for row in found["marks_all"]) == sorted(self.data.marks), f"{environment} marks_all"
        self._expect_named(environment, found, expected, code)
        self._expect_what_it_remembers("log", environment, found, [(code, data) for data in self.datas])
        self._expect_what_it_remembers(
            "ahead", environment, found, [(each, self.data) for each in set(self.codes.values())]
        )

    def _expect_what_it_remembers(self, node: str, environment: str, found: dict, worlds: list) -> None:
        """Each slot as some code gave it from the files of some time."""
        at, last = days_of(node, naive(self.project.now), environment)
        width = max((len(row) for row in found[node]), default=0)
        while at < last:
            options = []
            for code, data in worlds:
                clean = slot_rows("clean", code, data, {}, at, at + DAY)
                rows = slot_rows(node, code, data, {"clean": clean}, at, at + DAY)
                options.append(ordered([(*row, *[None] * (width - len(row))) for row in rows]))
            assert ordered([row for row in found[node] if at <= row[0] < at + DAY]) in options, f"{node} {at}"
            at += DAY

    def _expect_named(self, environment: str, found: dict, expected: dict, code: Code) -> None:
        """Joined as of the run: each slot with the names of some time."""
        at, last = days_of("named", naive(self.project.now), environment)
        while at < last:
            rows = [row for row in found["named"] if at <= row[0] < at + DAY]
            options = [slot_rows("named", code, data, expected, at, at + DAY) for data in self.datas]
            assert rows in options, f"named {at}"
            at += DAY

    # How

    def _apply(self, project: Project, environment: str, **more) -> None:
        self._codes_of(environment)
        try:
            self._note(environment, project.apply(environment, fails=None, **more))
        except (Conflict, Invalid) as problem:
            note(f"apply {environment}: {problem}")
        self._touch(environment)

    def _run(self, project: Project, environment: str, **more) -> bool:
        """Run; True if nothing failed and nothing was refused."""
        held = self._held(environment) if not more else {}
        try:
            outcome = project.run(environment, fails=None, **more)
        except (Conflict, Invalid) as problem:
            note(f"run {environment}: {problem}")
            self._touch(environment)
            return False
        self._note(environment, outcome)
        self._touch(environment)
        assert held.items() <= self._held(environment).items(), "a run filled a slot that is held"
        if outcome.exit_code == 0:
            self.unsettled.discard(environment)
        return outcome.exit_code == 0

    def _held(self, environment: str) -> dict:
        """What stands in held slots, as long as neither files nor days have moved since the rollback that held them."""
        if WINDOW_DAYS[environment] or self.rolled_back.get(environment) != (len(self.datas), self.project.now):
            return {}  # a window that moved on takes slots away, which moves what reads them
        head = self.project.head(environment)
        keys = {(node, (site, slot)) for node, site, slot in head.holds}
        return {(node, key): head.entries_of(node).get(key) for node, key in keys}

    def _roll_back(self, environment: str, to: str | None, data: bool) -> None:
        try:
            if not self.project.due(environment):
                self.rolled_back[environment] = (len(self.datas), self.project.now)
            self.project.rollback(environment, to=to, data=data)
        except (Conflict, Invalid) as problem:
            note(f"rollback {environment}: {problem}")
        self._touch(environment)

    def _note(self, environment: str, outcome) -> None:
        note(f"{environment}: exit {outcome.exit_code}, {[d.message for d in outcome.diagnostics]}")
        computed = [fill.id for receipt in outcome.settled.receipts for fill in receipt.fills]
        assert len(computed) == len(set(computed)), "a fill was computed twice in one run"

    def _codes_of(self, environment: str) -> Graph:
        graph = self.project.graph(environment)
        self.codes[graph.digest] = self.code
        self.codes_of_version |= {node.version: self.code for node in graph.nodes if node.name == "ahead"}
        return graph

    def _touch(self, *names: str) -> None:
        self.touched |= set(names)

    def _change(self, code: Code) -> None:
        self.code = code
        write_code(self.project, code)

    def _served(self, environment: str, head) -> dict:
        del head
        return served(self.project, environment)

    def _rows_of(self, fill) -> list:
        store = self.project.workspace.store
        with self.project.workspace.engine.session() as session:
            table = session.run(own_select(store, [fill])).to_arrow_table()
            return ordered([tuple(row.values()) for row in table.to_pylist()])

    def _rows(self, chance: random.Random, day: int, *, bad: bool = False) -> list:
        at = FIRST + day * DAY
        rows = [
            (at + timedelta(minutes=chance.randrange(1440)), chance.randrange(4), chance.randrange(7))
            for _ in range(chance.randrange(4))
        ]
        return [*rows, (at, 0, 900)] if bad else rows

    def _add(self, rows: list) -> None:
        self.number += 1
        self._put(f"f{self.number}.csv", rows)

    def _put(self, name: str, rows: list) -> None:
        self.project.file("events", name, list(EVENTS), rows)
        self._know(self.data.with_file(name, rows))

    def _know(self, data: Data) -> None:
        self.data = data
        self.datas.append(data)

    def _pick(self, which: int) -> str:
        names = sorted(self.data.files)
        return names[which % len(names)]

    def _days(self) -> int:
        return (naive(self.project.now) - FIRST).days + 1


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_histories_for_as_long_as_asked():
    """``make chaos``: new random histories until the time is up."""
    until = time.monotonic() + 60 * float(os.environ.get("HEADWATER_CHAOS_MINUTES", "1"))
    while time.monotonic() < until:
        run_state_machine_as_test(Histories, settings=settings(TestHistories.settings, max_examples=50, database=None))


TestHistories = Histories.TestCase
TestHistories.pytestmark = [pytest.mark.timeout(1800)]
TestHistories.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
