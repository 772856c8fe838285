"""A lost or damaged state is rebuilt from the lake; rows that the lake has lost become due."""

import sqlite3

import pytest

from headwater.app.doctor import doctor
from headwater.app.environments import create_environment, delete_environment, list_environments
from headwater.diagnostics import HeadwaterError


def shop(project):
    project.source("raw", {"id": "bigint", "price": "double"}, [(1, 2.5), (2, 3.5)])
    project.model("totals", "SELECT sum(price) AS total FROM raw")
    project.model("twice", "SELECT 2 * total AS twice FROM totals")
    project.apply()
    return project


def state(project):
    return project.root / ".headwater/state.db"


def files(project, node):
    return sorted((project.root / ".headwater/lake/main" / node).rglob("*.parquet"))


def examined(project, **how):
    project.reopen()
    return doctor(project.root, effects=project.effects, **how)


def codes(report):
    return [each.code for each in report.findings]


def test_a_healthy_project_has_no_findings(project):
    report = examined(shop(project))
    assert (report.findings, report.is_healthy) == ((), True)


def test_a_project_that_never_ran_has_no_findings(project):
    assert examined(project).is_healthy


def test_a_lost_state_is_rebuilt_from_the_lake(project):
    shop(project).reopen()
    state(project).unlink()
    report = examined(project, repair=True)
    assert (codes(report), report.is_healthy) == (["HW0601"], True)
    assert project.query("SELECT twice FROM twice") == [(12.0,)]
    assert project.due() == {}


def test_a_damaged_state_is_set_aside_never_deleted(project):
    shop(project).reopen()
    state(project).write_bytes(b"no database at all" * 1000)
    with pytest.raises(HeadwaterError):
        project.query("SELECT twice FROM twice")
    report = examined(project, repair=True)
    assert report.set_aside.read_bytes() == b"no database at all" * 1000
    assert project.query("SELECT twice FROM twice") == [(12.0,)]


def test_without_repair_nothing_changes(project):
    shop(project).reopen()
    state(project).write_bytes(b"no database at all" * 1000)
    report = examined(project)
    assert (codes(report), report.repaired) == (["HW0602"], ())
    assert state(project).read_bytes() == b"no database at all" * 1000


def test_a_state_of_a_newer_version_is_left_alone(project):
    shop(project).reopen()
    with sqlite3.connect(state(project)) as connection:
        connection.execute("INSERT INTO migrations VALUES (99)")
    connection.close()
    report = examined(project, repair=True)
    assert (codes(report), report.repaired, report.is_healthy) == (["HW0606"], (), False)


def test_rows_that_are_lost_become_due_and_are_computed_again(project):
    (lost,) = files(shop(project), "totals")
    lost.unlink()
    assert codes(examined(project)) == ["HW0654"]
    report = examined(project, repair=True)
    assert report.is_healthy
    assert project.due() == {"totals": 1}
    project.run()
    assert project.query("SELECT twice FROM twice") == [(12.0,)]


def test_a_byte_that_changed_is_found(project):
    (file,) = files(shop(project), "totals")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert codes(examined(project)) == ["HW0655"]
    assert codes(examined(project, hashes=False)) == []


def test_a_lost_manifest_is_written_again(project):
    shop(project)
    for manifest in (project.root / ".headwater/lake/main/totals").rglob("*.json"):
        manifest.unlink()
    assert codes(examined(project)) == ["HW0580"]
    assert examined(project, repair=True).is_healthy
    assert codes(examined(project)) == []


def test_a_manifest_that_cannot_be_read_is_reported(project):
    shop(project)
    for manifest in (project.root / ".headwater/lake/main/totals").rglob("*.json"):
        manifest.write_text("{")
    assert "HW0653" in codes(examined(project))


def test_an_entry_changed_by_hand_is_found(project):
    shop(project).reopen()
    with sqlite3.connect(state(project)) as connection:
        connection.execute("UPDATE head_nodes SET rollup = 'x' WHERE node = 'totals'")
    connection.close()
    assert codes(examined(project)) == ["HW0625"]
    assert examined(project, repair=True).is_healthy


def test_a_deleted_environment_does_not_come_back_with_a_rebuilt_state(project):
    shop(project)
    for name in ("kept", "gone"):
        create_environment(project.workspace, name, parent="dev")
    project.model("totals", "SELECT count(*) AS total FROM raw")
    project.apply("kept")
    project.apply("gone")
    delete_environment(project.workspace, "gone")
    project.reopen()
    state(project).unlink()
    assert examined(project, repair=True).is_healthy
    assert [each.name for each in list_environments(project.workspace) if each.release] == ["dev", "kept"]


def test_rows_lost_to_several_environments_are_computed_once(project):
    (lost,) = files(shop(project), "totals")
    create_environment(project.workspace, "other", parent="dev")
    lost.unlink()
    assert examined(project, repair=True).is_healthy
    project.events.clear()
    project.run()
    project.run("other")
    assert project.computed() == {"totals": 1}
    assert project.query("SELECT twice FROM twice", "other") == [(12.0,)]
