"""Every connector in every mode, against a plain oracle: loads, restatements, slots that leave, repetition."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connect.sinks import Loaded
from tests.sinks.targets import KINDS, MODES, Oracle, load, rows_of, sink, slot

A = slot(1, "f1", [(1, "x", "a"), (2, "y", "b")])
B = slot(2, "f2", [(2, "y", "c"), (3, None, "d")])
A_AGAIN = slot(1, "f3", [(1, "z", "A"), (2, "z", "B")])


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(params=KINDS, scope="module")
def kind(request):
    return request.param


@pytest.mark.parametrize("mode", MODES)
def test_a_load_is_there_once_however_often_it_is_repeated(kind, mode, tmp_path, connection):
    target = sink(kind, tmp_path)
    assert target.ledger() == {}
    assert target.load(connection, load([A, B], mode)) == Loaded(slots=2, rows=4)
    once = rows_of(kind, tmp_path)
    assert target.load(connection, load([B, A], mode)) == Loaded(slots=0, rows=0)
    assert rows_of(kind, tmp_path) == once
    assert target.ledger() == {("hub", A.slot): "f1", ("hub", B.slot): "f2"}
    assert sink(kind, tmp_path).ledger() == target.ledger()


def test_replace_holds_the_current_slots_only(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([A, B]))
    sink(kind, tmp_path).load(connection, load([B]))
    assert rows_of(kind, tmp_path) == [(2, "y", "c"), (3, None, "d")]
    sink(kind, tmp_path).load(connection, load([]))
    assert rows_of(kind, tmp_path) == []


def test_append_keeps_slots_that_left_and_replaces_restated_ones(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([A, B], "append"))
    sink(kind, tmp_path).load(connection, load([A_AGAIN], "append"))
    assert rows_of(kind, tmp_path) == [(1, "z", "A"), (2, "y", "c"), (2, "z", "B"), (3, None, "d")]


def test_append_can_ignore_restatements_and_the_ledger_says_what_is_held(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([A], "append"))
    sink(kind, tmp_path).load(connection, load([A_AGAIN, B], "append", restate="ignore"))
    assert rows_of(kind, tmp_path) == [(1, "x", "a"), (2, "y", "b"), (2, "y", "c"), (3, None, "d")]
    assert sink(kind, tmp_path).ledger() == {("hub", A.slot): "f1", ("hub", B.slot): "f2"}


def test_merge_keeps_the_row_of_the_latest_slot_in_whatever_order_they_come(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([B], "merge"))
    sink(kind, tmp_path).load(connection, load([A_AGAIN, B], "merge"))
    assert rows_of(kind, tmp_path) == [(1, "z", "A"), (2, "y", "c"), (3, None, "d")]


@pytest.mark.parametrize("mode", MODES)
def test_a_changed_mode_begins_anew_from_the_current_slots(kind, mode, tmp_path, connection):
    for before in MODES:
        sink(kind, tmp_path).load(connection, load([A, B], before))
        sink(kind, tmp_path).load(connection, load([A_AGAIN, B], mode))
        oracle = Oracle(mode)
        oracle.load(
            {("hub", 1): ("f3", [(1, "z", "A"), (2, "z", "B")]), ("hub", 2): ("f2", [(2, "y", "c"), (3, None, "d")])}
        )
        assert rows_of(kind, tmp_path) == oracle.rows


ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["x", "y", "a=/b", None]), st.sampled_from(["p", "q"])),
    max_size=3,
    unique_by=lambda row: row[0],
)
STATES = st.lists(
    st.dictionaries(st.tuples(st.sampled_from(["eu", "hub"]), st.integers(1, 3)), ROWS, max_size=4),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("mode", [*MODES, "append-ignore"])
@settings(max_examples=4)
@given(states=STATES)
def test_any_history_ends_as_the_oracle_says(kind, mode, connection, tmp_path_factory, states):
    root = tmp_path_factory.mktemp("target")
    mode, _, restate = mode.partition("-")
    restate = restate or "replace"
    oracle = Oracle(mode, restate)
    for state in states:
        known = {key: (f"fill {rows}", rows) for key, rows in state.items()}
        oracle.load(known)
        slots = [slot(day, fill, rows, site) for (site, day), (fill, rows) in known.items()]
        sink(kind, root).load(connection, load(slots, mode, restate=restate))
        assert rows_of(kind, root) == oracle.rows
        assert sink(kind, root).ledger() == oracle.ledger
