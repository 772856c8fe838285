"""`headwater serve` as an operator meets it: what is due runs, what dies is replaced, what kills is set aside."""

import os
import signal

from headwater.state.environments import environments
from headwater.state.suspects import suspects
from headwater.state.workers import workers
from tests.cli.conftest import CommandLine

EVERY_SECOND = "pipelines: {often: {select: [counts], schedule: {every: 1s}}}"
COUNTS = "SELECT count(*) AS n, sum(amount) AS total FROM sales"
SALES = """
sources:
  sales:
    connector: files
    path: data/sales*.csv
    columns: {day: date, amount: integer}
"""


def command(project):
    return CommandLine(project.root)


def shop(project, pipelines, **models):
    project.write("headwater.yaml", f"project: shop\n{pipelines}\n")
    project.write("sources/sales.yaml", SALES)
    project.write("data/sales.csv", "day,amount\n2026-01-01,1\n")
    for name, text in ({"counts": COUNTS} | models).items():
        project.write(f"models/{name}.sql", text)
    project.apply()


def test_what_is_due_runs_and_new_data_is_seen(served):
    shop(served.project, EVERY_SECOND)
    served.start()
    served.ended("often", 1)
    served.project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    served.until(lambda: served.project.query("SELECT total FROM counts") == [(42,)])


def test_a_server_that_is_told_to_stop_leaves_nothing_running(served):
    shop(served.project, EVERY_SECOND)
    process = served.start()
    served.ended("often", 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert workers(served.project.workspace.db) == ()
    assert [request for request in served.requests() if request.status == "running"] == []


def test_a_file_that_comes_starts_a_pipeline(served):
    shop(served.project, 'pipelines: {fed: {when: {files: "data/*.csv"}}}')
    served.start()
    served.until(lambda: "leads" in served.log())
    states = served.project.workspace.db
    served.until(lambda: bool(environments(states)) and _remembers(served, "fed"))
    served.project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    (request,) = served.ended("fed", 1)
    assert (request.kind, "data/*.csv" in request.because) == ("trigger", True)
    assert served.project.query("SELECT total FROM counts") == [(42,)]


def _remembers(served, pipeline):
    from headwater.state.pipeline_states import pipeline_states

    state = pipeline_states(served.project.workspace.db, "dev").get(pipeline)
    return state is not None and state.memory != "{}"


def test_a_worker_that_dies_is_replaced_and_its_run_goes_on(served):
    project = served.project
    project.write("models/patient.py", PATIENT)
    project.write("go", "")
    shop(project, "pipelines: {slow: {select: [patient]}}")
    served.start()
    (project.root / "go").unlink()
    project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    command(project)("trigger", "slow", "--detach")
    served.until((project.root / "begun").exists)
    (worker,) = [each for each in workers(project.workspace.db) if each.run]
    os.kill(worker.pid, signal.SIGKILL)
    project.write("go", "")
    (request,) = served.ended("slow")
    assert (request.status, request.tries, request.crashes) == ("done", 2, 1)
    assert project.query("SELECT n FROM patient") == [(2,)]


def test_a_state_that_is_gone_for_a_while_costs_neither_a_worker_nor_a_run(served):
    project = served.project
    project.write("models/patient.py", PATIENT)
    project.write("go", "")
    shop(project, "pipelines: {slow: {select: [patient]}}")
    served.start()
    (project.root / "go").unlink()
    project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    command(project)("trigger", "slow", "--detach")
    served.until((project.root / "begun").exists)
    before = workers(project.workspace.db)
    state, away = project.root / ".headwater" / "state.db", project.root / ".headwater" / "away"
    state.rename(away)
    project.write("go", "")
    served.until(lambda: "does not exist" in served.log())
    away.rename(state)
    (request,) = served.ended("slow")
    served.until(lambda: "can be used again" in served.log())
    assert (request.status, request.tries, request.crashes) == ("done", 1, 0), served.log()
    assert {each.pid for each in workers(project.workspace.db)} == {each.pid for each in before}
    assert project.query("SELECT n FROM patient") == [(2,)]


def test_a_worker_that_is_told_to_stop_ends_in_good_order_and_is_replaced(served):
    shop(served.project, EVERY_SECOND)
    served.start()
    served.ended("often", 1)
    (worker,) = [each for each in workers(served.project.workspace.db) if each.kind == "worker"]
    os.kill(worker.pid, signal.SIGTERM)
    served.until(lambda: worker.id not in {each.id for each in workers(served.project.workspace.db)})
    served.ended("often", len([each for each in served.requests() if each.has_ended]) + 1)
    assert ("Fatal" in served.log(), "died" in served.log()) == (False, False)


def test_a_run_that_is_cancelled_stops_and_its_worker_goes_on(served):
    project = served.project
    project.write("models/patient.py", PATIENT)
    project.write("go", "")
    shop(project, "pipelines: {slow: {select: [patient]}, quick: {select: [counts]}}")
    served.start()
    (project.root / "go").unlink()
    project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    run = command(project)("trigger", "slow", "--detach", "--json").document["run"]
    served.until((project.root / "begun").exists)
    assert command(project)("cancel", run).code == 0
    assert [each.status for each in served.ended("slow")] == ["cancelled"]
    command(project)("trigger", "quick", "--detach")
    assert [each.status for each in served.ended("quick")] == ["done"]
    assert project.query("SELECT n FROM patient") == [(1,)]


def test_a_task_that_kills_its_worker_again_and_again_is_set_aside(served):
    project = served.project
    project.write("models/deadly.py", DEADLY)
    shop(project, "pipelines: {bad: {select: [deadly]}, good: {select: [counts], schedule: {every: 1s}}}")
    served.start()
    project.write("kill", "")
    project.write("data/sales2.csv", "day,amount\n2026-01-02,41\n")
    command(project)("trigger", "bad", "--detach")
    (request,) = served.ended("bad")
    assert (request.status, request.crashes) == ("failed", 3), request.message + served.log()
    assert [(each.node, each.crashes) for each in suspects(project.workspace.db, "dev")] == [("deadly", 3)]
    before = len(served.requests("good"))
    assert all(each.status == "done" for each in served.ended("good", before + 1))


PATIENT = """
import pathlib, time
import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={"sales": "sales"}, columns={"n": "bigint"})
def patient(sales: pa.Table) -> pa.Table:
    if not pathlib.Path("go").exists():
        pathlib.Path("begun").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    return pa.table({"n": [len(sales)]})
"""
DEADLY = """
import os, pathlib, signal
import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={"sales": "sales"}, columns={"n": "bigint"})
def deadly(sales: pa.Table) -> pa.Table:
    if pathlib.Path("kill").exists():
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(1)
    return pa.table({"n": [len(sales)]})
"""
