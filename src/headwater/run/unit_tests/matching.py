"""Compares rows that a model returned with those that were expected: as a multiset, or in order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Row = Mapping[str, Any]
_MOST_PAIRS: Final = 90_000
"""Comparisons up to which a best matching is searched for; beyond, equal rows are set apart first."""
_SHOWN: Final = 100
"""Leftover rows among which the most similar are paired."""


@dataclass(frozen=True, slots=True)
class RowPair:
    """An expected row, the returned row most like it, and the columns in which they differ."""

    expected: Row
    returned: Row
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What was expected and not returned, what was returned and not expected, and rows that nearly met."""

    missing: tuple[Row, ...] = ()
    unexpected: tuple[Row, ...] = ()
    differing: tuple[RowPair, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the rows are the same."""
        return not (self.missing or self.unexpected or self.differing)


def compare(
    expected: Sequence[Row], returned: Sequence[Row], *, ordered: bool = False, tolerance: float = 0.0
) -> Difference:
    """Compare the columns that each expected row names; NULL equals NULL, and floats may differ by ``tolerance``.

    >>> compare([{"a": 1}, {"a": 2}], [{"a": 2, "b": 5}, {"a": 1, "b": 6}]).is_empty
    True
    """
    if ordered:
        return _in_order(expected, returned, tolerance)
    left, right = list(range(len(expected))), list(range(len(returned)))
    if len(left) * len(right) > _MOST_PAIRS:
        left, right = _without_equal(expected, returned)
    if len(left) * len(right) <= _MOST_PAIRS:
        left, right = _unmatched(expected, returned, left, right, tolerance)
    return _paired([expected[i] for i in left], [returned[i] for i in right], tolerance)


def is_same(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two values are the same."""
    if isinstance(a, float) and isinstance(b, float):
        both_nan = math.isnan(a) and math.isnan(b)
        return both_nan or a == b or abs(a - b) <= tolerance
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(is_same(a[key], b[key], tolerance) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(is_same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _differing(expected: Row, returned: Row, tolerance: float) -> tuple[str, ...]:
    return tuple(name for name, value in expected.items() if not is_same(value, returned[name], tolerance))


def _in_order(expected: Sequence[Row], returned: Sequence[Row], tolerance: float) -> Difference:
    pairs = []
    for one, other in zip(expected, returned, strict=False):
        if columns := _differing(one, other, tolerance):
            pairs.append(RowPair(one, other, columns))
    return Difference(tuple(expected[len(returned) :]), tuple(returned[len(expected) :]), tuple(pairs))


def _without_equal(expected: Sequence[Row], returned: Sequence[Row]) -> tuple[list[int], list[int]]:
    """Set apart rows that are equal in every bit, where all expected rows name the same columns."""
    names = list(expected[0])
    if any(list(row) != names for row in expected):
        return list(range(len(expected))), list(range(len(returned)))
    waiting: dict[str, list[int]] = {}
    for index, row in enumerate(returned):
        waiting.setdefault(repr([row[name] for name in names]), []).append(index)
    left = []
    for index, row in enumerate(expected):
        same = waiting.get(repr(list(row.values())))
        if same:
            same.pop()
        else:
            left.append(index)
    return left, sorted(index for indices in waiting.values() for index in indices)


def _unmatched(
    expected: Sequence[Row], returned: Sequence[Row], left: Sequence[int], right: Sequence[int], tolerance: float
) -> tuple[list[int], list[int]]:
    """Match as many rows as can be matched (augmenting paths), and give the others."""
    fits = {i: [j for j in right if not _differing(expected[i], returned[j], tolerance)] for i in left}
    taken: dict[int, int] = {}

    def find(start: int) -> bool:
        # Breadth first: who could have this row if its holder took another one?
        came_from: dict[int, int] = {}
        waiting = [start]
        for i in waiting:
            for j in fits[i]:
                if j in came_from:
                    continue
                came_from[j] = i
                if j not in taken:
                    _turn(j, came_from, taken)
                    return True
                waiting.append(taken[j])
        return False

    unmet = [i for i in left if not find(i)]
    return unmet, [j for j in right if j not in taken]


def _turn(free: int, came_from: Mapping[int, int], taken: dict[int, int]) -> None:
    """Give every row on the way to the one before it; the way ends at the row that had none."""
    held = {i: j for j, i in taken.items()}
    at: int | None = free
    while at is not None:
        i = came_from[at]
        before = held.get(i)
        taken[at] = i
        at = before


def _paired(missing: Sequence[Row], unexpected: Sequence[Row], tolerance: float) -> Difference:
    """Pair the most similar rows first; a pair has at least one column in common, unless only two rows are left."""
    candidates = []
    for i, one in enumerate(missing[:_SHOWN]):
        for j, other in enumerate(unexpected[:_SHOWN]):
            columns = _differing(one, other, tolerance)
            if len(columns) < len(one) or len(missing) == len(unexpected) == 1:
                candidates.append((len(columns), i, j, columns))
    pairs: dict[int, tuple[int, tuple[str, ...]]] = {}
    used: set[int] = set()
    for _, i, j, columns in sorted(candidates):
        if i not in pairs and j not in used:
            pairs[i] = (j, columns)
            used.add(j)
    return Difference(
        tuple(row for i, row in enumerate(missing) if i not in pairs),
        tuple(row for j, row in enumerate(unexpected) if j not in used),
        tuple(RowPair(missing[i], unexpected[j], columns) for i, (j, columns) in sorted(pairs.items())),
    )
