"""The janitor gives back what nobody needs, and nothing else, whoever works meanwhile."""

import os
from datetime import timedelta

import pytest

from headwater.app.janitor import janitor
from headwater.diagnostics import Conflict
from headwater.events import FillReused, Phase
from headwater.state.fills import condemned
from headwater.state.janitor import condemn, unreferenced
from headwater.state.leases import acquire
from headwater.state.runs import runs


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint", "price": "double"}, [(1, 2.5), (2, 3.5)])
    project.model("totals", "SELECT sum(price) AS total FROM raw")
    project.apply()
    return project


def changed(project, query="SELECT count(*) AS total FROM raw"):
    project.model("totals", query)
    project.apply()
    return project


def files(project):
    return sorted(path.name for path in (project.root / ".headwater/lake").rglob("*.parquet"))


def everything_old(project):
    """Make what lies in the lake as old as the project's clock says."""
    at = (project.now - timedelta(days=2)).timestamp()
    for path in (project.root / ".headwater/lake").rglob("*"):
        os.utime(path, (at, at))


def test_nothing_goes_within_keep(shop):
    changed(shop).later(days=29)
    done = janitor(shop.workspace)
    assert (done.fills, done.orphans, len(files(shop))) == (0, 0, 2)


def test_what_no_release_within_keep_needs_goes(shop):
    changed(shop).later(days=31)
    preview = janitor(shop.workspace, dry_run=True)
    done = janitor(shop.workspace)
    assert (preview.fills, preview.files) == (done.fills, done.files) == (1, 2)
    assert 0 < preview.bytes < done.bytes  # manifests are only weighed when they go
    assert len(files(shop)) == 1
    assert shop.query("SELECT total FROM totals") == [(2,)]


def test_runs_are_known_for_90_days(shop):
    for number in range(3):
        shop.file("raw", f"{number}.csv", ["id", "price"], [(number, 1.0)])
        shop.run()
    known = runs(shop.workspace.db, "dev", 10)
    assert (len(known), janitor(shop.later(days=89).workspace).runs) == (4, 0)
    shop.later(days=2)
    assert (janitor(shop.workspace, dry_run=True).runs, janitor(shop.workspace).runs) == (3, 3)
    assert runs(shop.workspace.db, "dev", 10) == known[:1]


def test_what_is_gone_is_computed_again(shop):
    changed(shop).later(days=31)
    janitor(shop.workspace)
    changed(shop, "SELECT sum(price) AS total FROM raw")
    assert shop.query("SELECT total FROM totals") == [(6.0,)]


def test_a_janitor_that_died_is_finished_by_the_next(shop):
    changed(shop).later(days=31)
    db = shop.workspace.db
    condemn(db, [fill.id for fill in unreferenced(db, shop.now, frozenset())])
    assert (len(condemned(db)), len(files(shop))) == (1, 2)
    assert janitor(shop.workspace).fills == 1
    assert (len(condemned(db)), len(files(shop))) == (0, 1)


def test_a_run_that_needs_a_condemned_fill_computes_it_anew(shop):
    changed(shop).later(days=31)
    db = shop.workspace.db
    condemn(db, [fill.id for fill in unreferenced(db, shop.now, frozenset())])
    shop.events.clear()
    changed(shop, "SELECT sum(price) AS total FROM raw")
    assert shop.computed() == {"totals": 1}
    assert shop.query("SELECT total FROM totals") == [(6.0,)]
    assert condemned(db) == ()


def test_fills_that_a_run_is_computing_stay(shop):
    changed(shop).later(days=31)
    (old,) = unreferenced(shop.workspace.db, shop.now, frozenset())
    acquire(shop.workspace.db, [f"build:{old.version}"], "somebody", shop.now, 30)
    assert janitor(shop.workspace).fills == 0
    shop.later(seconds=31)
    assert janitor(shop.workspace).fills == 1


@pytest.mark.parametrize("moment", ["build", "move"])
def test_a_janitor_in_the_middle_of_an_apply_harms_nothing(shop, moment):
    changed(shop).later(days=31)
    shop.model("twice", "SELECT 2 * total AS twice FROM totals")
    shop.model("totals", "SELECT sum(price) AS total FROM raw")
    shop.when(lambda e: isinstance(e, Phase) and e.name == moment, lambda: janitor(shop.workspace))
    shop.apply()
    assert shop.query("SELECT twice FROM twice") == [(12.0,)]


def test_a_janitor_just_before_what_is_taken_is_leased_makes_a_run_compute(shop):
    changed(shop).later(days=31)
    shop.model("totals", "SELECT sum(price) AS total FROM raw")
    graph = shop.graph()
    shop.events.clear()
    shop.when(lambda e: isinstance(e, FillReused), lambda: janitor(shop.workspace))
    shop.apply(graph=graph)
    assert shop.computed() == {"totals": 1}
    assert shop.query("SELECT total FROM totals") == [(6.0,)]


def test_two_janitors_do_not_work_at_once(shop):
    acquire(shop.workspace.db, ["janitor"], "somebody", shop.now, 30)
    with pytest.raises(Conflict):
        janitor(shop.workspace)


def test_files_of_attempts_that_were_given_up_go_when_they_are_old(shop):
    (kept,) = files(shop)
    folder = next((shop.root / ".headwater/lake").rglob("*.parquet")).parent
    (folder / "0123-attempt-0.parquet").write_bytes(b"half")
    os.utime(folder / "0123-attempt-0.parquet", (shop.now.timestamp(), shop.now.timestamp()))
    assert janitor(shop.workspace).orphans == 0
    everything_old(shop)
    assert janitor(shop.workspace, dry_run=True).orphans == 1
    assert janitor(shop.workspace).orphans == 1
    assert files(shop) == [kept]


def test_rows_stay_though_their_manifest_is_lost(shop):
    for manifest in (shop.root / ".headwater/lake/main").rglob("*.json"):
        manifest.unlink()
    everything_old(shop)
    assert janitor(shop.workspace).orphans == 0
    assert shop.query("SELECT total FROM totals") == [(6.0,)]


def test_what_a_killed_apply_has_sealed_goes_when_it_is_old(shop):
    class Killed(BaseException):
        pass

    def kill():
        raise Killed

    shop.model("totals", "SELECT max(price) AS total FROM raw")
    shop.when(lambda e: isinstance(e, Phase) and e.name == "move", kill)
    with pytest.raises(Killed):
        shop.apply()
    assert (len(files(shop)), janitor(shop.workspace).fills) == (2, 0)
    everything_old(shop)
    assert janitor(shop.workspace, dry_run=True).fills == 1
    assert janitor(shop.workspace).fills == 1
    assert shop.query("SELECT total FROM totals") == [(6.0,)]
