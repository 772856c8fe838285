"""Which of the tasks that are ready comes first: the more urgent one, then the one that most work waits for."""

from collections.abc import Iterable, Mapping, Sequence

from headwater.tasks.values import Task

Rank = tuple[int, int, str, str]
"""Smaller ones come first: priority, length of the longest chain below, node, task."""


def readers_of(tasks: Iterable[Task]) -> dict[str, list[str]]:
    """Give task → the tasks that wait for it."""
    readers: dict[str, list[str]] = {task.id: [] for task in tasks}
    for task in tasks:
        for before in sorted(task.depends & readers.keys()):
            readers[before].append(task.id)
    return readers


def ranks(tasks: Sequence[Task], readers: Mapping[str, Sequence[str]]) -> dict[str, Rank]:
    """Give each task its rank among those that are ready together; the same for the same tasks, in any order."""
    below = _chains(tasks, readers)
    return {task.id: (-task.node.priority, -below[task.id], task.node.name, task.id) for task in tasks}


def _chains(tasks: Sequence[Task], readers: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Give task → how many tasks the longest chain that hangs on it has."""
    left = {name: len(below) for name, below in readers.items()}
    before = {task.id: task.depends & left.keys() for task in tasks}
    chains = dict.fromkeys(left, 0)
    known = [name for name, count in left.items() if not count]
    while known:
        name = known.pop()
        for each in before[name]:
            chains[each] = max(chains[each], chains[name] + 1)
            left[each] -= 1
            if not left[each]:
                known.append(each)
    return chains
