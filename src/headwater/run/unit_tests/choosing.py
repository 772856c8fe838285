"""Chooses the rows of a test: few that take all branches, some made up where there are none, guarded values masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headwater.diagnostics import Diagnostic, Where, warning
from headwater.graph.drafts import place as place_in
from headwater.graph.mistakes import characters
from headwater.plan.calendar import Interval
from headwater.run.unit_tests.covering import Key, Witness, cover, thinned
from headwater.run.unit_tests.inventing import Invented, Inventor, Known, added, constants_of
from headwater.run.unit_tests.masking import Masker, Place, grouped
from headwater.run.unit_tests.probing import Cell, Laboratory, Rows, find_probes
from headwater.spec.nodes import Model
from headwater.spec.project import Variable
from headwater.sql.branches import Branch
from headwater.sql.outline import Json
from headwater.sql.text import time_literal
from headwater.sql.tree import Unclear

_HANDFUL: Final = 3
"""Rows of each input where branches say nothing."""
_MOST_OTHERS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What rows are looked for."""

    model: Model
    where: Where
    most: int
    query: Json | None
    """The parsed query, macros expanded; None where there is none that can be taken apart, and ``unclear`` says why."""
    unclear: str = ""
    guarded: frozenset[Place] = frozenset()
    """Input columns whose values must not be shown."""
    equated: Sequence[tuple[Place, Place]] = ()
    required: frozenset[Place] = frozenset()
    variables: Mapping[str, Variable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The slot that is looked at: literals of the query's parameters, and each input's interval."""

    values: Mapping[str, str]
    intervals: Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows of each input, remarks on those that were made up, the branches taken, and what is missing."""

    rows: dict[str, list[Cell]]
    remarks: Mapping[tuple[str, int], str]
    covered: tuple[tuple[Where, str], ...]
    notes: tuple[Diagnostic, ...]


def best_slot(laboratory: Laboratory, question: Question, whole: Moment, starts: Sequence[datetime]) -> int:
    """Give the place of the slot whose rows take most branches (where branches say nothing: which has most rows)."""
    laboratory.look_at(whole.intervals)
    _probe(laboratory, question, whole)
    found = laboratory.by_slot(starts, [name for name, interval in whole.intervals.items() if interval])
    branches = laboratory.branches

    def value(slot: int) -> tuple[int, int]:
        taken = found[slot]
        return sum(not branches[key].is_optional for key in taken), len(taken)

    if not branches:
        return next(iter(found), len(starts) - 1)  # the first is the one with most rows
    return min(sorted(found), key=lambda slot: (tuple(-n for n in value(slot)), slot), default=len(starts) - 1)


def choose(laboratory: Laboratory, question: Question, moment: Moment) -> Chosen:
    """Choose the rows of a test from those of a slot."""
    return _Chooser(laboratory, question, moment).chosen()


def _probe(laboratory: Laboratory, question: Question, moment: Moment) -> str:
    """Put the query's probes to use; gives why that cannot be, or nothing."""
    if question.query is None:
        return question.unclear
    try:
        laboratory.use_probes(find_probes(laboratory.session, question.query), moment.values)
    except Unclear as why:
        return str(why)
    return ""


class _Chooser:
    def __init__(self, laboratory: Laboratory, question: Question, moment: Moment) -> None:
        self._laboratory, self._question, self._moment = laboratory, question, moment
        self._notes: list[Diagnostic] = []
        self._possible = frozenset[Key]()
        self._is_full = False

    def chosen(self) -> Chosen:
        laboratory = self._laboratory
        laboratory.look_at(self._moment.intervals)
        unclear = _probe(laboratory, self._question, self._moment)
        if unclear:
            message = f"the query of `{self._question.model.name}` cannot be taken apart ({unclear}): a sample is taken"
            self._notes.append(warning("HW0675", message, self._question.where))
        rows = laboratory.fetch(self._numbers())
        taken = self._taken(rows)
        invented = self._invented(rows, self._missed(taken))
        rows = added(rows, invented)
        before = self._taken(rows)
        rows, taken = self._masked(rows, before)
        self._report({key: each for key, each in self._missed(taken).items() if key not in before})
        return Chosen(
            rows=rows,
            remarks={(each.input, _place_of(each, rows)): self._remark(each) for each in invented},
            covered=tuple(
                sorted(
                    {
                        (self._place(key), laboratory.branches[key].name)
                        for key in _without_stand_ins(taken, laboratory.branches)
                    }
                )
            ),
            notes=tuple(self._notes),
        )

    def _taken(self, rows: Rows) -> frozenset[Key]:
        """Give the branches that rows take, all by themselves."""
        self._laboratory.put(rows, self._moment.intervals)
        return self._laboratory.taken(cell.number for cells in rows.values() for cell in cells)

    def _missed(self, taken: frozenset[Key]) -> dict[Key, Branch]:
        """Give the branches that should be taken, and are not."""
        branches = self._laboratory.branches
        have = {_name(branches[key]) for key in taken}
        stood_in = {(branches[key].instead, branches[key].offset) for key in taken if branches[key].instead}
        wanted = {key: each for key, each in branches.items() if not each.is_optional}
        return {key: each for key, each in wanted.items() if _name(each) not in have | stood_in}

    def _numbers(self) -> list[int]:
        """Give the rows to take."""
        laboratory, most = self._laboratory, self._question.most
        witnesses = laboratory.witnesses()
        possible = frozenset[Key]().union(*(each.takes for each in witnesses))
        wanted = _without_stand_ins(possible, laboratory.branches)
        if len(wanted) <= 1:  # that a row comes through says nothing
            return laboratory.first(max(1, min(_HANDFUL, most // len(laboratory.inputs))))[:most]
        self._possible = possible
        numbers = self._completed(cover(witnesses, wanted), witnesses, wanted)
        taken = self._taken(laboratory.fetch(numbers)) & wanted
        numbers = thinned(numbers, lambda rows: taken <= laboratory.taken(rows))
        if len(numbers) <= most:
            return numbers
        self._is_full = True
        return cover(witnesses, wanted, most)

    def _completed(self, numbers: list[int], witnesses: Sequence[Witness], wanted: set[Key]) -> list[int]:
        """Add rows for branches that the chosen ones, all by themselves, do not take: others may do."""
        taken = self._taken(self._laboratory.fetch(numbers))
        for key in sorted(wanted - taken):
            if key in taken:
                continue
            others = sorted((each.rows for each in witnesses if key in each.takes), key=len)
            for rows in others[-_MOST_OTHERS:]:
                more = sorted({*numbers, *rows})
                took = self._taken(self._laboratory.fetch(more))
                if key in took and not (taken & wanted) - took:
                    numbers, taken = more, took
                    break
        return numbers

    def _invented(self, rows: Rows, missed: dict[Key, Branch]) -> list[Invented]:
        room = self._question.most - sum(map(len, rows.values()))
        inventor = Inventor(self._laboratory.inputs, self._taken, self._missed)
        known = Known(self._question.variables, self._question.required)
        return inventor.invent(rows, missed, known)[: max(0, room)] if missed else []

    def _report(self, missed: Mapping[Key, Branch]) -> None:
        for key, branch in missed.items():
            who, hint = "no row takes this branch", "write a row for it by hand, if it can happen"
            if key in self._possible:
                who = "real rows take this branch, but not these few"
                hint = f"raise `--rows` (it is {self._question.most})" if self._is_full else hint
            self._notes.append(warning("HW0677", f"{who}: {branch.name}", self._place(key), hint=hint))

    def _place(self, key: Key) -> Where:
        model = self._question.model
        return place_in(model, characters(model.query, self._laboratory.branches[key].offset))

    def _remark(self, each: Invented) -> str:
        name = self._laboratory.branches[each.key].name
        return f"made up: {name}" if each.key in self._possible else f"made up, no real row does: {name}"

    def _masked(
        self, rows: dict[str, list[Cell]], wanted: frozenset[Key]
    ) -> tuple[dict[str, list[Cell]], frozenset[Key]]:
        """Mask what is guarded; gives the branches that are left, too."""
        laboratory, question = self._laboratory, self._question
        types = {(each.name, column): type_ for each in laboratory.inputs for column, type_ in each.columns}
        groups = [group & types.keys() for group in grouped(question.guarded & types.keys(), self._pairs(types))]
        if not groups:
            return rows, wanted
        masker = Masker(types, lambda trial: len(self._taken(trial) & wanted), len(wanted), self._fixed(types))
        masked = masker.mask(rows, groups, self._texts()).rows
        left = self._taken(masked)
        for key in sorted(wanted - left):
            message = f"{laboratory.branches[key].name}: not once guarded columns are masked"
            hint = "write a row for it by hand, with values that are nobody's"
            self._notes.append(warning("HW0679", message, self._place(key), hint=hint))
        return masked, left

    def _pairs(self, types: Mapping[Place, str]) -> Sequence[tuple[Place, Place]]:
        """Columns that are compared; where the query cannot say, those of one name."""
        if self._question.query is not None and not self._question.unclear:
            return self._question.equated
        return [(one, other) for one in types for other in types if one < other and one[1] == other[1]]

    def _fixed(self, types: Mapping[Place, str]) -> dict[Place, str]:
        """A guarded time that cuts slots must stay in its slot: all rows get its start."""
        found: dict[Place, str] = {}
        for each in self._laboratory.inputs:
            cut, interval = each.relation.time, self._moment.intervals.get(each.name)
            if cut is not None and interval is not None:
                literal = time_literal(interval[0], cut.type, cut.timezone)
                found[each.name, cut.column] = (
                    literal.partition("'")[2].partition("'")[0].replace(" ", "T").replace("+00:00", "Z")
                )
        return {place: text for place, text in found.items() if place in types}

    def _texts(self) -> list[str]:
        """Texts that the query holds."""
        if self._question.query is None:
            return []
        found = (each for each in constants_of(self._question.query) if isinstance(each, str))
        return list(dict.fromkeys(text.replace("%", "").replace("_", "x") for text in found))


def _name(branch: Branch) -> tuple[str, int]:
    return branch.name, branch.offset


def _place_of(each: Invented, rows: Rows) -> int:
    return next(at for at, cell in enumerate(rows[each.input]) if cell.number == each.cell.number)


def _without_stand_ins(possible: frozenset[Key], branches: Mapping[Key, Branch]) -> set[Key]:
    """A looser branch counts only where its stricter one cannot be taken."""
    strict = {_name(branches[key]) for key in possible}
    return {key for key in possible if (branches[key].instead, branches[key].offset) not in strict}
