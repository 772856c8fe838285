"""What it costs to start: `--help` and `status`, beside an interpreter that does nothing and the peers' help."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.commands import DBT_SETTINGS, HEADWATER, SQLMESH_SETTINGS, headwater, trial
from bench.measure import Row, alternate
from bench.peers import installed, program
from bench.scale import Scale

COUNT = """
import atexit, sys
heavy = ("duckdb", "pyarrow", "sqlglot", "msgspec", "yaml", "rich", "click")
atexit.register(lambda: print(len(sys.modules), "with", *(name for name in heavy if name in sys.modules), file=sys.stderr))
from headwater.cli.main import main
main()
"""
"""Count what was imported when the process ends."""


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    project = folder / "project"
    trial((HEADWATER, "init", project), folder)()
    headwater(project, "apply")()
    ours = {
        "python, doing nothing": trial((sys.executable, "-c", ""), project),
        "headwater --help": headwater(project, "--help"),
        "headwater status": headwater(project, "status"),
    }
    costs = alternate(ours, scale.starts)
    budgets = {"headwater --help": 0.12, "headwater status": 0.2}
    for who, found in costs.items():
        facts = {"modules": _modules(project, who.split()[1])} if who in budgets else {}
        yield Row("start", who, found, budget_s=budgets.get(who), facts=facts)
    peers = {
        "dbt --help": ("dbt", "dbt", DBT_SETTINGS),
        "sqlmesh --help": ("sqlmesh", "sqlmesh", SQLMESH_SETTINGS),
    }
    theirs = {
        who: trial((program(peer, name), "--help"), project, environment=settings)
        for who, (peer, name, settings) in peers.items()
        if peer in scale.peers and installed(peer)
    }
    for who, found in alternate(theirs, scale.times).items():
        yield Row("start", who, found)


def _modules(project: Path, argument: str) -> str:
    command = [sys.executable, "-c", COUNT, argument]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1]
