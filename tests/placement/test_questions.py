"""Whatever is asked, and wherever the rows lie: what comes out is what one machine gives."""

from random import Random

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.placement.places import assert_same, described, placed, run_placed
from tests.placement.questions import Question, world


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_any_question_gives_what_one_machine_gives(tmp_path_factory, seed):
    random = Random(seed)
    over = world(random)
    for _ in range(8):
        text = Question(random).text()
        try:
            expected = over.one.execute(text).fetchall(), described(over.one, text)
        except duckdb.Error:
            continue  # not every combination is a query
        ran = run_placed(placed(text, over.located, over.schemas), over.sites, tmp_path_factory.mktemp("moved"))
        assert_same((ran.rows, ran.columns), expected, ordered=False)
