"""The ledger of a site: killed at any statement it shows what was decided before, and two askers are one after the other."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headwater.app.site.engines import SiteEngine
from headwater.app.site.homes import open_home
from headwater.app.site.releasing import ledger_keys, release_of
from headwater.connect.runtimes import Granted
from headwater.policy.grants import source_grants
from headwater.run.binding import Binder
from headwater.run.engine import EngineLimits, Session
from headwater.spec.policies import Form
from tests.runtimes.worlds import CHARTER, rule

NOW = datetime(2024, 1, 2, tzinfo=UTC)
FORM = Form(aggregates=("count",), by={"name": "name"}, unit="id", min_group=2)
RULES = replace(CHARTER, policies=(rule("counts", ship=("price",), form=FORM),))


def released(path, units):
    """Release the cells of a table of so many units; give what leaves then."""
    home, binder = open_home(path / "home"), Binder()
    grant = source_grants(RULES, "sales", "eu", "us", binder).of_rule("counts")
    asked = Granted(name="g1", source="sales", rule="counts")
    release = release_of(home, RULES, grant, asked, "us", "UTC", NOW, binder)
    engine = SiteEngine(EngineLimits(threads=1, temp_directory=str(path)), [f"{home.ledger}/"], "UTC")
    with engine.session() as session:
        for key, value in ledger_keys(home).items():
            session.connection.execute(f"SET VARIABLE {key} = $1", [value])
        rows = (
            "CAST(i AS BIGINT) AS id, NULL::TIMESTAMPTZ AS ts, 1::DECIMAL(12,2) AS price, 'anna' AS name, '' AS email"
        )
        session.run(f"CREATE VIEW sales AS SELECT {rows} FROM range({units}) AS t(i)")
        release.stage(session)
        release.release(session, f"{session.name}.main.shown")
        found = session.rows(f"SELECT count FROM {session.name}.main.shown")
    engine.close()
    binder.close()
    return [count for (count,) in found]


def _killed(path, units, last):
    """Release, and die before the statement of that number that follows the beginning of the transaction."""
    run, seen = Session.run, []

    def counted(self, sql):
        if seen or sql == "BEGIN TRANSACTION":
            seen.append(sql)
        if len(seen) > last:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, sql)

    Session.run = counted
    released(path, units)


@pytest.mark.parametrize("last", range(1, 9))
def test_a_site_killed_in_the_middle_has_decided_all_or_nothing(tmp_path, last):
    """The eighth statement is the last of the transaction."""
    assert released(tmp_path, 3) == [3]
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path, 9, last))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert released(tmp_path, 4 if last < 8 else 8) == [3 if last < 8 else 9]  # too little has changed since then


def test_two_askers_at_once_are_shown_the_same(tmp_path):
    released(tmp_path, 3)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(released, [tmp_path] * 4, [3, 4, 3, 4]))
    assert found == [[3]] * 4
