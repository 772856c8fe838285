"""Tasks that do nothing, in ten layers of which each waits for three above: what an orchestrator itself costs."""

import json
import sys
from pathlib import Path

from bench.commands import remove, trial
from bench.measure import Cost, Row, Trial, alternate
from bench.peers import installed, program
from bench.scale import Scale

SCRIPTS = Path(__file__).resolve().parent / "scripts"
FIRST_S = 0.5
"""Seconds from the start of the process in which the first task must have begun."""
TASK_S = 0.001
OURS = {
    "headwater": "Headwater, two threads (SQLite, a commit per task boundary)",
    "threads": "a bare pool of two threads (keeps nothing)",
}
PEERS = {
    "dask": "Dask, one worker of two threads (keeps nothing)",
    "prefect": "Prefect, two threads (SQLite)",
    "dagster": "Dagster, in process (SQLite)",
    "airflow": "Airflow, dags test (SQLite)",
}
SETTINGS = {
    "prefect": {"PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1"},
    "dagster": {"DAGSTER_DISABLE_TELEMETRY": "yes"},
    "airflow": {"AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
}
MOST_OF_PEERS = 1000


def rows(folder: Path, scale: Scale):
    for tasks in scale.tasks:
        told: dict[str, dict[str, float]] = {}
        ours = {name: _trial(name, sys.executable, folder, tasks, told) for name in OURS}
        for name, costs in alternate(ours, scale.times).items():
            yield _row(tasks, name, costs, told)
        for name in scale.peers:
            if name in PEERS and tasks <= MOST_OF_PEERS and installed(name):
                once = _trial(name, program(name, "python"), folder, tasks, told)
                yield _row(tasks, name, alternate({name: once}, scale.peer_times)[name], told)


def _trial(name: str, python: str | Path, folder: Path, tasks: int, told: dict[str, dict[str, float]]) -> Trial:
    """Give a trial of a script, which also keeps what the script tells of its own run."""
    home, answer = folder / f"{name}-home", folder / f"{name}.json"
    homes = dict.fromkeys(("PREFECT_HOME", "DAGSTER_HOME", "AIRFLOW_HOME", "HOME"), str(home))
    settings = {**homes, **SETTINGS.get(name, {})}

    def prepare() -> None:
        remove(home)
        home.mkdir(parents=True)
        if name == "airflow":
            trial((program("airflow", "airflow"), "db", "migrate"), folder, environment=settings)()

    command = (python, SCRIPTS / f"tasks_{name}.py", str(tasks), answer, home)
    measured = trial(command, folder, before=prepare, environment=settings)

    def once() -> Cost:
        cost = measured()
        told[name] = json.loads(answer.read_text())
        return cost

    return once


def _row(tasks: int, name: str, costs: tuple[Cost, ...], told: dict[str, dict[str, float]]) -> Row:
    """The last run tells of its tasks."""
    found = told[name]
    facts = {"ms a task": f"{1000 * found['tasks_s'] / tasks:.3g}", "first task after s": f"{found['first_s']:.2f}"}
    budget = FIRST_S + tasks * TASK_S if name == "headwater" else None
    return Row(f"{tasks:,} tasks", {**OURS, **PEERS}[name], costs, budget_s=budget, facts=facts)
