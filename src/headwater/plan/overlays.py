"""Maps of 100,000 slots of which only a few change: what stays is not copied, and not read until it is asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater.spec.fills import Entry
from headwater.spec.releases import Entries, SlotKey


@dataclass(frozen=True, slots=True, eq=False)
class Rest(Mapping[SlotKey, Entry]):
    """The entries of a head without those that a plan takes, computes or drops."""

    head: Entries
    without: frozenset[SlotKey]
    size: int

    def left(self, head: Entries) -> set[SlotKey]:
        """Give the keys of those that are left out, as far as ``head`` has them."""
        return {key for key in self.without if key in head}

    def __getitem__(self, key: SlotKey) -> Entry:
        if key in self.without:
            raise KeyError(key)
        return self.head[key]

    def __iter__(self) -> Iterator[SlotKey]:
        return (key for key in self.head if key not in self.without)

    def __len__(self) -> int:
        return self.size


def rest_of(head: Entries, without: frozenset[SlotKey], slots: int) -> Rest:
    """Leave some slots out of a head's entries, of which there are ``slots``."""
    return Rest(head, without, slots - sum(key in head for key in without))


@dataclass(frozen=True, slots=True, eq=False)
class Overlaid(Mapping[SlotKey, Entry]):
    """What stays of a head, and what comes in place of the rest."""

    rest: Rest
    changes: Entries

    def __getitem__(self, key: SlotKey) -> Entry:
        return self.changes[key] if key in self.changes else self.rest[key]

    def __iter__(self) -> Iterator[SlotKey]:
        yield from self.rest
        yield from self.changes

    def __len__(self) -> int:
        return len(self.rest) + len(self.changes)
