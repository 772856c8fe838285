"""Chains that read each file once: which files are new since the last link, and whether any they have read is gone."""

from collections import Counter
from collections.abc import Iterable, Sequence

from headwater.spec.fills import Mark


def fresh_of(now: Sequence[Mark], read: Iterable[Mark]) -> tuple[tuple[Mark, ...], bool]:
    """Give the files that no link has read, and whether one that was read has been rewritten or is gone.

    Files are told apart by what they are, not by where they lie: a renamed one is no new one; of two with the same
    identity each counts.

    >>> a, b, renamed = ("raw", "1", "a.csv"), ("raw", "2", "b.csv"), ("raw", "1", "c.csv")
    >>> fresh_of([renamed, b], [a])
    ((('raw', '2', 'b.csv'),), False)
    >>> fresh_of([b], [a])
    ((('raw', '2', 'b.csv'),), True)
    """
    unread = Counter(mark[:2] for mark in read)
    fresh: list[Mark] = []
    for mark in now:
        if unread[mark[:2]] > 0:
            unread[mark[:2]] -= 1
        else:
            fresh.append(mark)
    return tuple(fresh), bool(+unread)


def unseen(fresh: Iterable[Mark], read: Iterable[Mark]) -> tuple[Mark, ...]:
    """Leave out files at paths that were read before: what they say now is ignored (``on_restate: ignore``)."""
    paths = {(source, path) for source, _, path in read}
    return tuple(mark for mark in fresh if (mark[0], mark[2]) not in paths)
