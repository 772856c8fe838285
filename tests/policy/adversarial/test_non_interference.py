"""The leak oracle: whatever is allowed tells the same of two databases that agree on everything that was granted."""

from dataclasses import replace

import pytest

from tests.policy.adversarial.cases import ALLOWED, Case
from tests.policy.adversarial.judge import Allowed, judge
from tests.policy.adversarial.oracle import Crossed, crossings, tables_of
from tests.policy.adversarial.values import World
from tests.policy.adversarial.worlds import WORLDS

BORDERED = [case for case in ALLOWED if any(WORLDS[case.world].jurisdictions.values())]


def both(case: Case, world: World, twin: dict[str, bool], tmp_path) -> tuple[object, object]:
    """What crosses in a world, and in its twin."""
    allowed = judge(case)
    if not isinstance(allowed, Allowed):
        pytest.skip("refused")
    here = crossings(allowed, world, tables_of(world, {}), tmp_path / "here")
    return here, crossings(allowed, world, tables_of(world, twin), tmp_path / "twin")


@pytest.mark.parametrize("case", [case for case in BORDERED if case.at == "hub"], ids=str)
def test_nothing_that_leaves_depends_on_what_is_not_granted(case: Case, tmp_path):
    world = WORLDS[case.world]
    here, twin = both(case, world, dict.fromkeys(world.sources, True), tmp_path)
    assert here == twin


@pytest.mark.parametrize("case", BORDERED, ids=str)
def test_nothing_that_reaches_the_eu_depends_on_rows_elsewhere(case: Case, tmp_path):
    world = WORLDS[case.world]
    elsewhere = {name: _reversed(source) for name, source in world.sources.items() if "fra" not in source.rows}
    changed = replace(world, sources={**world.sources, **elsewhere})
    here, twin = both(case, changed, dict.fromkeys(elsewhere, True), tmp_path)
    assert _to_eu(here, world) == _to_eu(twin, world)


def _reversed(source):
    """A twin without the first row of each site: nothing of it is granted to anybody in the EU."""
    return replace(source, twin={site: rows[1:] for site, rows in source.rows.items()})


def _to_eu(crossed: object, world: World) -> object:
    if not isinstance(crossed, list):
        return crossed
    return [each for each in crossed if isinstance(each, Crossed) and _reaches_eu(each, world)]


def _reaches_eu(crossed: Crossed, world: World) -> bool:
    return any(world.jurisdictions[site] == "eu" for site in crossed.to)
