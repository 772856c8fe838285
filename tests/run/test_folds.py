"""Folding again only what was touched gives the same rows as folding everything, whatever came, changed or went."""

import random

import pytest

from headwater.app.janitor import janitor
from headwater.run.context import FillBook

COLUMNS = {"seen": "timestamp", "id": "bigint", "part": "text", "v": "integer"}
FIRST = 8


SMALL = {"bucket_rows": 8}
"""Ranges of a handful of keys, so that a test needs no million rows."""


def rows_of(chance, day, count, keys):
    seen = f"2024-01-{day:02} "
    found = {}
    for _ in range(count):
        key = chance.randrange(keys), chance.choice("ab")
        found[key] = (f"{seen}{chance.randrange(24):02}:00", *key, chance.randrange(3))
    return list(found.values())


@pytest.mark.parametrize("kind", ["merge", "history"])
@pytest.mark.parametrize("seed", range(4))
def test_a_fold_of_what_was_touched_is_the_fold_of_everything(project, kind, seed):
    chance = random.Random(seed)
    project.source("raw", COLUMNS, time="seen", start=f"2024-01-{FIRST:02}", on_vanish="delete")
    chain = {"key": ["id", "part"], "time": "seen", "every": "1d", "deleted": "v = 0", **SMALL}
    project.model("folded", "SELECT * FROM raw", kind=kind, **chain)
    for day in range(FIRST, 11):
        project.file("raw", f"f{day}.csv", list(COLUMNS), rows_of(chance, day, 60, 40))
    project.apply()
    for step in range(6):
        day, name = chance.randrange(FIRST, 11), f"f{chance.choice([8, 9, 10])}.csv"
        if step % 3 == 2:
            project.remove(f"data/raw/{name}") if (project.root / "data/raw" / name).exists() else None
        elif step % 3 == 1:
            project.file("raw", f"f{day}.csv", list(COLUMNS), rows_of(chance, day, 9, 60))
        else:
            project.later(days=1)
            fresh = int(f"{project.now:%d}")
            project.file("raw", f"f{fresh}.csv", list(COLUMNS), rows_of(chance, fresh, 5, 90))
        project.run()
        janitor(project.workspace, dry_run=False)
        assert project.table("folded") == everything(project), f"after step {step}"


def everything(project):
    """The same fold as one query over all that came."""
    node = next(node for node in project.graph().nodes if node.name == "folded")
    found = project.query(f"SELECT * FROM ({node.query}) AS q")
    return sorted(found, key=str)


def test_only_touched_buckets_are_written(project):
    project.source("raw", COLUMNS, time="seen", start="2024-01-08")
    project.model("folded", "SELECT * FROM raw", kind="merge", key=["id"], time="seen", every="1d", **SMALL)
    project.file("raw", "a.csv", list(COLUMNS), [("2024-01-08 10:00", n, "a", 1) for n in range(80)])
    project.apply()
    before = files(project)
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", 3, "a", 2)])
    project.run()
    after = files(project)
    assert len(before) >= 8
    assert len(before & after) == len(before) - 1
    assert project.query("SELECT v FROM folded WHERE id = 3") == [(2,)]


def test_what_a_fold_shares_outlives_the_fold_that_wrote_it(project):
    project.settings(keep="1h")
    project.source("raw", COLUMNS, time="seen", start="2024-01-08")
    project.model("folded", "SELECT * FROM raw", kind="merge", key=["id"], time="seen", every="1d", **SMALL)
    project.file("raw", "a.csv", list(COLUMNS), [("2024-01-08 10:00", n, "a", 1) for n in range(80)])
    project.apply()
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", 3, "a", 2)])
    project.run()
    project.later(days=3)
    assert janitor(project.workspace, dry_run=False).fills > 0
    assert project.query("SELECT count(*), sum(v) FROM folded") == [(80, 81)]


def files(project):
    head = project.head()
    book = FillBook(project.workspace.db, project.workspace.store)
    return {file.name for entry in head.entries_of("folded").values() for file in book[entry.fill].files}
