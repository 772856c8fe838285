"""Cells released again and again: what an observer who keeps everything can learn from differences."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.graph.borders import PolicyNode
from headwater.policy.cells import Cells, Slots, cells_of
from headwater.policy.ledgers import KEY, ledger_of, standings, statements
from headwater.policy.releasing import Decision, Standing, decide, is_complete
from headwater.policy.tokens import key_parameters
from headwater.run.binding import Binder
from headwater.spec.policies import Form

SMALLEST = 3
COLUMNS = (("day", "INTEGER"), ("path", "VARCHAR"), ("bytes", "BIGINT"), ("price", "BIGINT"), ("client", "VARCHAR"))
KEYS = key_parameters(KEY, b"a key of this site, for its ledger")
BIND = Binder()
Row = tuple[int, str, int | None, int | None, str]


class Site:
    """A site that releases cells of a table, whose rows change."""

    def __init__(self, unit: str = "client", slots: Slots | None = None) -> None:
        form = Form(aggregates=("sum", "count"), by={"path": "path"}, unit=unit, min_group=SMALLEST)
        rule = PolicyNode(name="traffic", relation="log", ship=("bytes", "price"), form=form)
        made = cells_of(rule, "log", COLUMNS, BIND, slots=slots)
        assert isinstance(made, Cells)
        self._ledger = ledger_of(made, rule, COLUMNS, "address", "us", slots=slots)
        self._connection = duckdb.connect()
        self._connection.execute(
            "CREATE TABLE log (day INTEGER, path VARCHAR, bytes BIGINT, price BIGINT, client VARCHAR)"
        )
        for each in self._ledger.create:
            self._connection.execute(each)

    def release(self, rows: list[Row], bounds: Mapping[str, int] | None = None) -> dict[Any, Any]:
        """Release what the rows are now; give what leaves: path (and slot) → measures."""
        run, bound = self._connection.execute, dict(bounds or {})
        run("DELETE FROM log")
        if rows:
            self._connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
        for each in self._ledger.stage:
            run(each, {k: v for k, v in {**KEYS, **bound}.items() if f"${k}" in each})
        found = run(self._ledger.compare, bound or None).fetchall()
        for each in statements(self._ledger, [decide(standing, SMALLEST) for standing in standings(found)]):
            run(each)
        width = 2 if bounds else 1
        shown = run(self._ledger.shown, bound or None).fetchall()
        return {row[:width]: row[width:] for row in shown}


def row(client: str, amount: int | None = 1, path: str = "/", price: int | None = 1, day: int = 0) -> Row:
    return (day, path, amount, price, client)


def by_unit(rows: list[Row], path: str) -> dict[str, Counter[Row]]:
    found: dict[str, Counter[Row]] = {}
    for each in rows:
        if each[1] == path:
            found.setdefault(each[-1], Counter())[each] += 1
    return found


def changed(one: dict[str, Counter[Row]], other: dict[str, Counter[Row]]) -> int:
    return sum(one.get(unit) != other.get(unit) for unit in {*one, *other})


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("abcdefg"),
        st.sampled_from([None, 0, 1, 5]),
        st.sampled_from(["/", "/a"]),
        st.sampled_from([1, 2]),
    ),
    max_size=14,
)


@given(history=st.lists(ROWS, min_size=2, max_size=5))
@settings(max_examples=25, deadline=None)
def test_no_two_releases_differ_by_fewer_units_than_the_smallest_group(history: list[list[Row]]) -> None:
    site = Site()
    seen: dict[tuple[str, Any], dict[str, Counter[Row]]] = {}
    for rows in history:
        for (path,), measures in site.release(rows).items():
            now = by_unit(rows, path)
            if (path, measures) not in seen:
                assert len(now) >= SMALLEST
                assert measures[0] == sum(map(Counter.total, now.values()))
                assert all(changed(now, then) >= SMALLEST for (of, _), then in seen.items() if of == path)
                seen[path, measures] = now


@given(rows=ROWS, more=st.builds(row, st.sampled_from("abcdefgh"), st.integers(0, 99), st.sampled_from(["/", "/a"])))
@settings(max_examples=25, deadline=None)
def test_rows_that_differ_by_one_unit_give_no_difference(rows: list[Row], more: Row) -> None:
    site = Site()
    before = site.release(rows)
    after = site.release([*rows, more])
    assert {path: after[path] for path in before} == before


PEOPLE = [row(each) for each in "abcd"]


def test_enough_new_units_make_a_new_release() -> None:
    site = Site()
    assert site.release(PEOPLE)[("/",)][0] == 4
    assert site.release([*PEOPLE, row("e"), row("f")])[("/",)][0] == 4
    assert site.release([*PEOPLE, row("e"), row("f"), row("g")])[("/",)][0] == 7


def test_going_there_and_back_by_another_way_shows_nobody() -> None:
    site = Site()
    others = [row(each) for each in "efgh"]
    first = site.release(PEOPLE)
    second = site.release([*PEOPLE, *others])
    assert second != first
    assert site.release([*PEOPLE, row("x", 777)]) == second


def test_what_was_released_before_may_be_released_again() -> None:
    site = Site()
    first = site.release(PEOPLE)
    assert site.release([*PEOPLE, *(row(each) for each in "efgh")]) != first
    assert site.release(PEOPLE) == first


def test_one_unit_in_one_column_is_not_hidden_behind_many_in_another() -> None:
    site = Site()
    first = site.release(PEOPLE)
    dearer = [row(each, price=2) for each in "abc"]
    assert site.release([*dearer, row("d", 777)]) == first
    assert site.release([*dearer, row("d")]) != first


def test_a_cell_that_loses_a_few_stands_and_one_that_loses_all_goes() -> None:
    site = Site()
    first = site.release(PEOPLE)
    assert site.release(PEOPLE[:2]) == first
    assert site.release([]) == {}
    assert site.release([*PEOPLE, row("x")]) == {}
    assert site.release(PEOPLE) == first


def test_rows_of_nobody_count_each_for_itself() -> None:
    site = Site(unit="")
    assert site.release([row("a")] * 3)[("/",)][0] == 3
    assert site.release([row("a")] * 5)[("/",)][0] == 3
    assert site.release([row("a")] * 6)[("/",)][0] == 6


def test_rows_without_a_unit_make_no_group() -> None:
    site = Site()
    nobody: Any = None
    assert site.release([row(nobody)] * 9) == {}


def test_only_the_slots_asked_for_are_released_and_the_others_stand() -> None:
    site = Site(slots=Slots(time="day", expression="day"))
    both = [row(each, day=day) for each in "abc" for day in (1, 2)]
    assert set(site.release(both, {"start": 1, "end": 2})) == {("/", 1)}
    assert set(site.release(both, {"start": 1, "end": 3})) == {("/", 1), ("/", 2)}
    assert set(site.release([], {"start": 2, "end": 3})) == set()
    assert set(site.release(both[::2], {"start": 1, "end": 2})) == {("/", 1)}


def test_the_ledger_holds_no_units_and_no_texts_of_keys() -> None:
    site = Site()
    site.release([row(f"client-{each}") for each in "abcd"])
    tables = site._connection.execute("SHOW TABLES").fetchall()
    kept = [str(site._connection.execute(f'FROM "{name}"').fetchall()) for (name,) in tables if name.endswith("_units")]
    assert kept
    assert "client-" not in "".join(kept)


@pytest.mark.parametrize(
    ("standing", "verdict", "version"),
    [
        (Standing(cell="c", units=3, shown=0), "release", 1),
        (Standing(cell="c", units=2, shown=0), "keep", 0),
        (Standing(cell="c", units=9, shown=1, changed=[(0, 0)]), "keep", 1),
        (Standing(cell="c", units=9, shown=1, changed=[(3, 2)]), "keep", 1),
        (Standing(cell="c", units=9, shown=1, changed=[(3, 0)]), "release", 2),
        (Standing(cell="c", units=9, shown=2, changed=[(1, 0), (4, 4)]), "keep", 2),
        (Standing(cell="c", units=9, shown=2, changed=[(0, 0), (4, 4)]), "repeat", 1),
        (Standing(cell="c", units=0, shown=1, changed=[(2, 2)]), "keep", 1),
        (Standing(cell="c", units=0, shown=1, changed=[(5, 5)]), "withdraw", 0),
    ],
)
def test_what_becomes_of_a_cell(standing: Standing, verdict: str, version: int) -> None:
    made = decide(standing, SMALLEST)
    assert made == Decision(cell="c", verdict=made.verdict, version=version)
    assert made.verdict == verdict


def test_a_slot_is_complete_when_it_has_ended() -> None:
    noon = datetime(2024, 5, 4, 12, tzinfo=UTC)
    assert is_complete(noon, noon)
    assert not is_complete(noon + timedelta(seconds=1), noon)
