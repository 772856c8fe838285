"""The commands that are measured, each from a beginning that it finds the same every time."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.measure import Cost, Trial, run
from bench.peers import program

HEADWATER = Path(sys.executable).with_name("headwater")
SQLMESH_SETTINGS = {"SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "1", "MAX_FORK_WORKERS": "2"}
DBT_SETTINGS = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": "."}


def nothing() -> None:
    """Prepare nothing."""


def headwater(project: Path, *arguments: str, before: Callable[[], object] = nothing, expect: int = 0) -> Trial:
    """Give a trial of a Headwater command in a project."""
    return trial((HEADWATER, *arguments), project, before=before, expect=expect)


def sqlmesh(project: Path, *arguments: str, before: Callable[[], object] = nothing) -> Trial:
    """Give a trial of an SQLMesh command in a project."""
    command = (program("sqlmesh", "sqlmesh"), *arguments)
    return trial(command, project, before=before, environment=SQLMESH_SETTINGS)


def dbt(project: Path, *arguments: str, before: Callable[[], object] = nothing) -> Trial:
    """Give a trial of a dbt command in a project."""
    return trial((program("dbt", "dbt"), *arguments), project, before=before, environment=DBT_SETTINGS)


def trial(
    command: tuple[str | Path, ...],
    folder: Path,
    *,
    before: Callable[[], object] = nothing,
    expect: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Trial:
    """Give a trial: ``before`` prepares, unmeasured; what it wrote is on the disk when the command begins."""

    def once() -> Cost:
        before()
        os.sync()
        return run(command, folder, expect=expect, environment=environment)

    return once


def remove(*paths: Path) -> None:
    """Delete files and directories; what is not there is no matter."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
