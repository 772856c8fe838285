"""Verdicts, observations, the file index and the rows set aside: found once, found again."""

from dataclasses import replace

from headwater.spec.addresses import HUB
from headwater.spec.observations import Inspection, Observation, SetAside, runs_of
from headwater.spec.releases import Verdict
from headwater.state.database import Database
from headwater.state.file_index import inspections, record_inspections, record_set_aside
from headwater.state.observations import last_observations, record_observation
from headwater.state.quarantine import reject_counts, rejects
from headwater.state.verdicts import record_verdicts, verdicts
from tests.state.making import NOON, item, later

PASS = Verdict(subject="f1", check="c1", reads="", failing=0, name="no nulls", node="a", slot="all")


def row(position: int, identity: str = "i1", reason: str = "cast", recovered: bool = False, line: int = 1) -> SetAside:
    return SetAside(identity, f"{identity}.csv", position, line, reason, "x", "not a number", "a,b", recovered)


def test_verdicts_are_found_by_subject_and_check(db: Database) -> None:
    other = replace(PASS, check="c2")
    record_verdicts(db, [PASS, other, replace(PASS, subject="f2")], NOON)
    assert verdicts(db, ["f1", "f3"], ["c1"]) == {("f1", "c1", ""): PASS}


def test_what_a_check_read_besides_is_part_of_its_key(db: Database) -> None:
    failing = replace(PASS, reads="r2", failing=3)
    record_verdicts(db, [PASS, failing], NOON)
    assert verdicts(db, ["f1"], ["c1"]) == {("f1", "c1", ""): PASS, ("f1", "c1", "r2"): failing}


def test_a_later_verdict_on_the_same_takes_the_place(db: Database) -> None:
    record_verdicts(db, [PASS], NOON)
    record_verdicts(db, [replace(PASS, failing=1)], later(1))
    assert verdicts(db, ["f1"], ["c1"])["f1", "c1", ""].failing == 1


def test_the_last_observation_of_each_source_and_site_is_kept(db: Database) -> None:
    one, two = Observation("raw", HUB, (item("a"),)), Observation("raw", HUB, (item("a"), item("b")))
    elsewhere = Observation("raw", "eu", ())
    for number, seen in enumerate([one, elsewhere, two]):
        record_observation(db, "dev", seen, later(number))
    assert last_observations(db, "dev") == {("raw", HUB): two, ("raw", "eu"): elsewhere}
    assert last_observations(db, "prod") == {}


def test_a_renamed_file_is_observed_under_its_new_name(db: Database) -> None:
    old, new = Observation("raw", HUB, (item("old", "same"),)), Observation("raw", HUB, (item("new", "same"),))
    assert old.digest == new.digest
    record_observation(db, "dev", old, NOON)
    record_observation(db, "prod", new, NOON)
    assert last_observations(db, "prod") == {("raw", HUB): new}


def test_file_names_that_are_no_utf_8_survive(db: Database) -> None:
    seen = Observation("raw", HUB, (item("caf\udce9.csv", "i"),))
    record_observation(db, "dev", seen, NOON)
    assert last_observations(db, "dev") == {("raw", HUB): seen}


def test_lists_that_nobody_names_any_more_go(db: Database) -> None:
    for number in range(5):
        record_observation(db, "dev", Observation("raw", HUB, (item(f"{number}"),)), later(number))
    with db.read() as connection:
        assert connection.execute("SELECT count(*) FROM item_lists").fetchone() == (1,)


def test_an_inspection_is_given_with_its_recovered_rows_only(db: Database) -> None:
    found = Inspection("i1", 10, runs_of((1, 2, 3, 9), 3600), (row(0), row(7, recovered=True)), later(5))
    record_inspections(db, "v1", "raw", [found, Inspection("i2", 0, ())], NOON)
    assert inspections(db, "v1", ["i1", "i2", "i3"]) == {
        "i1": replace(found, set_aside=(row(7, recovered=True),)),
        "i2": Inspection("i2", 0, ()),
    }
    assert inspections(db, "v2", ["i1"]) == {}


def test_inspecting_twice_counts_once(db: Database) -> None:
    for _ in range(2):
        record_inspections(db, "v1", "raw", [Inspection("i1", 10, (), (row(0), row(5)))], NOON)
        record_set_aside(db, "v1", "raw", [row(5), row(9)], NOON)
    (count,) = reject_counts(db, "raw", "v1", ["i1"])
    assert (count.reason, count.count, count.first_position, count.last_position) == ("cast", 3, 0, 9)


def test_formats_without_positions_tell_rows_apart_by_line(db: Database) -> None:
    record_set_aside(db, "v1", "raw", [row(-1, line=1), row(-1, line=2)], NOON)
    assert len(rejects(db, "raw", "v1", ["i1"], 10)) == 2


def test_quarantine_lists_only_the_files_asked_for_most_frequent_reason_first(db: Database) -> None:
    rows = [row(0), row(3, reason="quotes"), row(5), row(7, recovered=True), row(1, "i2"), row(2, "gone")]
    record_set_aside(db, "v1", "raw", rows, NOON)
    counts = reject_counts(db, "raw", "v1", ["i1", "i2"])
    assert [(c.reason, c.count) for c in counts] == [("cast", 3), ("quotes", 1)]


def test_quarantine_pages_by_path_and_position(db: Database) -> None:
    rows = [row(position, identity) for identity in ("i1", "i2", "i3") for position in (0, 4, 8)]
    record_set_aside(db, "v1", "raw", reversed(rows), NOON)
    everything = ["i3", "i1", "i2"]
    assert rejects(db, "raw", "v1", everything, 100) == tuple(rows)
    pages = [rejects(db, "raw", "v1", everything, 2, offset) for offset in range(0, 10, 2)]
    assert [found for page in pages for found in page] == rows


def test_a_payload_of_any_bytes_can_be_kept(db: Database) -> None:
    odd = replace(row(0), payload="nul \0, no utf-8 \udcff, ü", message="\udcff")
    record_set_aside(db, "v1", "raw", [odd], NOON)
    assert rejects(db, "raw", "v1", ["i1"], 1)[0].payload == "nul \0, no utf-8 \\udcff, ü"
