"""How much tasks read: many small ones are done fastest by one thread each, a few large ones by all threads at once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from headwater.tasks.values import Relation, Task

MANY: Final = 16
"""With fewer tasks than this, the last one may run alone for long: it had better have all threads."""
SMALL_BYTES: Final = 16 << 20
"""A task that reads no more than this gains nothing from a second thread, and loses a third to handing over."""


def are_many_and_small(tasks: Sequence[Task], bytes_of: Callable[[str], int]) -> bool:
    """Whether there are many tasks and none reads much; ``bytes_of`` gives the size of a fill that exists.

    A fill that is still to be made is taken to be as large as the largest input of its task.
    """
    if len(tasks) < MANY:
        return False
    made: dict[str, int] = {}
    for task in tasks:
        sizes = [_size(relation, made, bytes_of) for relation in task.relations]
        if sum(sizes) > SMALL_BYTES:
            return False
        made |= dict.fromkeys((slot.entry.fill for slot in task.slots), max(sizes, default=0))
    return True


def _size(relation: Relation, made: dict[str, int], bytes_of: Callable[[str], int]) -> int:
    return sum(_parts(relation, made, bytes_of))


def _parts(relation: Relation, made: dict[str, int], bytes_of: Callable[[str], int]) -> Iterable[int]:
    yield from (item.size_bytes for _, item in relation.items)
    yield from (made[fill] if fill in made else bytes_of(fill) for fill in relation.fills)
    for below in relation.inputs:
        yield from _parts(below, made, bytes_of)
