"""History only grows, and every point of it can be given back."""

from dataclasses import replace

import pytest

from headwater.diagnostics import Invalid
from headwater.spec.addresses import ALL, HUB
from headwater.spec.releases import VersionChange
from headwater.state.database import Database
from headwater.state.environments import create, delete
from headwater.state.moves import move
from headwater.state.releases import find_release, graph_of, history, map_at, touched_after
from tests.state.making import NOON, entry, fill, first, later, release, swap, upgrade

A, B = fill("a"), fill("b")
A2 = fill("a", position="p2")
NEW = fill("a", version="v2")


def test_history_is_newest_first_and_per_environment(db: Database) -> None:
    one = release(db, first(A))
    two = release(db, first(B, environment="prod"))
    three = release(db, swap((A, A2)))
    assert history(db, "dev", 10) == (three, one)
    assert history(db, None, 2) == (three, two)
    assert (one.parent, three.parent) == (None, one.id)


def test_a_release_is_given_back_as_it_was_made(db: Database) -> None:
    made = release(db, replace(first(A), commit="abc", message="first of all"))
    assert find_release(db, made.id) == made


def test_a_release_is_found_by_the_beginning_of_its_id(db: Database) -> None:
    move(db, first(A), "abc1")
    move(db, swap((A, A2)), "abd2")
    assert find_release(db, "abd").id == "abd2"
    with pytest.raises(Invalid) as ambiguous:
        find_release(db, "ab")
    assert ambiguous.value.diagnostics[0].code == "HW0610"
    assert "`abc1`" in ambiguous.value.diagnostics[0].hint


def test_a_whole_id_wins_over_longer_ones(db: Database) -> None:
    move(db, first(A), "ab")
    move(db, swap((A, A2)), "abc")
    assert find_release(db, "ab").id == "ab"


@pytest.mark.parametrize("text", ["", "zz", "%", "r' OR 1=1 --"])
def test_an_unknown_release_is_a_mistake(db: Database, text: str) -> None:
    release(db, first(A))
    with pytest.raises(Invalid) as caught:
        find_release(db, text)
    assert caught.value.diagnostics[0].code == "HW0609"


def test_the_map_of_an_earlier_release_has_its_versions_entries_and_code(db: Database) -> None:
    one = release(db, first(A, B, code="c1"))
    release(db, swap((A, A2)))
    release(db, upgrade([A2], [NEW], code="c2"))
    versions, entries, code = map_at(db, "dev", one.id)
    assert versions == {"a": "v1", "b": "v1"}
    assert entries == {"a": {(HUB, ALL): entry(A)}, "b": {(HUB, ALL): entry(B)}}
    assert code == "c1"


def test_before_the_first_release_there_was_nothing(db: Database) -> None:
    release(db, first(A))
    assert map_at(db, "dev", None) == ({}, {}, "")
    assert map_at(db, "never", None) == ({}, {}, "")


def test_a_node_that_came_and_went_is_not_in_between(db: Database) -> None:
    one = release(db, first(A))
    two = release(db, first(B))
    release(db, swap((B, None), versions=(VersionChange(node="b", old=B.version, new=None),)))
    assert set(map_at(db, "dev", one.id)[1]) == {"a"}
    assert set(map_at(db, "dev", two.id)[1]) == {"a", "b"}


def test_a_map_can_be_asked_for_some_nodes_only(db: Database) -> None:
    one = release(db, first(A, B))
    release(db, swap((A, A2)))
    assert touched_after(db, "dev", one.id) == {"a"}
    assert map_at(db, "dev", one.id, nodes={"a"})[1] == {"a": {(HUB, ALL): entry(A)}}


def test_a_rollback_is_another_release_on_top(db: Database) -> None:
    one = release(db, first(A, code="c1"))
    two = release(db, upgrade([A], [NEW], code="c2"))
    back = release(db, upgrade([NEW], [A], kind="rollback", code="c1"))
    assert [r.id for r in history(db, "dev", 10)] == [back.id, two.id, one.id]
    assert map_at(db, "dev", back.id) == map_at(db, "dev", one.id)
    assert map_at(db, "dev", two.id)[2] == "c2"


def test_an_environment_of_a_parent_goes_back_to_what_it_took(db: Database) -> None:
    release(db, first(A))
    create(db, "pr-1", at=NOON, parent="dev", like=None, expires=None)
    release(db, swap((A, A2), environment="pr-1"))
    versions, entries, code = map_at(db, "pr-1", None)
    assert (versions, entries, code) == ({"a": "v1"}, {"a": {(HUB, ALL): entry(A)}}, "c1")


def test_releases_of_another_or_a_deleted_environment_cannot_be_restored(db: Database) -> None:
    one = release(db, first(A))
    delete(db, "dev", at=later(1))
    release(db, first(A))
    with pytest.raises(Invalid):
        map_at(db, "dev", one.id)
    with pytest.raises(Invalid):
        map_at(db, "prod", one.id)


def test_a_code_without_a_graph_has_none(db: Database) -> None:
    assert graph_of(db, "c9") is None
