"""SIGKILL at every step of a load, and loads of several processes at once, end as if nothing had happened."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sinks.targets import KINDS, load, rows_of, sink, slot

ROOT = Path(__file__).parents[2]


def python(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("parquet", "replace"),
        ("parquet", "merge"),
        ("parquet-parts", "append"),
        ("csv-one", "append"),
        ("jsonl-parts", "merge"),
        ("duckdb", "merge"),
    ],
)
def test_a_load_killed_at_any_step_leaves_old_or_new_and_is_finished_by_the_next(kind, mode, tmp_path):
    said, failed = python("-m", "tests.sinks.killing", kind, mode, str(tmp_path / "t")).communicate(timeout=250)
    assert failed == ""
    assert int(said) > 5


AT_ONCE = """
import sys, duckdb
from tests.sinks.targets import load, sink, slot
kind, root, number = sys.argv[1:]
slots = [slot(day, f"f{day}", [(day, "x", "a")]) for day in range(1, int(number) + 2)]
for mode in ("append", "merge"):
    sink(kind, f"{root}/{mode}").load(duckdb.connect(), load(slots, mode))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_processes_that_load_at_once_load_each_slot_once(kind, tmp_path):
    processes = [python("-c", AT_ONCE, kind, str(tmp_path), str(number)) for number in range(4)]
    assert [(process.communicate(timeout=100)[1], process.returncode) for process in processes] == [("", 0)] * 4
    for mode in ("append", "merge"):
        assert rows_of(kind, tmp_path / mode) == [(day, "x", "a") for day in range(1, 5)]


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(connection.sql("SELECT count(*) FROM marts.t").fetchone()[0], flush=True)
"""


def ask(reader):
    reader.stdin.write("\n")
    reader.stdin.flush()
    return int(reader.stdout.readline())


def test_readers_of_a_duckdb_file_keep_what_they_opened_while_it_is_loaded(tmp_path):
    import duckdb

    target, path = sink("duckdb", tmp_path), str(tmp_path / "out/t.duckdb")
    target.load(duckdb.connect(), load([slot(1, "f1", [(1, "x", "a")])]))
    old = python("-c", READER, path)
    assert ask(old) == 1
    target.load(duckdb.connect(), load([slot(1, "f2", [(1, "x", "a"), (2, "x", "b")])]))
    new = python("-c", READER, path)
    assert (ask(old), ask(new)) == (1, 2)
    for reader in (old, new):
        reader.communicate()
