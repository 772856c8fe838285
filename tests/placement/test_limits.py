"""The first rows are taken before they are joined, whatever the engine would gain by looking at keys first."""

import pytest

from headwater.app.site.engines import SiteEngine
from headwater.run.engine import Engine, EngineLimits

FIRST = "(SELECT k FROM p JOIN n ON n.g > 0 ORDER BY k LIMIT 3)"


def engine_at_the_hub(folder):
    return Engine(EngineLimits(threads=1, temp_directory=str(folder)))


def engine_at_a_site(folder):
    return SiteEngine(EngineLimits(threads=1, temp_directory=str(folder)), [str(folder)], "UTC")


@pytest.mark.parametrize("engine_of", [engine_at_the_hub, engine_at_a_site])
def test_keys_do_not_reach_below_a_limit(engine_of, tmp_path):
    engine = engine_of(tmp_path)
    with engine.session() as session:
        session.run("CREATE TABLE p AS SELECT k FROM (VALUES (0), (1), (2), (3), (4)) AS v(k)")
        session.run("CREATE TABLE n AS SELECT 4 AS g")
        assert session.rows(f"SELECT t.k FROM {FIRST} AS t JOIN n ON n.g = t.k") == []
    engine.close()
