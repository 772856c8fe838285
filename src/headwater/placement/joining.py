"""Where sources that lie apart are joined: the order of moves that brings the fewest bytes to the place that asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

MOST: Final = 10
"""Groups up to which every order is tried; above, the next best move is taken."""
Sites = frozenset[str]
Mask = int


@dataclass(frozen=True, slots=True)
class Apart:
    """Sources that lie together, as the search sees them."""

    sites: Sites
    whole: bool

    @property
    def homes(self) -> tuple[Sites, ...]:
        """The places where they may be joined with others: any one site that has all, or all that share the rows."""
        return tuple(frozenset({site}) for site in sorted(self.sites)) if self.whole else (self.sites,)


@dataclass(frozen=True, slots=True)
class Move:
    """Groups that are joined at some sites and sent to others."""

    groups: tuple[int, ...]
    to: Sites


@dataclass(frozen=True, slots=True)
class _Way:
    cost: float
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks: how many bytes groups joined together have, whether they touch, and where they may go."""

    groups: tuple[Apart, ...]
    at: str
    bytes: Callable[[Mask], float]
    touch: Callable[[Mask, Mask], bool]
    may: Callable[[Mask, Sites], bool]
    result: Callable[[Sites], float]
    """Bytes that come to the place that asks if all are joined at some sites."""

    def best(self) -> tuple[Move, ...]:
        """Give the moves, in order, that come before everything runs at one place."""
        if len(self.groups) < 2 or len(self.groups) > MOST:  # noqa: PLR2004 - nothing to join
            return ()
        ways = self._ways()
        whole = (1 << len(self.groups)) - 1
        home = frozenset({self.at})
        ends = {
            place: way.cost + (0.0 if place == home else self.result(place))
            for place, way in ways.get(whole, {}).items()
        }
        if not ends:
            return ()
        place = min(sorted(ends, key=sorted), key=lambda each: ends[each])
        return tuple(move for move in ways[whole][place].moves if move.to != home)

    def _places(self) -> list[Sites]:
        found = {place for each in self.groups for place in each.homes} | {frozenset({self.at})}
        return sorted(found, key=sorted)

    def _ways(self) -> dict[Mask, dict[Sites, _Way]]:
        places = self._places()
        ways: dict[Mask, dict[Sites, _Way]] = {}
        for mask in range(1, 1 << len(self.groups)):
            found: dict[Sites, _Way] = {}
            if mask & (mask - 1) == 0:
                group = self.groups[mask.bit_length() - 1]
                for place in places:
                    if (group.whole and place <= group.sites) or place == group.sites:
                        found[place] = _Way(0.0, ())
            else:
                self._join(mask, ways, found)
            self._send(mask, places, found)
            if found:
                ways[mask] = found
        return ways

    def _join(self, mask: Mask, ways: dict[Mask, dict[Sites, _Way]], found: dict[Sites, _Way]) -> None:
        for one in _halves(mask):
            other = mask ^ one
            if one not in ways or other not in ways or not self.touch(one, other):
                continue
            for place in ways[one].keys() & ways[other].keys():
                if self._is_split(one, place) and self._is_split(other, place):
                    continue
                left, right = ways[one][place], ways[other][place]
                way = _Way(left.cost + right.cost, (*left.moves, *right.moves))
                if place not in found or way.cost < found[place].cost:
                    found[place] = way

    def _is_split(self, mask: Mask, place: Sites) -> bool:
        """Whether groups lie cut between these sites, rather than whole at each."""
        return any(mask >> at & 1 and not each.whole and each.sites == place for at, each in enumerate(self.groups))

    def _send(self, mask: Mask, places: list[Sites], found: dict[Sites, _Way]) -> None:
        if not found:
            return
        start = min(sorted(found, key=sorted), key=lambda place: found[place].cost)
        cheapest, size = found[start], self.bytes(mask)
        members = tuple(at for at in range(len(self.groups)) if mask >> at & 1)
        for place in places:
            if not self.may(mask, place) or self._is_split(mask, place):
                continue
            way = _Way(
                cheapest.cost + size * len(place - start if len(start) == 1 else place),
                (*cheapest.moves, Move(members, place)),
            )
            if place not in found or way.cost < found[place].cost:
                found[place] = way


def _halves(mask: Mask) -> Iterator[Mask]:
    """Each way to cut a set in two, once."""
    one = (mask - 1) & mask
    while one:
        if one > mask ^ one:
            yield one
        one = (one - 1) & mask
