"""A state rebuilt from documents and manifests serves what the lost one served."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from headwater.diagnostics import Broken, Conflict, Diagnostic
from headwater.spec.addresses import HUB
from headwater.spec.fills import Fill
from headwater.spec.observations import Observation
from headwater.spec.releases import Verdict, VersionChange
from headwater.state.database import Database, open_database
from headwater.state.documents import deletion_document
from headwater.state.environments import create, delete, environments
from headwater.state.heads import read_head
from headwater.state.health import examine
from headwater.state.leases import acquire
from headwater.state.observations import last_observations
from headwater.state.releases import graph_of, history, map_at
from headwater.state.repair import rebuild, release_document
from headwater.state.verdicts import record_verdicts, verdicts
from tests.state.making import NOON, fill, first, item, later, release, served, swap, upgrade
from tests.state.places import NewPlace

A, B = fill("a"), fill("b")
A2, NEW = fill("a", position="p2"), fill("a", version="v2")
FILLS = [A, B, A2, NEW]


def documents(db: Database) -> list[Mapping[str, Any]]:
    """All releases as the lake keeps them: JSON, in no particular order."""
    return [json.loads(json.dumps(release_document(db, made.id))) for made in history(db, None, 1000)]


def rebuilt(
    new_place: NewPlace, records: Iterable[Mapping[str, Any]], fills: Iterable[Fill] = FILLS
) -> tuple[Database, tuple[Diagnostic, ...]]:
    db = open_database(new_place())
    return db, rebuild(db, fills, records)


def test_a_rebuilt_state_serves_the_same_heads(db: Database, new_place: NewPlace) -> None:
    release(db, replace(first(A, B), holds_set={("b", HUB, B.slot): A.moving}))
    release(db, swap((A, A2), at=later(1)))
    release(db, upgrade([A2], [NEW], code="c2", graph=b"graph of c2", at=later(2)))
    again, warnings = rebuilt(new_place, documents(db))
    with again:
        assert warnings == ()
        assert read_head(again, "dev") == read_head(db, "dev")
        assert served(again) == served(db)
        assert history(again, "dev", 9) == history(db, "dev", 9)
        assert (graph_of(again, "c1"), graph_of(again, "c2")) == (b"graph of c1", b"graph of c2")
        assert examine(again) == ()


def test_a_rebuilt_state_can_be_rolled_back(db: Database, new_place: NewPlace) -> None:
    one = release(db, first(A, B))
    release(db, swap((B, None), versions=(VersionChange(node="b", old=B.version, new=None),)))
    release(db, upgrade([A], [NEW], code="c2"))
    again, _ = rebuilt(new_place, documents(db))
    with again:
        assert map_at(again, "dev", one.id) == map_at(db, "dev", one.id)
        release(again, upgrade([NEW], [A], kind="rollback", code="c1"))


def test_verdicts_and_observations_come_back(db: Database, new_place: NewPlace) -> None:
    passed = Verdict(subject=A.id, check="c", reads="", failing=0, node="a")
    table = Verdict(subject="roll-up", check="c", reads="r", failing=0, node="a")
    seen = Observation("raw", HUB, (item("caf\udce9.csv", "i"),))
    release(db, replace(first(A), verdicts=(passed, table), observations=(seen,)))
    again, _ = rebuilt(new_place, documents(db))
    with again:
        assert verdicts(again, [A.id, "roll-up"], ["c"]) == verdicts(db, [A.id, "roll-up"], ["c"])
        assert last_observations(again, "dev") == {("raw", HUB): seen}


def test_a_document_is_plain_text_whatever_the_file_names(db: Database) -> None:
    seen = Observation("raw", HUB, (item("caf\udce9.csv", "i"),))
    made = release(db, replace(first(A), observations=(seen,), graph=b"\xff\x00"))
    json.dumps(release_document(db, made.id), ensure_ascii=False).encode()


def test_fills_found_without_results_count_as_unchecked(db: Database, new_place: NewPlace) -> None:
    release(db, first(A))
    records = documents(db)
    record_verdicts(db, [Verdict(subject=A.id, check="c", reads="", failing=0)], NOON)
    again, _ = rebuilt(new_place, records)
    with again:
        assert verdicts(again, [A.id], ["c"]) == {}


def test_an_environment_of_a_parent_comes_back_whole(db: Database, new_place: NewPlace) -> None:
    release(db, first(A, B, environment="prod"))
    create(db, "pr-1", at=NOON, parent="prod", like="pr", expires=later(60))
    release(db, swap((A, A2), environment="pr-1"))
    again, _ = rebuilt(new_place, documents(db))
    with again:
        assert served(again, "pr-1") == {"a": {"all": A2.id}, "b": {"all": B.id}}
        assert environments(again) == environments(db)
        assert map_at(again, "pr-1", None) == map_at(db, "pr-1", None)


def test_a_deleted_environment_stays_deleted_if_its_document_was_kept(db: Database, new_place: NewPlace) -> None:
    release(db, first(A))
    records = [*documents(db), json.loads(json.dumps(deletion_document(db, "dev")))]
    delete(db, "dev")
    again, _ = rebuilt(new_place, records)
    with again:
        assert environments(again) == ()


def test_an_environment_deleted_and_made_again_comes_back_as_it_is(db: Database, new_place: NewPlace) -> None:
    release(db, first(A, B))
    old = documents(db)
    delete(db, "dev")
    release(db, first(A2))
    again, _ = rebuilt(new_place, [*old, *(d for d in documents(db) if d["release"] != old[0]["release"])])
    with again:
        assert served(again) == {"a": {"all": A2.id}}


def test_rows_that_the_lake_lost_leave_the_head_and_are_said(db: Database, new_place: NewPlace) -> None:
    release(db, first(A, B))
    again, warnings = rebuilt(new_place, documents(db), [B])
    with again:
        assert served(again) == {"a": {}, "b": {"all": B.id}}
        assert [found.code for found in warnings] == ["HW0621"]
        assert examine(again) == ()


def test_a_release_missing_in_between_is_said_and_no_row_of_another_version_is_served(
    db: Database, new_place: NewPlace
) -> None:
    later_slot = fill("a", "2026-01-02", version="v2")
    release(db, first(A))
    lost = release(db, upgrade([A], [NEW]))
    release(db, swap((None, later_slot)))
    kept = [document for document in documents(db) if document["release"] != lost.id]
    again, warnings = rebuilt(new_place, kept, [*FILLS, later_slot])
    with again:
        assert [found.code for found in warnings] == ["HW0622", "HW0621"]
        assert served(again) == {"a": {"2026-01-02": later_slot.id}}


def test_an_incomplete_record_is_left_out_and_said(db: Database, new_place: NewPlace) -> None:
    release(db, first(A))
    again, warnings = rebuilt(new_place, [*documents(db), {"format": 1, "release": "x"}])
    with again:
        assert [found.code for found in warnings] == ["HW0623"]
        assert served(again) == {"a": {"all": A.id}}


def test_a_record_of_a_newer_version_is_refused_and_nothing_is_written(db: Database, new_place: NewPlace) -> None:
    release(db, first(A))
    records = [{**document, "format": 2} for document in documents(db)]
    with open_database(new_place()) as again:
        with pytest.raises(Broken) as caught:
            rebuild(again, FILLS, records)
        assert caught.value.diagnostics[0].code == "HW0623"
        rebuild(again, FILLS, [])


def test_only_an_empty_state_is_rebuilt(db: Database) -> None:
    release(db, first(A))
    with pytest.raises(Conflict) as caught:
        rebuild(db, [], [])
    assert caught.value.diagnostics[0].code == "HW0620"


def test_fences_never_come_back(db: Database, new_place: NewPlace) -> None:
    acquire(db, ["x", "y"], "ada", NOON, 60)
    release(db, first(A))
    fence = acquire(db, ["z"], "ada", NOON, 60)["z"]
    again, _ = rebuilt(new_place, documents(db))
    with again:
        assert acquire(again, ["z"], "bob", NOON, 60)["z"] > fence


def test_a_sound_state_has_no_findings_and_a_changed_one_has(db: Database) -> None:
    release(db, first(A, B))
    assert examine(db) == ()
    with db.write() as connection:
        connection.execute("UPDATE entries SET digest = 'x' WHERE node = 'a'")
        connection.execute("UPDATE audit SET kind = 'x'")
    assert [found.code for found in examine(db)] == ["HW0625", "HW0624"]
