"""Folding again only what was touched gives the same rows as folding everything, whatever came, changed or went."""

import random
from pathlib import Path

import pytest

from headwater.app.janitor import janitor
from headwater.run.context import FillBook

COLUMNS = {"seen": "timestamp", "id": "bigint", "part": "text", "v": "integer", "w": "double"}
FIRST = 8


SMALL = {"bucket_rows": 8}
"""Ranges of a handful of keys, so that a test needs no million rows."""


def rows_of(chance, day, count, keys):
    seen = f"2024-01-{day:02} "
    found = {}
    for _ in range(count):
        key = chance.randrange(keys), chance.choice("ab")
        hour = chance.choice([0, 0, 6, 23])
        found[key] = (f"{seen}{hour:02}:00", *key, chance.randrange(3), chance.choice([0.0, 0.5]))
    return list(found.values())


@pytest.mark.parametrize("kind", ["merge", "history"])
@pytest.mark.parametrize("seed", range(4))
def test_a_fold_of_what_was_touched_is_the_fold_of_everything(project, kind, seed):
    chance = random.Random(seed)
    project.source("raw", COLUMNS, time="seen", start=f"2024-01-{FIRST:02}", on_vanish="delete")
    chain = {"key": ["id", "part"], "time": "seen", "every": "1d", "deleted": "v = 0", **SMALL}
    project.model("folded", "SELECT * FROM raw", kind=kind, **chain, **({"track": ["v"]} if kind == "history" else {}))
    came = {day: rows_of(chance, day, count, 150) for day, count in ((FIRST, 400), (9, 20), (10, 20))}
    for day, rows in came.items():
        project.file("raw", f"f{day}.csv", list(COLUMNS), rows)
    project.apply()
    for step in range(7):
        changes(project, chance, came, step)
        project.run()
        janitor(project.workspace, dry_run=False)
        assert project.table("folded") == everything(project), f"after step {step}"


def changes(project, chance, came, step):
    """Take a file away, mend a few rows of one, or let another day come."""
    day = chance.choice(sorted(came))
    if step % 3 == 0:
        came[day] = [row for row in came[day] if chance.random() < 0.9] + rows_of(chance, day, 4, 150)
        came[day] = list({(row[1], row[2]): row for row in came[day]}.values())
    elif step % 3 == 1 and day > FIRST:
        del came[day]
        project.remove(f"data/raw/f{day}.csv")
        return
    else:
        project.later(days=1)
        day = int(f"{project.now:%d}")
        came[day] = rows_of(chance, day, 15, 170)
    project.file("raw", f"f{day}.csv", list(COLUMNS), came[day])


@pytest.mark.parametrize("kind", ["merge", "history"])
@pytest.mark.parametrize("seed", range(3))
def test_a_fold_of_new_links_is_the_fold_of_all_links(project, kind, seed):
    chance = random.Random(seed)
    project.source("raw", COLUMNS)
    missing = "delete" if seed % 2 else "keep"
    project.model("folded", "SELECT * FROM raw", kind=kind, key=["id", "part"], on_missing=missing, **SMALL)
    project.file("raw", "now.csv", list(COLUMNS), rows_of(chance, 8, 90, 40))
    project.apply()
    for step in range(5):
        project.later(hours=1)
        project.file("raw", "now.csv", list(COLUMNS), rows_of(chance, 9, 90, 45))
        project.run()
        assert project.table("folded") == everything(project), f"after step {step}"


@pytest.mark.parametrize("kind", ["merge", "history"])
def test_what_came_before_is_not_read_again(project, kind):
    project.source("raw", COLUMNS, time="seen", start="2024-01-07")
    project.model("folded", "SELECT * FROM raw", kind=kind, key=["id"], time="seen", every="1d", **SMALL)
    for day in (7, 8):
        project.file(
            "raw", f"{day}.csv", list(COLUMNS), [(f"2024-01-{day:02} 10:00", n, "a", day, 0.5) for n in range(80)]
        )
    project.apply()
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", 3, "a", 9, 0.5)])
    for file in files_of(project, "folded@changes"):
        file.unlink()
    project.run()
    assert project.query("SELECT max(v), count(*) FROM folded WHERE id = 3") == [(9, 1 if kind == "merge" else 3)]


def test_rows_that_come_again_as_they_were_touch_no_bucket(project):
    project.source("raw", COLUMNS, time="seen", start="2024-01-08")
    project.model("folded", "SELECT * FROM raw", kind="merge", key=["id"], time="seen", every="1d", **SMALL)
    rows = [("2024-01-08 10:00", n, "a", 1, 0.5) for n in range(200)]
    project.file("raw", "a.csv", list(COLUMNS), rows)
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", n, "a", 2, 0.5) for n in range(20)])
    project.apply()
    before = files(project)
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", n, "a", 2 + n // 19, 0.5) for n in range(20)])
    project.run()
    assert len(files(project) - before) == 1
    assert project.query("SELECT v FROM folded WHERE id >= 18 ORDER BY id LIMIT 3") == [(2,), (3,), (1,)]


def everything(project):
    """The same fold as one query over all that came."""
    node = next(node for node in project.graph().nodes if node.name == "folded")
    found = project.query(f"SELECT * FROM ({node.query}) AS q")
    return sorted(found, key=str)


def test_only_touched_buckets_are_written(project):
    project.source("raw", COLUMNS, time="seen", start="2024-01-08")
    project.model("folded", "SELECT * FROM raw", kind="merge", key=["id"], time="seen", every="1d", **SMALL)
    project.file("raw", "a.csv", list(COLUMNS), [("2024-01-08 10:00", n, "a", 1, 0.5) for n in range(80)])
    project.apply()
    before = files(project)
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", 3, "a", 2, 0.5)])
    project.run()
    after = files(project)
    assert len(before) >= 8
    assert len(before & after) == len(before) - 1
    assert project.query("SELECT v FROM folded WHERE id = 3") == [(2,)]


def test_what_a_fold_shares_outlives_the_fold_that_wrote_it(project):
    project.settings(keep="1h")
    project.source("raw", COLUMNS, time="seen", start="2024-01-08")
    project.model("folded", "SELECT * FROM raw", kind="merge", key=["id"], time="seen", every="1d", **SMALL)
    project.file("raw", "a.csv", list(COLUMNS), [("2024-01-08 10:00", n, "a", 1, 0.5) for n in range(80)])
    project.apply()
    project.file("raw", "b.csv", list(COLUMNS), [("2024-01-09 10:00", 3, "a", 2, 0.5)])
    project.run()
    project.later(days=3)
    assert janitor(project.workspace, dry_run=False).fills > 0
    assert project.query("SELECT count(*), sum(v) FROM folded") == [(80, 81)]


def files(project):
    return {file.name for file in files_of(project, "folded")}


def files_of(project, node):
    head, store = project.head(), project.workspace.store
    book = FillBook(project.workspace.db, store)
    return [Path(path) for entry in head.entries_of(node).values() for path in store.paths(book[entry.fill])]
