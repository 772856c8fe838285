"""Erasing somebody: no row, release, quarantine or file of Headwater's own holds them afterwards."""

from pathlib import Path

import pytest

from headwater.app.erasing.performing import erase, prove
from headwater.app.erasing.planning import Erasure, plan_erasure
from headwater.app.erasing.subjects import asked
from headwater.diagnostics import HeadwaterError, Invalid
from headwater.state.audit import audit_entries, verify
from tests.harness import Project

CANARY = "canary.vogel@example.org"
PEOPLE = {"email": "varchar", "country": "varchar", "amount": "bigint"}
ROWS = [("ann@example.org", "DE", 1), (CANARY, "DE", 2), ("bob@example.org", "FR", 4)]


@pytest.fixture
def shop(project: Project) -> Project:
    project.source("people", PEOPLE, ROWS)
    project.model("clean", "SELECT email, country, amount FROM people")
    project.model("totals", "SELECT country, sum(amount) AS amount FROM clean GROUP BY country")
    project.apply()
    return project


def plan(project: Project, *values: str) -> Erasure:
    return plan_erasure(project.workspace, asked(values or [f"people.email={CANARY}"]))


def erased(project: Project, *values: str) -> None:
    done = erase(project.workspace, plan(project, *values))
    assert done.proof.holds, done.diagnostics
    assert canaries(project.root / ".headwater") == []


def canaries(root: Path, text: str = CANARY) -> list[str]:
    """Files below a directory whose bytes hold a text."""
    return [str(path) for path in root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_rows_of_somebody_erased_are_gone_from_every_table(shop: Project) -> None:
    erased(shop)
    assert shop.table("clean") == [("ann@example.org", "DE", 1), ("bob@example.org", "FR", 4)]
    assert shop.table("totals") == [("DE", 1), ("FR", 4)]


def test_a_plan_names_tables_and_files_and_what_is_out_of_reach(shop: Project) -> None:
    found = plan(shop)
    assert [(c.node, c.columns, c.fills, c.files) for c in found.carriers] == [
        ("clean", ("email",), 1, 1),
        ("totals", (), 1, 0),
    ]
    assert ("source in place", "people") in [(each.what, each.name) for each in found.unreached]
    assert not found.refusals


def test_a_plan_changes_nothing(shop: Project) -> None:
    before = shop.history()
    plan(shop)
    assert shop.history() == before
    assert len(shop.table("clean")) == 3


def test_a_file_that_comes_back_brings_nobody_back(shop: Project) -> None:
    erased(shop)
    shop.file("people", "2.csv", list(PEOPLE), [(CANARY, "IT", 8), ("eve@example.org", "IT", 16)])
    shop.run()
    assert shop.table("totals") == [("DE", 1), ("FR", 4), ("IT", 16)]
    assert canaries(shop.root / ".headwater") == []


def test_rows_of_old_releases_go_too_and_a_rollback_cannot_bring_them_back(shop: Project) -> None:
    first = shop.history()[0].id
    shop.file("people", "2.csv", list(PEOPLE), [("eve@example.org", "IT", 16)])
    shop.run()
    erased(shop)
    with pytest.raises(Invalid, match="erased"):
        shop.rollback(to=first, data=True)
    assert len(shop.table("clean")) == 3


def test_code_of_an_old_release_can_still_come_back(shop: Project) -> None:
    first = shop.history()[0].id
    shop.model("totals", "SELECT country, sum(amount) * 2 AS amount FROM clean GROUP BY country")
    shop.apply()
    erased(shop)
    shop.rollback(to=first)
    shop.run()
    assert shop.table("totals") == [("DE", 1), ("FR", 4)]


def test_every_environment_lets_go_of_somebody_erased(shop: Project) -> None:
    shop.apply("prod")
    erased(shop)
    for environment in ("dev", "prod"):
        assert len(shop.table("clean", environment)) == 2


def test_erasing_again_changes_nothing(shop: Project) -> None:
    erased(shop)
    before = shop.history()
    erased(shop)
    assert shop.history() == before


def test_the_audit_says_what_was_done_without_the_value(shop: Project) -> None:
    erased(shop)
    kinds = [entry.kind for entry in audit_entries(shop.workspace.db)]
    assert "erasure begun" in kinds
    assert kinds[-1] == "erasure done"
    assert verify(shop.workspace.db)[1] is None


@pytest.mark.parametrize(
    "last", ["idle", "look", "fill dev", "require", "delete", "packs", "files", "purge", "shred", "prove", "finish"]
)
def test_what_was_interrupted_is_completed_by_asking_again(shop: Project, last: str) -> None:
    def step(name: str) -> None:
        if name == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase(shop.workspace, plan(shop), step=step)
    shop.reopen()
    erased(shop)
    assert shop.table("totals") == [("DE", 1), ("FR", 4)]


def test_rows_set_aside_of_somebody_are_purged(project: Project) -> None:
    project.source("people", PEOPLE)
    project.file("people", "1.csv", list(PEOPLE), [*ROWS, (CANARY, "DE", "many")])
    project.model("clean", "SELECT * FROM people")
    project.apply()
    assert canaries(project.root / ".headwater")
    erased(project)
    project.file("people", "2.csv", list(PEOPLE), [(CANARY, "FR", "few"), ("eve@example.org", "FR", "few")])
    project.run()
    assert canaries(project.root / ".headwater") == []


def test_slots_of_time_are_filled_anew_where_somebody_was(project: Project) -> None:
    visits(project)
    project.apply()
    project.events.clear()
    erased(project, f"visits.email={CANARY}")
    assert project.computed() == {"daily": 1}
    assert len(project.table("daily")) == 59


def test_a_table_that_reads_another_as_of_the_run_is_filled_anew(project: Project) -> None:
    visits(project)
    project.source("people", {"email": "varchar", "name": "varchar"}, [(CANARY, "Carla Canary")])
    project.model(
        "named",
        "SELECT v.seen, p.email, p.name FROM visits AS v LEFT JOIN people AS p ON p.email = v.email",
        kind="incremental",
        time="seen",
        every="1d",
        start="2024-01-01",
    )
    project.apply()
    erased(project, f"people.email={CANARY}", f"visits.email={CANARY}")
    assert len(project.table("named")) == 59


def test_equal_to_a_project_that_never_had_them(shop: Project, tmp_path: Path) -> None:
    erased(shop)
    (tmp_path / "other").mkdir()
    other = Project(tmp_path / "other")
    other.source("people", PEOPLE, [row for row in ROWS if row[0] != CANARY])
    other.model("clean", "SELECT email, country, amount FROM people")
    other.apply()
    assert shop.table("clean") == other.table("clean")
    other.reopen()


def test_nobody_can_be_taken_out_of_a_table_that_is_built_from_its_past(project: Project) -> None:
    project.source("people", PEOPLE, ROWS)
    project.model("latest", "SELECT * FROM people", kind="merge", key=["email"])
    project.apply()
    found = plan(project)
    assert "HW1314" in {each.code for each in found.refusals}
    with pytest.raises(HeadwaterError):
        erase(project.workspace, found)
    assert len(project.table("latest")) == 3


@pytest.mark.parametrize("text", ["people", "people.email", "people.email=", "nobody.email=x@y", "people.phone=1"])
def test_what_cannot_be_a_subject_is_said_without_its_value(shop: Project, text: str) -> None:
    with pytest.raises(Invalid) as problem:
        plan(shop, text)
    assert problem.value.diagnostics[0].code == "HW1310"


def test_a_lost_key_stops_every_run(shop: Project) -> None:
    erased(shop)
    (shop.root / ".headwater" / "erasure.key").unlink()
    with pytest.raises(HeadwaterError) as problem:
        shop.run()
    assert problem.value.diagnostics[0].code == "HW1311"


def test_the_proof_finds_who_was_not_erased(shop: Project) -> None:
    assert not prove(shop.workspace, plan(shop)).holds


def visits(project: Project) -> None:
    """A table of sixty visits in as many hours, one of them by the canary, slots of a day."""
    columns = {"seen": "timestamp", "email": "varchar"}
    project.source("visits", columns, time="seen", start="2024-01-01", timezone="UTC")
    rows = [
        (f"2024-01-0{1 + n // 24} {n % 24:02}:00:00", CANARY if n == 30 else f"v{n}@example.org") for n in range(60)
    ]
    project.file("visits", "1.csv", list(columns), rows[:24])
    project.file("visits", "2.csv", list(columns), rows[24:48])
    project.file("visits", "3.csv", list(columns), rows[48:])
    project.model(
        "daily", "SELECT seen, email FROM visits", kind="incremental", time="seen", every="1d", start="2024-01-01"
    )
