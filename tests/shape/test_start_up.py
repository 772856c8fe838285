"""Starting costs little: what a command does not need, it does not load."""

import subprocess
import sys

import pytest

from headwater.app.initialise import initialise

HEAVY = {"duckdb", "pyarrow", "sqlglot", "sqlalchemy", "pandas", "polars", "numpy"}
LISTED = "import atexit, sys; atexit.register(lambda: print('LOADED', *sys.modules)); from headwater.cli.main import main; main()"


def loaded(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name.partition(".")[0] for name in done.stdout.rpartition("LOADED ")[2].split()}


@pytest.fixture
def project(tmp_path):
    initialise(tmp_path, "minimal", name="start_up")
    return tmp_path


def test_help_loads_nothing_heavy(tmp_path):
    assert loaded(tmp_path, "--help") & (HEAVY | {"rich", "yaml"}) == set()


def test_status_loads_nothing_heavy(project):
    subprocess.run([sys.executable, "-m", "headwater", "apply"], cwd=project, capture_output=True, check=True)
    assert loaded(project, "status") & HEAVY == set()


def test_importing_headwater_loads_nothing_heavy(tmp_path):
    code = "import sys, headwater; print('LOADED', *sys.modules)"
    names = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert {name.partition(".")[0] for name in names.split()} & (HEAVY | {"rich", "yaml", "click"}) == set()
