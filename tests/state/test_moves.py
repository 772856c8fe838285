"""A move changes a head as one, or says who came first."""

from dataclasses import replace

import pytest

from headwater.diagnostics import Broken, Conflict
from headwater.spec.addresses import HUB, Slot
from headwater.spec.observations import Observation
from headwater.spec.releases import Move, Verdict, VersionChange, rollup
from headwater.state.database import Database
from headwater.state.fills import known, record
from headwater.state.heads import entries, read_head, settle
from headwater.state.janitor import condemn
from headwater.state.leases import acquire
from headwater.state.moves import CodeConflict, EntryConflict, move
from headwater.state.observations import last_observations
from headwater.state.releases import graph_of, history
from headwater.state.runs import runs, start_run
from headwater.state.verdicts import verdicts
from tests.state.making import NOON, change, entry, fill, first, item, later, release, served, swap, upgrade

A, B = fill("a"), fill("b")
A2, B2 = fill("a", position="p2"), fill("b", position="p2")


def test_an_environment_never_written_has_an_empty_head(db: Database) -> None:
    head = read_head(db, "dev")
    assert (head.release, head.code, head.nodes, head.entries_of("a")) == (None, "", {}, {})


def test_a_move_serves_its_entries_and_is_the_last_release(db: Database) -> None:
    made = release(db, first(A, B))
    head = read_head(db, "dev")
    assert head.release == made.id
    assert head.code == "c1"
    assert head.entries_of("a") == {(HUB, A.slot): entry(A)}
    assert made.nodes == ("a", "b")


def test_a_nodes_roll_up_is_that_of_its_entries(db: Database) -> None:
    days = [fill("a", f"2026-01-0{day}") for day in range(1, 5)]
    release(db, first(*days))
    release(db, swap((days[0], None), (days[1], fill("a", days[1].slot, "p2"))))
    node = read_head(db, "dev").nodes["a"]
    assert node.slots == 3
    assert node.rollup == rollup((key, found.digest) for key, found in entries(db, "dev", "a").items())


def test_a_move_keeps_fills_graph_verdicts_and_observations(db: Database) -> None:
    verdict = Verdict(subject=A.id, check="not_null", reads="", failing=0, node="a")
    seen = Observation("raw", HUB, (item("a.csv"), item("b.csv")))
    release(db, replace(first(A), verdicts=(verdict,), observations=(seen,)))
    assert known(db, [A.id]) == {A.id: A}
    assert graph_of(db, "c1") == b"graph of c1"
    assert verdicts(db, [A.id], ["not_null"]) == {(A.id, "not_null", ""): verdict}
    assert last_observations(db, "dev") == {("raw", HUB): seen}


def test_moves_on_different_entries_both_succeed(db: Database) -> None:
    release(db, first(A, B))
    one, other = swap((A, A2)), swap((B, B2))
    release(db, one)
    release(db, other)
    assert served(db) == {"a": {"all": A2.id}, "b": {"all": B2.id}}


def test_the_second_of_two_moves_on_one_entry_is_told_which_node(db: Database) -> None:
    release(db, first(A, B))
    release(db, swap((A, A2)))
    with pytest.raises(EntryConflict) as caught:
        release(db, swap((A, fill("a", position="p3")), (B, B2)))
    assert caught.value.nodes == {"a"}
    assert caught.value.diagnostics[0].message == "`a` in `dev` moved meanwhile"


def test_a_conflict_names_an_environment_whatever_its_name(db: Database) -> None:
    release(db, first(A, environment="{x} %s"))
    with pytest.raises(EntryConflict) as caught:
        release(db, swap((A2, None), environment="{x} %s"))
    assert "`{x} %s`" in caught.value.diagnostics[0].message


def test_a_move_that_conflicts_changes_nothing(db: Database) -> None:
    release(db, first(A))
    with pytest.raises(EntryConflict):
        release(db, swap((A2, fill("a", position="p3")), environment="dev"))
    assert served(db) == {"a": {"all": A.id}}
    assert known(db, [fill("a", position="p3").id]) == {}
    assert len(history(db, "dev", 10)) == 1


def test_an_entry_that_somebody_added_is_no_longer_absent(db: Database) -> None:
    release(db, first(A))
    with pytest.raises(EntryConflict):
        release(db, swap((None, A2)))


def test_a_plan_for_other_code_is_refused(db: Database) -> None:
    release(db, first(A))
    with pytest.raises(CodeConflict) as caught:
        release(db, replace(swap((A, A2)), code_before="c0"))
    assert caught.value.diagnostics[0].code == "HW0611"


def test_a_run_begun_before_an_apply_moves_only_nodes_of_unchanged_version(db: Database) -> None:
    new = fill("a", version="v2")
    release(db, first(A, B))
    release(db, upgrade([A], [new]))
    with pytest.raises(CodeConflict) as caught:
        release(db, swap((new, A2), expected_versions={"a": A.version}))
    assert caught.value.nodes == {"a"}
    release(db, swap((B, B2), expected_versions={"b": B.version}))


def test_a_fill_of_another_version_is_refused_even_if_nobody_expected_one(db: Database) -> None:
    new = fill("a", version="v2")
    release(db, first(A))
    release(db, upgrade([A], [new]))
    with pytest.raises(CodeConflict) as caught:
        release(db, swap((new, A2)))
    assert caught.value.nodes == {"a"}


def test_a_check_over_a_whole_table_fails_the_move_if_the_table_moved(db: Database) -> None:
    release(db, first(A, B))
    seen = read_head(db, "dev").nodes["a"].rollup
    release(db, swap((A, A2)))
    with pytest.raises(EntryConflict) as caught:
        release(db, swap((B, B2), expected_rollups={"a": seen}))
    assert caught.value.nodes == {"a"}


def test_a_table_that_does_not_exist_has_the_roll_up_of_nothing(db: Database) -> None:
    release(db, replace(first(A), expected_rollups={"b": rollup(())}))


def test_a_new_version_never_leaves_rows_of_the_old_one_behind(db: Database) -> None:
    old = [fill("a", f"2026-01-0{day}") for day in (1, 2, 3)]
    release(db, first(*old[:2]))
    release(db, swap((None, old[2])))
    with pytest.raises(EntryConflict) as caught:
        release(db, upgrade(old[:2], [fill("a", found.slot, version="v2") for found in old[:2]]))
    assert caught.value.nodes == {"a"}


def test_a_node_leaves_with_all_its_entries(db: Database) -> None:
    release(db, first(A, B))
    gone = VersionChange(node="a", old=A.version, new=None)
    release(db, swap((A, None), versions=(gone,)))
    assert served(db) == {"b": {"all": B.id}}


def test_a_fill_that_is_not_recorded_is_refused(db: Database) -> None:
    release(db, first(A))
    with pytest.raises(EntryConflict) as caught:
        release(db, replace(swap((A, A2)), fills=()))
    assert caught.value.diagnostics[0].code == "HW0614"


def test_a_fill_recorded_before_may_be_taken(db: Database) -> None:
    release(db, first(A))
    record(db, [A2])
    release(db, replace(swap((A, A2)), fills=()))
    assert served(db) == {"a": {"all": A2.id}}


def test_a_condemned_fill_is_refused_even_if_the_move_brings_it(db: Database) -> None:
    release(db, first(A))
    record(db, [A2])
    condemn(db, [A2.id])
    with pytest.raises(EntryConflict) as caught:
        release(db, swap((A, A2)))
    assert caught.value.diagnostics[0].code == "HW0614"


def test_an_entry_cannot_name_the_fill_of_another_slot(db: Database) -> None:
    release(db, first(A))
    other = fill("a", "2026-01-01")
    wrong = replace(change(None, other), slot=Slot("2026-01-02"))
    with pytest.raises(Broken) as caught:
        release(db, Move(environment="dev", kind="run", at=NOON, by="ada", changes=(wrong,), fills=(other,)))
    assert caught.value.diagnostics[0].code == "HW0615"


def test_a_mover_whose_lease_was_taken_is_refused(db: Database) -> None:
    fence = acquire(db, ["env:dev"], "ada", NOON, 60)["env:dev"]
    release(db, replace(first(A), fence=("env:dev", fence)))
    acquire(db, ["env:dev"], "bob", later(61), 60)
    with pytest.raises(Conflict) as caught:
        release(db, replace(swap((A, A2)), fence=("env:dev", fence)))
    assert caught.value.diagnostics[0].code == "HW0616"


def test_a_release_id_is_used_once(db: Database) -> None:
    move(db, first(A), "same")
    with pytest.raises(Conflict) as caught:
        move(db, swap((A, A2)), "same")
    assert caught.value.diagnostics[0].code == "HW0617"


def test_holds_are_set_cleared_and_leave_with_their_node(db: Database) -> None:
    key, other = ("a", HUB, A.slot), ("b", HUB, B.slot)
    release(db, replace(first(A, B), holds_set={key: A2.moving, other: B2.moving}))
    assert read_head(db, "dev").holds == {key: A2.moving, other: B2.moving}
    release(db, swap(holds_cleared=frozenset([key])))
    assert read_head(db, "dev").holds == {other: B2.moving}
    release(db, swap((B, None), versions=(VersionChange(node="b", old=B.version, new=None),)))
    assert read_head(db, "dev").holds == {}


def test_what_was_settled_is_forgotten_when_the_node_moves(db: Database) -> None:
    release(db, replace(first(A, B), settled={"a": "x", "b": "y"}))
    release(db, swap((A, A2)))
    nodes = read_head(db, "dev").nodes
    assert (nodes["a"].settled, nodes["b"].settled) == ("", "y")


def test_settling_without_a_release_skips_nodes_that_moved(db: Database) -> None:
    release(db, first(A, B))
    head = read_head(db, "dev")
    release(db, swap((A, A2)))
    settle(db, head, {"a": "x", "b": "y"})
    nodes = read_head(db, "dev").nodes
    assert (nodes["a"].settled, nodes["b"].settled) == ("", "y")


def test_a_run_is_linked_to_its_release(db: Database) -> None:
    start_run(db, "run1", "dev", "run", NOON, "ada", "c1")
    made = release(db, replace(first(A), run="run1"))
    assert runs(db, "dev", 1)[0].release == made.id


def test_a_conflict_inside_a_larger_transaction_undoes_only_the_move(db: Database) -> None:
    release(db, first(A))
    with db.write():
        with pytest.raises(EntryConflict):
            release(db, swap((A2, fill("a", position="p3"))))
        release(db, swap((A, A2)))
    assert served(db) == {"a": {"all": A2.id}}
    assert known(db, [fill("a", position="p3").id]) == {}


def test_conflicts_keep_their_nodes_between_processes() -> None:
    import pickle

    conflict = EntryConflict.about("HW0613", ["a"], "moved", "again")
    again = pickle.loads(pickle.dumps(conflict))  # noqa: S301 - our own bytes
    assert (again.nodes, again.diagnostics) == (conflict.nodes, conflict.diagnostics)
