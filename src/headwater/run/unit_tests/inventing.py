"""Rows for branches that no real row takes: a real row with one value changed to what the query compares it with."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from headwater.run.unit_tests.covering import Key
from headwater.run.unit_tests.probing import TABLES, Cell, ProbedInput, Rows
from headwater.spec.project import Variable
from headwater.sql.branches import Branch
from headwater.sql.outline import Json
from headwater.sql.provenance import within
from headwater.sql.type_names import parse_type

_FIRST: Final = 1 << 50
"""Numbers of rows that were made up begin here."""
_MOST_TRIALS: Final = 200
_BASES: Final = 2
_NUMERIC: Final = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


@dataclass(frozen=True, slots=True)
class Invented:
    """A row that was made up: in which input, and for which branch."""

    input: str
    cell: Cell
    key: Key


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of values: the project's variables, and input columns that are never NULL."""

    variables: Mapping[str, Variable]
    required: Collection[tuple[str, str]]


class Inventor:
    """Tries changed copies of rows: one is kept if with it the rows take a branch more, and none less.

    ``taken`` says which branches rows take, ``missed`` which are missing then.
    """

    def __init__(
        self,
        inputs: Sequence[ProbedInput],
        taken: Callable[[Rows], frozenset[Key]],
        missed: Callable[[frozenset[Key]], Mapping[Key, Branch]],
    ) -> None:
        self._inputs, self._taken, self._missed = inputs, taken, missed
        self._trials = 0
        self._next = _FIRST

    def invent(self, rows: Rows, wanted: Mapping[Key, Branch], known: Known) -> list[Invented]:
        """Give rows for as many of the wanted branches as can be had so."""
        found: list[Invented] = []
        taken = self._taken(rows)
        for key, branch in wanted.items():
            if key not in self._missed(taken) or branch.about is None:
                continue
            for name, cell in self._candidates(branch.about, rows, known):
                self._trials += 1
                if self._trials > _MOST_TRIALS:
                    return found
                took = self._taken(added(rows, [*found, Invented(name, cell, key)]))
                if key not in self._missed(took) and not taken - took:
                    found.append(Invented(name, cell, key))
                    taken = took
                    break
        return found

    def _candidates(self, about: Json, rows: Rows, known: Known) -> Iterator[tuple[str, Cell]]:
        names = [each["column_names"][-1].casefold() for each in within(about) if each.get("class") == "COLUMN_REF"]
        constants = [*constants_of(about), *_parameters(about, known.variables)]
        for number, each in enumerate(self._inputs):
            for column, type_ in each.columns:
                if column.casefold() not in names or _cuts(each, column):
                    continue
                is_required = (each.name, column) in known.required
                for value in dict.fromkeys(_values(type_, constants, is_required=is_required)):
                    for base in rows.get(each.name, ())[:_BASES]:
                        yield each.name, self._copy(number, base, column, value)

    def _copy(self, number: int, base: Cell, column: str, value: Any) -> Cell:
        self._next += 1
        return Cell(self._next * TABLES + number, {**base.values, column: value})


def _parameters(about: Json, variables: Mapping[str, Variable]) -> list[Any]:
    named = {name.lower(): value for name, value in variables.items()}
    used = [str(each["identifier"]).lower() for each in within(about) if each.get("class") == "PARAMETER"]
    return [named[name] for name in used if named.get(name) is not None]


def added(rows: Rows, more: Sequence[Invented]) -> dict[str, list[Cell]]:
    """Give rows with those that were made up behind them."""
    made = {name: list(cells) for name, cells in rows.items()}
    for each in more:
        made.setdefault(each.input, []).append(each.cell)
    return made


def _cuts(each: ProbedInput, column: str) -> bool:
    return each.relation.time is not None and each.relation.time.column == column


def constants_of(about: Json) -> list[Any]:
    """Give the constants in an expression, as Python values."""
    found: list[Any] = []
    for each in within(about):
        if each.get("class") != "CONSTANT" or each["value"].get("is_null", True):
            continue
        value, type_ = each["value"].get("value"), each["value"]["type"]
        if type_["id"] == "DECIMAL" and isinstance(value, int):
            value = Decimal(value).scaleb(-int(type_["type_info"]["scale"]))
        if isinstance(value, int | float | str | Decimal):
            found.append(value)
    return found


def _values(type_: str, constants: Sequence[Any], *, is_required: bool) -> Iterator[Any]:
    """What a column could hold to make a comparison with a constant come out otherwise."""
    head = parse_type(type_).head
    if head == "BOOLEAN":
        yield from (True, False)
    elif head == "VARCHAR":
        texts = [each for each in constants if isinstance(each, str)]
        yield from (text.replace("%", "").replace("_", "x") for text in texts)
        yield from (f"other than {len(texts)}",)
    elif any(word in head for word in _NUMERIC):
        yield from _numbers(constants, is_whole="INT" in head)
    elif head in {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}:
        yield from _moments(constants, head)
    if not is_required:
        yield None


def _numbers(constants: Sequence[Any], *, is_whole: bool) -> Iterator[Any]:
    for each in constants:
        if not isinstance(each, str) and not isinstance(each, bool):
            for value in (each, each + 1, each - 1):
                yield int(value) if is_whole else value if isinstance(value, int) else float(value)


def _moments(constants: Sequence[Any], head: str) -> Iterator[str]:
    for each in constants:
        try:
            at = datetime.fromisoformat(str(each))
        except ValueError:
            continue
        for moved in (at, at + timedelta(days=1), at - timedelta(days=1)):
            text = moved.date().isoformat() if head == "DATE" else moved.isoformat()
            yield text + "Z" if head == "TIMESTAMP WITH TIME ZONE" and moved.tzinfo is None else text
