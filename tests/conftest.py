"""What all tests share: how hypothesis behaves on a busy machine, and a project to work in."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.harness import Project
    from tests.postgres import Postgres

settings.register_profile("headwater", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "headwater"))

# Started in the background, a test run ignores Ctrl-C or holds it back; its children would inherit that, and tests of
# Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> "Iterator[Project]":
    """A project directory, and what a user does in it; on Postgres if HEADWATER_TESTS_STATE says so."""
    from tests.harness import Project

    made = Project(tmp_path)
    if os.environ.get("HEADWATER_TESTS_STATE") == "postgres":
        made.settings(state=request.getfixturevalue("postgres").new_state())
    yield made
    made.reopen()


@pytest.fixture(params=["sqlite", "postgres"])
def project_on(request: pytest.FixtureRequest, project: "Project") -> "Project":
    """A project whose state is on each kind of database."""
    if request.param == "postgres":
        project.settings(state=request.getfixturevalue("postgres").new_state())
    return project


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A Postgres server of this test process; the test is skipped where it is not installed, but never in CI."""
    from tests.postgres import programs, running

    if programs() is None:
        said = "Postgres is not installed: `apt-get install postgresql` brings the server that this test starts"
        needed = os.environ.get("CI") or os.environ.get("HEADWATER_NEEDS_POSTGRES")
        (pytest.fail if needed else pytest.skip)(said)
    with running() as server:
        yield server
