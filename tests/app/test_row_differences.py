"""What counts as a difference between expected and returned rows."""

import random

from hypothesis import given
from hypothesis import strategies as st

from headwater.run.unit_tests.matching import compare

VALUES = st.none() | st.integers(-2, 2) | st.sampled_from(["a", "b"]) | st.sampled_from([0.0, 1e-12, 1.0, float("nan")])
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), max_size=8)


@given(ROWS, st.randoms(use_true_random=False))
def test_rows_are_the_same_in_any_order(rows, chance):
    other = list(rows)
    chance.shuffle(other)
    assert compare(rows, other, tolerance=1e-9).is_empty


@given(ROWS, ROWS)
def test_every_row_is_accounted_for_once(expected, returned):
    found = compare(expected, returned)
    met = len(expected) - len(found.missing) - len(found.differing)
    assert met == len(returned) - len(found.unexpected) - len(found.differing)
    assert met >= 0


@given(ROWS, ROWS)
def test_a_pair_differs_in_the_columns_it_names_and_in_no_other(expected, returned):
    for pair in compare(expected, returned).differing:
        equal = {name for name in pair.expected if repr(pair.expected[name]) == repr(pair.returned[name])}
        assert not equal & set(pair.columns)
        assert pair.columns


@given(ROWS, ROWS, st.booleans())
def test_columns_that_nobody_names_do_not_matter(expected, returned, ordered):
    more = [{**row, "more": index} for index, row in enumerate(returned)]
    with_, without = compare(expected, more, ordered=ordered), compare(expected, returned, ordered=ordered)
    assert with_.is_empty == without.is_empty


def test_rows_that_name_other_columns_find_the_partner_that_leaves_one_for_the_others():
    expected = [{"a": 1}, {"a": 1, "b": 2}]
    assert compare(expected, [{"a": 1, "b": 2}, {"a": 1, "b": 3}]).is_empty
    assert compare(expected[::-1], [{"a": 1, "b": 2}, {"a": 1, "b": 3}]).is_empty


def test_close_numbers_are_matched_as_well_as_they_can_be():
    expected = [{"x": 0.0}, {"x": 1.0}, {"x": 2.0}]
    assert compare(expected, [{"x": 2.9}, {"x": 1.9}, {"x": 0.9}], tolerance=1.0).is_empty


def test_the_most_similar_rows_are_paired():
    found = compare([{"k": 1, "v": 1}, {"k": 2, "v": 2}], [{"k": 2, "v": 9}, {"k": 1, "v": 8}])
    assert [(pair.expected["k"], pair.returned["k"], pair.columns) for pair in found.differing] == [
        (1, 1, ("v",)), (2, 2, ("v",)),
    ]  # fmt: skip


def test_ten_thousand_rows_are_compared_at_once():
    rows = [{"k": index, "v": random.Random(index).random()} for index in range(10_000)]
    changed = [{**row, "v": 5.0} if row["k"] == 77 else row for row in rows]
    (pair,) = compare(rows, changed[::-1], tolerance=1e-9).differing
    assert (pair.expected["k"], pair.columns) == (77, ("v",))
