"""Many small tasks run with one thread each; a few, or one that reads much, with all threads."""

from headwater.spec.addresses import ALL
from headwater.spec.fills import Entry
from headwater.spec.observations import Item
from headwater.tasks.values import Relation, Task, TaskSlot
from headwater.tasks.weighing import MANY, SMALL_BYTES, are_many_and_small


def reads(number, *, files=0, fills=()):
    """A task that reads one file of so many bytes, and fills."""
    item = Item(path=f"{number}.csv", identity=str(number), size_bytes=files)
    relations = (
        Relation(name="raw", kind="source", version="v", items=(("hub", item),)),
        Relation(name="below", kind="table", version="v", fills=tuple(fills)),
    )
    slot = TaskSlot(site="hub", slot=ALL, entry=Entry(f"fill {number}", "d", "m"), interval=None)
    return Task(id=str(number), node=None, slots=(slot,), relations=relations, now=None, environment="dev")


def test_many_small_files_are_small():
    assert are_many_and_small([reads(n, files=1000) for n in range(MANY)], {}.__getitem__)


def test_few_tasks_share_all_threads():
    assert not are_many_and_small([reads(n) for n in range(MANY - 1)], {}.__getitem__)


def test_one_large_file_is_enough_to_want_all_threads():
    tasks = [reads(n, files=SMALL_BYTES + 1 if n == 3 else 10) for n in range(MANY)]
    assert not are_many_and_small(tasks, {}.__getitem__)


def test_a_large_fill_that_exists_counts():
    tasks = [reads(n, fills=["old"]) for n in range(MANY)]
    assert not are_many_and_small(tasks, {"old": SMALL_BYTES + 1}.__getitem__)


def test_a_fill_still_to_be_made_is_as_large_as_what_it_is_made_from():
    tasks = [reads(0, files=SMALL_BYTES), reads(1, fills=["fill 0"], files=1), *map(reads, range(2, MANY))]
    assert not are_many_and_small(tasks, {}.__getitem__)
