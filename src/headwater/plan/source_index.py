"""Which files of a source hold rows for a stretch of time, and where they stand together."""

from bisect import bisect_right
from collections.abc import Iterable

from headwater.plan.values import SourceFacts
from headwater.spec.addresses import Digest, address
from headwater.spec.observations import Item, Observation, Runs


def digest_of_items(facts: SourceFacts, observations: Iterable[Observation]) -> Digest:
    """Give where all items of some observations stand together."""
    tokens = sorted(f"{o.site}|{facts.token(item)}" for o in observations for item in o.items)
    return Digest(address("items", *tokens))


Numbers = tuple[int, ...]
"""Places in ``SourceIndex.items``, in order."""


class SourceIndex:
    """The files of an observation, cut where their occupied stretches begin and end.

    Neighbouring slots mostly stand on the same files: what is found out of a set of files is kept.
    """

    def __init__(self, facts: SourceFacts) -> None:
        self.items: list[tuple[str, Item]] = sorted(
            ((o.site, item) for o in facts.observations for item in o.items), key=lambda pair: (pair[0], pair[1].path)
        )
        """(site, item)"""
        self._tokens = [f"{site}|{facts.token(item)}" for site, item in self.items]
        self._starts: list[int] = []
        self._numbers: list[Numbers] = []
        self._digests: dict[Numbers, Digest] = {}
        self._is_cut = facts.occupied is not None
        if facts.occupied is not None:
            self._cut([facts.occupied.get(item.identity, ()) for _, item in self.items])

    @property
    def marks(self) -> list[tuple[str, str]]:
        """What stands for each file, and its path."""
        return [(token, item.path) for token, (_, item) in zip(self._tokens, self.items, strict=True)]

    def within(self, start: float, end: float) -> Numbers:
        """Give the files that hold rows between two moments (seconds since 1970-01-01T00:00Z, the end excluded)."""
        if not self._is_cut:
            return tuple(range(len(self.items)))
        if start >= end:
            return ()
        first = bisect_right(self._starts, start) - 1
        found: Numbers = self._numbers[first] if first >= 0 else ()
        others: set[int] | None = None
        for place in range(first + 1, len(self._starts)):
            if self._starts[place] >= end:
                break
            if self._numbers[place] != found:
                others = (others or set(found)) | set(self._numbers[place])
        return found if others is None else tuple(sorted(others))

    def digest(self, numbers: Numbers) -> Digest:
        """Give where files stand together, whatever their order."""
        if numbers not in self._digests:
            tokens = sorted(self._tokens[number] for number in numbers)
            self._digests[numbers] = Digest(address("items", *tokens))
        return self._digests[numbers]

    def _cut(self, occupied: Iterable[Runs]) -> None:
        """Sort the borders of all stretches; between two, the same files have rows."""
        coming: dict[int, list[int]] = {}
        going: dict[int, list[int]] = {}
        for number, runs in enumerate(occupied):
            for start, end in runs:
                coming.setdefault(start, []).append(number)
                going.setdefault(end, []).append(number)
        there: set[int] = set()
        same: dict[Numbers, Numbers] = {}
        for border in sorted(coming.keys() | going.keys()):
            there.difference_update(going.get(border, ()))
            there.update(coming.get(border, ()))
            numbers = tuple(sorted(there))
            self._starts.append(border)
            self._numbers.append(same.setdefault(numbers, numbers))
