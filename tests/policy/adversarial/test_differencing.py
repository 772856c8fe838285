"""Somebody keeps every release ever made and subtracts them from each other; what is left must be of many units or none."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.policy.releasing import ABSENT, Standing, decide

MIN_GROUP = 3
UNITS = st.dictionaries(st.integers(0, 7), st.tuples(st.integers(1, 2), st.integers(0, 3)), max_size=8)
"""A cell as it is: unit → (rows, sum)."""


def differing(one: dict, other: dict) -> tuple[int, ...]:
    """Per component: how many units contribute differently."""
    nothing = (0, None)
    units = one.keys() | other.keys()
    return tuple(sum(one.get(unit, nothing)[at] != other.get(unit, nothing)[at] for unit in units) for at in (0, 1))


def played(cells: list[dict]) -> list[tuple[int, dict | None]]:
    """Release a cell again and again; give what was shown each time: (version, its rows)."""
    versions: list[dict] = []
    shown, history = ABSENT, []
    for cell in cells:
        standing = Standing(
            cell="c", units=len(cell), shown=shown, changed=[differing(each, cell) for each in versions]
        )
        decision = decide(standing, MIN_GROUP)
        if decision.verdict == "release":
            versions.append(cell)
            assert decision.version == len(versions)
        shown = decision.version
        history.append((shown, versions[shown - 1] if shown != ABSENT else None))
    return history


@st.composite
def histories(draw) -> list[dict]:
    """Cells that move by a unit or a few from one release to the next, as late rows, corrections and slots do."""
    cells = [draw(UNITS)]
    for _ in range(draw(st.integers(1, 6))):
        cell = dict(cells[-1])
        for unit in draw(st.lists(st.integers(0, 7), max_size=5)):
            cell[unit] = draw(st.tuples(st.integers(1, 2), st.integers(0, 3)))
        for unit in draw(st.lists(st.integers(0, 7), max_size=3)):
            cell.pop(unit, None)
        cells.append(draw(st.sampled_from([cell, cell, cells[0]])))
    return cells


@given(histories())
def test_no_two_releases_differ_by_a_few_units(cells):
    shown = [rows for _, rows in played(cells) if rows is not None]
    for one in shown:
        assert len(one) >= MIN_GROUP
        for other in shown:
            assert all(count == 0 or count >= MIN_GROUP for count in differing(one, other))


def crowd(**more: tuple[int, int]) -> dict:
    return {unit: (1, unit) for unit in "abc"} | more


def test_one_who_comes_later_is_not_seen():
    assert [version for version, _ in played([crowd(), crowd(x=(1, 9))])] == [1, 1]


def test_one_who_leaves_is_not_seen():
    assert [version for version, _ in played([crowd(x=(1, 9)), crowd()])] == [1, 1]


def test_one_row_more_of_somebody_who_was_there_is_not_seen():
    assert [version for version, _ in played([crowd(x=(1, 9)), crowd(x=(2, 9))])] == [1, 1]


def test_going_by_way_of_many_changes_does_not_show_one():
    others = dict.fromkeys("uvw", (2, 5))
    there_and_back = [crowd(), crowd(**others), crowd(x=(1, 9))]
    assert [version for version, _ in played(there_and_back)] == [1, 2, 2]


def test_the_very_same_rows_show_what_they_showed_before():
    others = dict.fromkeys("uvw", (2, 5))
    assert [version for version, _ in played([crowd(), crowd(**others), crowd()])] == [1, 2, 1]


def test_a_cell_that_became_small_is_not_taken_away_for_one_who_left():
    assert [version for version, _ in played([crowd(), {"a": (1, 0), "b": (1, 1)}])] == [1, 1]
