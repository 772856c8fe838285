"""All queries of TPC-H, over three sites that share the rows and over five that share the tables, as on one machine."""

from dataclasses import replace

import pytest

from headwater.placement.values import Estimate
from tests.placement import tpch
from tests.placement.places import assert_same, described, placed, run_placed

SCALE = 0.1
LAYOUTS = {"rows apart": tpch.layout_a, "tables apart": tpch.layout_b}


@pytest.mark.parametrize("number", range(1, 23))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_query_gives_what_one_machine_gives(layout, number, tmp_path):
    text = tpch.queries()[number]
    over = LAYOUTS[layout](SCALE)
    ran = run_placed(placed(text, over.located, over.schemas), over.sites, tmp_path)
    one = tpch.one_machine(SCALE)
    assert_same((ran.rows, ran.columns), (one.execute(text).fetchall(), described(one, text)), ordered=True)


def test_what_is_expected_of_most_exchanges_is_within_a_factor_of_ten_of_what_crosses(tmp_path):
    over = tpch.layout_a(SCALE)
    near = []
    for number, text in tpch.queries().items():
        made = placed(text, over.located, over.schemas)
        (tmp_path / str(number)).mkdir()
        ran = run_placed(made, over.sites, tmp_path / str(number))
        for each in made.exchanges:
            measured = sum(path.stat().st_size for (name, _), path in ran.crossed.items() if name == each.name)
            near.append(measured / 10 <= each.estimate.bytes <= measured * 10)
    assert near.count(True) >= 0.75 * len(near)


def test_nothing_is_expected_where_nothing_is_known():
    over = tpch.layout_a(SCALE)
    unknown = {name: replace(each, held={}) for name, each in over.located.items()}
    made = placed(tpch.queries()[1], unknown, over.schemas)
    assert [each.estimate for each in made.exchanges] == [Estimate()]
