"""Masks the guarded columns of a few rows so that the rows still take the branches that they took."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.run.unit_tests.disguising import Disguise
from headwater.run.unit_tests.probing import Cell, Rows

Place = tuple[str, str]
"""(input, column)"""
_SALTS: Final = 8
_MOST_TRIALS: Final = 300


@dataclass(frozen=True, slots=True)
class Masked:
    """Rows whose guarded columns hold stand-ins, and how many of the wanted branches they still take."""

    rows: dict[str, list[Cell]]
    score: int


class Masker:
    """Looks for stand-ins. ``score`` counts the wanted branches that rows take, ``enough`` is as many as there are.

    ``fixed`` columns have one value that stands in for all.
    """

    def __init__(
        self, types: Mapping[Place, str], score: Callable[[Rows], int], enough: int, fixed: Mapping[Place, str]
    ) -> None:
        self._types, self._score, self._enough, self._fixed = types, score, enough, fixed
        self._trials = 0

    def mask(self, rows: Rows, groups: Sequence[frozenset[Place]], constants: Sequence[str]) -> Masked:
        """Mask the columns of all groups; those of one group are compared with each other and get the same stand-ins.

        ``constants`` are texts that the query itself holds: the last resort for a branch that asks for one of them.
        """
        salts = dict.fromkeys(range(len(groups)), 0)
        best = Masked(self._applied(rows, groups, salts), -1)
        for salt in range(_SALTS):
            best = self._better(best, self._applied(rows, groups, dict.fromkeys(salts, salt)))
            if best.score >= self._enough:
                return best
        for group in salts:
            for salt in range(1, _SALTS):
                made = self._applied(rows, groups, salts | {group: salt})
                better = self._better(best, made)
                if better is not best:
                    best, salts = better, salts | {group: salt}
        return self._from_constants(best, groups, constants)

    def _better(self, best: Masked, rows: dict[str, list[Cell]]) -> Masked:
        if best.score >= self._enough or self._trials > _MOST_TRIALS:
            return best
        self._trials += 1
        score = self._score(rows)
        return Masked(rows, score) if score > best.score else best

    def _applied(
        self, rows: Rows, groups: Sequence[frozenset[Place]], salts: Mapping[int, int]
    ) -> dict[str, list[Cell]]:
        made = {name: list(cells) for name, cells in rows.items()}
        for number, group in enumerate(groups):
            disguise = Disguise(salts[number])
            for place in sorted(group):
                name, column = place
                made[name] = [_with(c, column, self._stand_in(disguise, place, c)) for c in made.get(name, [])]
        return made

    def _stand_in(self, disguise: Disguise, place: Place, cell: Cell) -> Any:
        value = cell.values.get(place[1])
        if value is not None and place in self._fixed:
            return self._fixed[place]
        return disguise.of(value, self._types[place])

    def _from_constants(self, best: Masked, groups: Sequence[frozenset[Place]], constants: Sequence[str]) -> Masked:
        for group in groups:
            texts = frozenset(place for place in group if self._types[place] == "VARCHAR")
            for value in sorted(set(_values(best.rows, texts))):
                for constant in constants:
                    best = self._better(best, _replaced(best.rows, texts, {value: constant}))
        return best


def _values(rows: Rows, places: Iterable[Place]) -> Iterator[str]:
    for name, column in sorted(places):
        for cell in rows.get(name, ()):
            if isinstance(cell.values.get(column), str):
                yield cell.values[column]


def _replaced(rows: Rows, places: frozenset[Place], change: Mapping[Any, Any]) -> dict[str, list[Cell]]:
    made = {name: list(cells) for name, cells in rows.items()}
    for name, column in sorted(places):
        made[name] = [
            _with(cell, column, change.get(cell.values.get(column), cell.values.get(column)))
            for cell in made.get(name, [])
        ]
    return made


def _with(cell: Cell, column: str, value: Any) -> Cell:
    return Cell(cell.number, {**cell.values, column: value})


def grouped(places: Iterable[Place], pairs: Iterable[tuple[Place, Place]]) -> list[frozenset[Place]]:
    """Give the guarded columns in groups: each with the columns that are compared with them, guarded or not.

    >>> [group] = grouped([("a", "id")], [(("a", "id"), ("b", "id")), (("b", "x"), ("c", "x"))])
    >>> sorted(group)
    [('a', 'id'), ('b', 'id')]
    """
    links = list(pairs)
    groups: list[set[Place]] = []
    for place in sorted(set(places)):
        if any(place in group for group in groups):
            continue
        group, before = {place}, 0
        while before != len(group):
            before = len(group)
            group |= {each for pair in links if group & set(pair) for each in pair}
        groups.append(group)
    return [frozenset(group) for group in groups]
