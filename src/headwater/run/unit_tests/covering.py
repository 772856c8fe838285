"""The fewest rows that take all branches which some rows take: greedily chosen, then thinned out."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

Key = tuple[int, int]
"""(probe, branch of it)"""


@dataclass(frozen=True, slots=True)
class Witness:
    """Input rows (their numbers) that together take some branches."""

    takes: frozenset[Key]
    rows: tuple[int, ...]


def cover(found: Sequence[Witness], wanted: Collection[Key], most: int | None = None) -> list[int]:
    """Choose rows that take all wanted branches that can be taken (with ``most`` rows at the most), in order.

    >>> cover([Witness(frozenset({(0, 0)}), (1,)), Witness(frozenset({(0, 0), (0, 1)}), (2,))], {(0, 0), (0, 1)})
    [2]
    """
    missing, chosen = set(wanted), set[int]()
    while missing:
        best = min(found, key=lambda each: _rank(each, missing, chosen), default=None)
        fitting = best is not None and (most is None or len(chosen | set(best.rows)) <= most)
        if best is None or not best.takes & missing:
            break
        if not fitting:
            found = [each for each in found if each is not best]
            continue
        missing -= best.takes
        chosen |= set(best.rows)
    return sorted(chosen)


def _rank(each: Witness, missing: set[Key], chosen: set[int]) -> tuple[int, int, tuple[int, ...], list[Key]]:
    return -len(each.takes & missing), len(set(each.rows) - chosen), each.rows, sorted(each.takes)


def thinned(rows: Sequence[int], suffices: Callable[[Sequence[int]], bool]) -> list[int]:
    """Take rows away, in large pieces first, as long as the rest suffices.

    >>> thinned([1, 2, 3, 4, 5], lambda rows: {2, 5} <= set(rows))
    [2, 5]
    """
    kept, size = list(rows), max(1, len(rows) // 2)
    while True:
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + size :]
            if suffices(rest):
                kept = rest
            else:
                at += size
        if size == 1:
            return kept
        size = max(1, size // 2)
