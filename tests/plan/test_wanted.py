"""Which slots an environment wants."""

from datetime import UTC, datetime

from headwater.graph.values import Graph, Input, Node, TimeCut
from headwater.plan.wanted import Horizon, wanted_ranges


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def table(name, *inputs, every="1d", end=None, complete=False, kind="incremental"):
    cut = TimeCut(column="at", type="TIMESTAMP", timezone="UTC", every=every, start=day(1), end=end, complete=complete)
    return Node(name=name, kind=kind, version="v", rows_address="r", columns=(), inputs=inputs, time=cut)


def ranges(*nodes, as_of, window_days=None):
    window = None if window_days is None else window_days * 86400
    found = wanted_ranges(Graph(project="p", nodes=nodes), Horizon(as_of=as_of, window_s=window))
    return {name: (start.day, end.day) for name, (start, end) in found.items()}


def test_slots_run_from_start_to_the_one_that_holds_now():
    assert ranges(table("a"), as_of=day(5)) == {"a": (1, 6)}


def test_a_complete_model_waits_for_the_end_of_its_slot():
    assert ranges(table("a", complete=True), as_of=day(5)) == {"a": (1, 5)}


def test_nothing_is_wanted_after_the_end():
    assert ranges(table("a", end=day(3)), as_of=day(5)) == {"a": (1, 3)}


def test_a_window_counts_back_from_now():
    assert ranges(table("a"), as_of=day(9), window_days=2) == {"a": (7, 10)}


def test_what_a_wanted_slot_reads_is_wanted_too():
    reader = table("b", Input(node="a", columns=("*",), cut=True, before_s=86400.0))
    assert ranges(table("a"), reader, as_of=day(9), window_days=2) == {"a": (6, 10), "b": (7, 10)}


def test_a_coarser_reader_wants_whole_slots_below():
    reader = table("b", Input(node="a", columns=("*",), cut=True), every="4d")
    assert (
        ranges(table("a"), reader, as_of=day(9), window_days=0)["a"][0]
        == ranges(table("a"), reader, as_of=day(9), window_days=0)["b"][0]
    )


def test_a_view_passes_the_want_on():
    view = table("v", Input(node="a", columns=("*",), cut=True), kind="view")
    reader = table("b", Input(node="v", columns=("*",), cut=True, before_s=86400.0 * 3))
    assert ranges(table("a"), view, reader, as_of=day(9), window_days=1)["a"] == (5, 10)


def test_an_input_that_is_not_cut_has_its_own_window():
    reader = table("b", Input(node="a", columns=("*",), cut=False))
    assert ranges(table("a"), reader, as_of=day(9), window_days=2)["a"] == (7, 10)


def test_an_empty_window_before_the_start_wants_nothing():
    start, end = ranges(table("a"), as_of=datetime(2023, 12, 1, tzinfo=UTC))["a"]
    assert start == end
