"""Real rows for a test of a model: which its inputs have, of which slot, and what ``$now`` is for them."""

from datetime import datetime, timedelta
from typing import Final

from headwater.app.checking import Checked
from headwater.app.unit_tests.questions import question_of
from headwater.app.unit_tests.running import DEFAULT_NOW
from headwater.app.unit_tests.served_inputs import served_inputs
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, Where, warning
from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Calendar, Interval
from headwater.plan.positions import extended
from headwater.run.engine import as_headwater_error
from headwater.run.relations import define
from headwater.run.unit_tests.choosing import Chosen, Moment, Question, best_slot, choose
from headwater.run.unit_tests.probing import MOST_ROWS, Laboratory, ProbedInput
from headwater.sql.text import literal, now_like, time_literal
from headwater.tasks.values import Relation

_MOST_SECONDS: Final = 600.0
_MOST_SLOTS: Final = 5000
_MOMENT: Final = timedelta(microseconds=1)


class RowChooser:
    """Chooses the rows of a test of one model; ``notes`` say afterwards what of the data was not looked at."""

    def __init__(self, workspace: Workspace, checked: Checked, node: Node) -> None:
        assert checked.graph is not None  # noqa: S101 - a sound check has both
        assert checked.project is not None  # noqa: S101 - a sound check has both
        self._workspace, self._graph, self._project, self._node = workspace, checked.graph, checked.project, node
        self._where = Where(node.file, node.line)
        self.notes: list[Diagnostic] = []

    def choose(self, environment: str, most: int) -> tuple[Chosen, Interval | None, datetime | None]:
        """Choose rows, the slot that they are of, and what ``$now`` is."""
        node, workspace = self._node, self._workspace
        relations, around = served_inputs(workspace, environment, self._graph, node)
        what = f"making a test of `{node.name}`"
        try:
            engine = workspace.engine
            with engine.session(node.timezone) as session, engine.deadline(session, _MOST_SECONDS, what):
                define(session, relations, around, {"now": literal(workspace.effects.clock())})
                laboratory = Laboratory(session, [self._probed(each, around.graph) for each in relations])
                self._require_rows(laboratory, environment)
                question = question_of(self._project, self._graph, node, most)
                slot = self._slot(laboratory, question) if node.kind == "incremental" else None
                now = self._now(laboratory, slot)
                return choose(laboratory, question, self._moment(slot, now)), slot, now
        except Exception as problem:
            raise as_headwater_error(problem, what, self._where, store=workspace.store) from problem

    def _probed(self, relation: Relation, served: Graph) -> ProbedInput:
        """Columns that the model reads, and the one that cuts its time; as the environment has them."""
        each = next(i for i in self._node.inputs if i.node == relation.name)
        node = next(n for n in served.nodes if n.name == relation.name)
        wanted = {*each.columns, relation.time.column if relation.time else ""}
        columns = tuple((c.name, c.type) for c in node.columns if "*" in wanted or c.name in wanted)
        return ProbedInput(relation=relation, columns=columns)

    def _require_rows(self, laboratory: Laboratory, environment: str) -> None:
        counts = laboratory.count()
        if not any(counts.values()):
            hint = "fill its inputs first (`headwater run`), or look at their sources"
            message = f"nothing that `{self._node.name}` reads has rows in `{environment}`: {', '.join(counts)}"
            raise Invalid.of("HW0674", message, self._where, hint=hint)
        for name in laboratory.truncated:
            message = f"`{name}` has more than {MOST_ROWS:,} rows: the test is made from {MOST_ROWS:,} of them"
            self.notes.append(warning("HW0675", message, self._where))

    def _slot(self, laboratory: Laboratory, question: Question) -> Interval:
        """Choose the slot whose rows take most branches; of several such the first."""
        cut = self._node.time
        assert cut is not None  # noqa: S101 - incremental models have one
        calendar = Calendar.of(cut.every, cut.timezone)
        first, last = self._span(laboratory, cut.start or DEFAULT_NOW)
        first, last = max(first, cut.start or first), min(last, cut.end or last)
        starts = list(calendar.starts(first, max(last, first + _MOMENT)))[-_MOST_SLOTS:]
        whole = (starts[0], calendar.next(starts[-1]))
        best = best_slot(laboratory, question, self._moment(whole, None), starts) if len(starts) > 1 else 0
        return starts[best], calendar.next(starts[best])

    def _span(self, laboratory: Laboratory, default: datetime) -> Interval:
        """From the first row to the last, of the inputs that are cut by time with the model."""
        spans = [laboratory.span(each.node) for each in self._node.inputs if each.cut]
        known = [span for span in spans if span is not None]
        first = min((span[0] for span in known), default=default)
        return first, max((span[1] for span in known), default=first) + _MOMENT

    def _now(self, laboratory: Laboratory, slot: Interval | None) -> datetime | None:
        """Fix ``$now`` where the model uses it: when its slot ends, or the day after its newest row."""
        if not now_like(self._node.query) and "now" not in self._node.parameters:
            return None
        if slot is not None:
            return slot[1]
        spans = [laboratory.span(each.name) for each in laboratory.inputs if each.relation.time is not None]
        newest = max((span[1] for span in spans if span), default=DEFAULT_NOW)
        return (newest + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    def _moment(self, slot: Interval | None, now: datetime | None) -> Moment:
        values = {name: literal(value) for name, value in self._graph.variables.items()}
        values["now"] = literal(now or DEFAULT_NOW)
        if slot is not None and self._node.time is not None:
            cut = self._node.time
            for name, at in zip(("start", "end"), slot, strict=True):
                values[name] = time_literal(at, cut.type, cut.timezone)
        intervals = {each.node: extended(each, slot) for each in self._node.inputs}
        return Moment(values=values, intervals=intervals)
