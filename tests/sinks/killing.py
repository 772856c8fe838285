"""Loads a target again and again, and dies at each of its steps in turn; run as a process of its own.

Each step is an operation on a file below the target's directory, as Python's audit hooks report it.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

import duckdb

from tests.sinks.targets import Oracle, load, rows_of, sink, slot

OLD = {1: ("f1", [(1, "x", "old"), (2, "y", "old")]), 2: ("f2", [(3, "x", "kept")]), 3: ("f3", [(4, "w", "old")])}
NEW = {1: ("f9", [(1, "z", "new"), (2, "y", "new")]), 2: OLD[2], 4: ("f4", [(5, "x", "new"), (6, "v", "new")])}
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "shutil.copyfile", "shutil.rmtree"}


def slots(state):
    return [slot(day, fill, rows) for day, (fill, rows) in state.items()]


def in_child(work):
    """Run in a fork; give its wait status. This process itself never opens an engine."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def dies_at(step, root, mode, kind):
    left = step

    def hook(event, arguments):
        nonlocal left
        if event in EVENTS and str(root) in str(arguments[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    sink(kind, root).load(duckdb.connect(), load(slots(NEW), mode))


def oracle_of(mode, *states):
    oracle = Oracle(mode)
    for state in states:
        oracle.load({("hub", day): known for day, known in state.items()})
    return oracle


def check(root, mode, kind):
    """A reader finds each slot whole, old or new; the next load ends as if nothing had happened."""
    before, after = oracle_of(mode, OLD).rows, oracle_of(mode, OLD, NEW)
    seen = rows_of(kind, root)
    if kind.endswith("-one") or kind == "duckdb" or (mode == "merge" and "parts" not in kind):
        assert seen in (before, after.rows), f"half a load: {seen}"
    elif kind.endswith("-parts"):
        assert set(seen) <= {*before, *after.rows}, f"a row from nowhere: {seen}"
    else:
        assert {len([r for r in seen if r[0] in (1, 2) and r[2] == age]) for age in ("old", "new")} == {0, 2}
    sink(kind, root).ledger()
    sink(kind, root).load(duckdb.connect(), load(slots(NEW), mode))
    assert rows_of(kind, root) == after.rows, f"{rows_of(kind, root)} is not {after.rows}"
    assert sink(kind, root).ledger() == after.ledger
    assert sink(kind, root).load(duckdb.connect(), load(slots(NEW), mode)).slots == 0
    left = [
        p.name for p in root.rglob(".hw-*") if not p.name.endswith(("lock", "ledger.json")) and "rows-" not in p.name
    ]
    assert not left, f"left behind: {left}"
    assert len(list(root.rglob(".hw-*rows-*"))) <= 1


def main(kind, mode, root):
    for step in range(1, 500):
        shutil.rmtree(root, ignore_errors=True)
        assert in_child(lambda: sink(kind, root).load(duckdb.connect(), load(slots(OLD), mode))) == 0
        status = in_child(lambda step=step: dies_at(step, root, mode, kind))
        assert in_child(lambda: check(root, mode, kind)) == 0, f"killed at step {step}"
        if status == 0:
            print(step - 1)
            return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
