"""Landed rows over time: the janitor keeps what is needed, doctor finds them again, rows set aside are shown."""

import pytest

from headwater.app.doctor import doctor
from headwater.app.janitor import janitor
from headwater.app.quarantine import list_rejects, show_rejects
from headwater.diagnostics import Broken
from headwater.events import SourceLanded
from headwater.state.landings import every_range


def orders(shop, *rows, **settings):
    shop.sql("CREATE TABLE orders (id INTEGER, name TEXT)")
    shop.sql("INSERT INTO orders VALUES (?, ?)", *rows)
    columns = {"id": "bigint", "name": "text"}
    shop.source("orders", columns, **{"table": "orders", "cursor": "id", **settings})
    shop.project.model("names", "SELECT id, name FROM orders")
    shop.project.apply()
    return shop.project


def files(project):
    return sorted(path.name for path in (project.root / ".headwater/lake/_landed").rglob("*") if path.is_file())


def landed(project):
    return sum(event.rows for event in project.events if isinstance(event, SourceLanded))


def test_the_janitor_keeps_what_environments_stand_on(shop):
    project = orders(shop, (1, "a"))
    shop.sql("INSERT INTO orders VALUES (?, ?)", (2, "b"))
    project.run()
    before = files(project)
    project.later(days=90)
    janitor(project.workspace)
    assert files(project) == before
    assert len(before) == 4


def test_the_janitor_deletes_what_no_kept_release_reads(shop):
    project = orders(shop, (1, "a"))
    shop.source("orders", {"id": "bigint", "name": "text"}, table="orders", cursor="id", where="id > 0")
    project.apply()
    assert len(every_range(project.workspace.db)) == 2
    janitor(project.later(days=2).workspace)
    assert len(every_range(project.workspace.db)) == 2
    project.later(days=90).run()
    janitor(project.workspace)
    assert len(every_range(project.workspace.db)) == 1
    assert len(files(project)) == 2


def test_the_janitor_deletes_snapshots_long_replaced(shop):
    project = orders(shop, (1, "a"), cursor=None)
    shop.sql("UPDATE orders SET name = 'b'")
    project.later(days=1).run()
    project.later(days=2)
    janitor(project.workspace)
    assert len(files(project)) == 4
    project.later(days=60)
    janitor(project.workspace)
    assert len(files(project)) == 2
    assert project.due() == {}


def test_the_janitor_deletes_what_an_attempt_left(shop):
    project = orders(shop, (1, "a"))
    [record] = (project.root / ".headwater/lake/_landed").rglob("*.json")
    record.with_name("00000002-gone.parquet").write_bytes(b"half")
    project.now = project.now.now(project.now.tzinfo)
    janitor(project.later(days=3).workspace)
    assert len(files(project)) == 2


def test_a_lost_state_finds_landed_rows_again(shop):
    project = orders(shop, (1, "a"), (2, None))
    project.reopen()
    for path in (project.root / ".headwater").glob("state.db*"):
        path.unlink()
    assert doctor(project.root, repair=True, effects=project.effects).is_healthy
    project.events.clear()
    assert project.due() == {}
    project.run()
    assert landed(project) == 0
    assert project.table("names") == [(1, "a"), (2, None)]


def test_a_damaged_range_is_found_and_landed_again(shop):
    project = orders(shop, (1, "a"))
    [path] = (project.root / ".headwater/lake/_landed").rglob("*.parquet")
    path.write_bytes(b"")
    project.reopen()
    found = doctor(project.root, effects=project.effects)
    assert [d.code for d in found.findings] == ["HW0583"]
    assert doctor(project.root, repair=True, effects=project.effects).is_healthy
    shop.sql("INSERT INTO orders VALUES (?, ?)", (2, "b"))
    project.run()
    assert project.table("names") == [(1, "a"), (2, "b")]


def test_rows_set_aside_are_listed_and_shown(shop):
    project = orders(shop, (1, "a"), ("x", "b"), (None, "c"))
    counts = [(each.node, each.reason, each.count) for each in list_rejects(project.workspace, "dev")]
    assert counts == [("orders", "cast", 1), ("orders", "missing", 1)]
    [shown] = show_rejects(project.workspace, "dev", "orders", reason="cast")
    assert (shown.path, shown.column, shown.payload) == ("shop.db: orders", "id", '{"id":"x","name":"b"}')


def sealed(project):
    return sorted((project.root / ".headwater/lake/_landed").rglob("*.parquet"))


def without_state(project):
    project.reopen()
    for path in (project.root / ".headwater").glob("state.db*"):
        path.unlink()


def three_ranges(shop):
    project = orders(shop, (1, "a"))
    for row in (2, "b"), (3, "c"):
        shop.sql("INSERT INTO orders VALUES (?, ?)", row)
        project.run()
    return project


@pytest.mark.parametrize("record", [False, True])
def test_a_range_that_is_missing_hides_none_of_its_rows(shop, record):
    project = three_ranges(shop)
    lost = sealed(project)[1]
    lost.unlink()
    if record:
        lost.with_name("00000002.json").unlink()
    without_state(project)
    doctor(project.root, repair=True, effects=project.effects)
    assert doctor(project.root, effects=project.effects).is_healthy
    project.run()
    assert project.table("names") == [(1, "a"), (2, "b"), (3, "c")]


def test_landing_does_not_go_on_behind_a_range_that_is_damaged(shop):
    project = orders(shop, (1, "a"))
    project.reopen()
    state = project.root / ".headwater" / "state.db"
    old = state.read_bytes()
    for row in (2, "b"), (3, "c"):
        shop.sql("INSERT INTO orders VALUES (?, ?)", row)
        project.run()
    without_state(project)
    state.write_bytes(old)
    sealed(project)[1].write_bytes(b"")
    with pytest.raises(Broken) as raised:
        project.run()
    assert [d.code for d in raised.value.diagnostics] == ["HW0583"]
    project.reopen()
    assert doctor(project.root, repair=True, effects=project.effects).is_healthy
    project.run()
    assert project.table("names") == [(1, "a"), (2, "b"), (3, "c")]
