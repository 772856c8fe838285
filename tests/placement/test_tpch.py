"""All queries of TPC-H, over three sites that share the rows and over five that share the tables, as on one machine."""

import pytest

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
