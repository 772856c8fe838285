"""`headwater erase`: the value is asked for once, and shown nowhere."""

import pytest

from tests.cli.conftest import CommandLine
from tests.harness import Project

CANARY = "canary.vogel@example.org"


@pytest.fixture
def shop(tmp_path):
    project = Project(tmp_path)
    project.source("people", {"email": "varchar", "amount": "bigint"}, [("ann@example.org", 1), (CANARY, 2)])
    project.model("clean", "SELECT email, amount FROM people")
    project.apply()
    project.reopen()
    return CommandLine(tmp_path)


def test_a_value_comes_from_standard_input_and_is_shown_nowhere(shop):
    done = shop("erase", "people.email", "--from", "-", "--yes", stdin=f"{CANARY}\n")
    assert done.code == 0, done.everything
    assert "No file of the lake" in done.out
    assert CANARY not in done.everything
    assert shop("--json", "query", "SELECT email FROM clean").document == [{"email": "ann@example.org"}]


def test_a_dry_run_says_what_would_be_erased(shop):
    said = shop("--json", "erase", f"people.email={CANARY}", "--dry-run")
    assert said.document["tables"] == [{"node": "clean", "columns": ["email"], "fills": 1, "files": 1}]
    assert CANARY not in said.everything


def test_verify_ends_with_another_exit_code_while_rows_are_there(shop):
    assert shop("erase", f"people.email={CANARY}", "--verify").code == 6
    assert shop("erase", f"people.email={CANARY}", "--yes").code == 0
    assert shop("erase", f"people.email={CANARY}", "--verify").code == 0


def test_subjects_without_values_are_a_mistake(shop):
    assert shop("erase", "people.email").code == 2
