"""Whatever was applied, run and taken back before: after an erasure nobody and nothing holds the subject."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.erasing.performing import erase, prove
from headwater.app.erasing.planning import plan_erasure
from headwater.app.erasing.subjects import asked
from headwater.diagnostics import HeadwaterError
from tests.harness import Project

CANARY = "canary.vogel@example.org"
COLUMNS = {"email": "varchar", "amount": "bigint"}
STEPS = st.lists(st.sampled_from(["with", "without", "code", "run", "prod", "back"]), max_size=6)


@contextmanager
def new_project() -> Iterator[Project]:
    with TemporaryDirectory() as directory:
        project = Project(Path(directory))
        try:
            yield project
        finally:
            project.reopen()


def do(project: Project, step: str, number: int) -> None:
    match step:
        case "with":
            project.file("people", f"{number}.csv", list(COLUMNS), [(CANARY, number), (f"p{number}@example.org", 1)])
        case "without":
            project.file("people", f"{number}.csv", list(COLUMNS), [(f"p{number}@example.org", 1)])
        case "code":
            project.model("totals", f"SELECT sum(amount) + {number} AS total, count(*) AS rows FROM clean")
            project.apply()
        case "run":
            project.run()
        case "prod":
            project.apply("prod")
        case "back":
            try:
                project.rollback(data=True)
            except HeadwaterError:
                return  # nothing to go back to


@given(STEPS, STEPS)
@settings(max_examples=6, deadline=None)
def test_no_history_keeps_somebody_erased(before: list[str], after: list[str]) -> None:
    with new_project() as project:
        project.source("people", COLUMNS, [(CANARY, 100), ("ann@example.org", 1)])
        project.model("clean", "SELECT email, amount FROM people")
        project.model("totals", "SELECT sum(amount) AS total, count(*) AS rows FROM clean")
        project.apply()
        for number, step in enumerate(before, 10):
            do(project, step, number)
        planned = plan_erasure(project.workspace, asked([f"people.email={CANARY}"]))
        assert erase(project.workspace, planned).proof.holds
        for number, step in enumerate(after, 100):
            do(project, step, number)
        project.run(release_holds=True)
        assert prove(project.workspace, planned).holds
        emails = [email for email, _ in project.table("clean")]
        assert CANARY not in emails
        assert project.query("SELECT rows FROM totals") == [(len(emails),)]
