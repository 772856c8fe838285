"""`retain`: rows of a class go when their time has come, from environments, releases and quarantine."""

import json

import pytest

from headwater.app.janitor import janitor
from headwater.diagnostics import Invalid
from tests.harness import Project

COLUMNS = {"seen": "timestamp", "email": {"type": "varchar", "class": "pii.email"}}


@pytest.fixture
def visits(project: Project) -> Project:
    """One visit a day from 1 to 9 January; it is the tenth."""
    rows = [(f"2024-01-0{day} 12:00:00", f"v{day}@example.org") for day in range(1, 10)]
    project.source("visits", COLUMNS, rows, time="seen", start="2024-01-01", timezone="UTC")
    when = {"kind": "incremental", "time": "seen", "every": "1d", "start": "2024-01-01"}
    project.model("daily", "SELECT seen, email FROM visits", **when)
    project.model("people", "SELECT DISTINCT email FROM daily")
    rule = {"retain": {"class": "pii", "for": "5d", "then": "delete"}}
    project.write("policies/keep.yaml", json.dumps({"policies": {"keep": rule}}))
    return project


def test_slots_are_wanted_only_as_long_as_they_may_be_kept(visits: Project) -> None:
    visits.apply()
    assert [email for _, email in visits.table("daily")] == [f"v{day}@example.org" for day in range(5, 10)]


def test_the_janitor_lets_go_of_what_has_become_too_old(visits: Project) -> None:
    visits.apply()
    visits.later(days=2)
    janitor(visits.workspace)
    assert [email for _, email in visits.table("daily")] == [f"v{day}@example.org" for day in range(7, 10)]
    assert len(visits.table("people")) == 3


def test_a_rollback_brings_code_back_but_not_old_rows(visits: Project) -> None:
    visits.apply()
    first = visits.history()[0].id
    visits.later(days=2)
    janitor(visits.workspace)
    with pytest.raises(Invalid, match="erased"):
        visits.rollback(to=first, data=True)
    visits.rollback(to=first)
    visits.run()
    assert len(visits.table("daily")) == 3


def test_nothing_goes_twice(visits: Project) -> None:
    visits.apply()
    visits.later(days=2)
    janitor(visits.workspace)
    before = visits.history()
    janitor(visits.workspace)
    assert visits.history() == before


def test_a_table_without_time_must_not_read_such_a_source(visits: Project) -> None:
    visits.model("all_people", "SELECT DISTINCT email FROM visits")
    assert [code.split()[0] for code in visits.mistakes] == ["HW1319"]
