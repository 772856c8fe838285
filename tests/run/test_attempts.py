"""What runs keep of every attempt, from before it begins, and what is left when somebody stops them or they die."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.app.contexts import context_of
from headwater.app.planning import plan_with
from headwater.diagnostics import Cancelled
from headwater.events import TaskStarted
from headwater.plan.knowledge import Options
from headwater.run.context import Ticket
from headwater.run.cycle import settle
from headwater.state.attempts import attempts_of, running_attempts
from headwater.state.database import open_database
from headwater.state.runs import runs

ENDLESS = "SELECT sum(sqrt(a.id * b.id * c.id + d.id)) AS x FROM raw AS a, raw AS b, raw AS c, raw AS d"


def shop(project, rows=3):
    project.source("raw", {"id": "bigint"}, rows=[(number,) for number in range(rows)])
    project.model("base", "SELECT id FROM raw WHERE id > 0")
    project.model("totals", "SELECT sum(id) AS total FROM base")
    return project


def attempts(project):
    (last, *_) = runs(project.workspace.db, "dev", 1)
    return {row.node: row for row in attempts_of(project.workspace.db, last.id)}


def test_a_run_says_of_every_attempt_what_it_read_and_wrote(project):
    shop(project).apply()
    base, totals = attempts(project).values()
    assert (base.status, base.work.rows_out, base.attempt, base.slots) == ("done", 2, 1, 1)
    assert (totals.work.rows_in, totals.work.rows_out) == (2, 1)
    assert totals.work.bytes_read == base.work.bytes_written > 0
    assert base.work.bytes_read == sum(file.stat().st_size for file in Path(project.root, "data/raw").iterdir())


def test_a_run_says_why_each_task_ran(project):
    shop(project).apply()
    project.file("raw", "2.csv", ["id"], [(7,)])
    project.run()
    assert {node: row.because for node, row in attempts(project).items()} == {"base": "new data", "totals": "new data"}


def test_an_attempt_counts_processor_time_and_memory(project):
    project.source("raw", {"id": "bigint"}, rows=[(number,) for number in range(500)])
    project.model("heavy", "SELECT a.id + b.id AS x, count(*) AS n FROM raw AS a, raw AS b GROUP BY ALL")
    project.apply()
    work = attempts(project)["heavy"].work
    assert work.cpu_s > 0
    assert work.peak_bytes > 0


def test_a_functions_process_is_counted(project):
    shop(project)
    project.write(
        "models/py.py",
        "import headwater as hw\nimport pyarrow as pa\n"
        "@hw.model(inputs={'base': 'base'}, columns={'n': 'bigint'})\n"
        "def py(base: pa.Table) -> pa.Table:\n    return pa.table({'n': [base.num_rows]})\n",
    )
    project.apply()
    assert attempts(project)["py"].work.cpu_s > 0.01
    assert attempts(project)["py"].work.peak_bytes > 10_000_000


def test_an_attempt_is_in_the_state_before_it_begins_and_ended_before_its_readers_begin(project):
    seen = []

    def look():
        with open_database(project.root / ".headwater" / "state.db") as other:
            seen.append({row.node: row.status for row in attempts_of(other, runs(other, "dev", 1)[0].id)})

    shop(project)
    project.when(lambda e: isinstance(e, TaskStarted) and e.node == "base", look)
    project.when(lambda e: isinstance(e, TaskStarted) and e.node == "totals", look)
    project.apply()
    assert seen == [{"base": "running"}, {"base": "done", "totals": "running"}]


def test_a_failed_attempt_says_why(project):
    shop(project)
    project.model("bad", "SELECT CAST('x' || id AS bigint) AS n FROM base")
    project.apply(fails=True)
    found = attempts(project)["bad"]
    assert (found.status, "Could not convert" in found.message) == ("failed", True)


def endless(project):
    """A project in which the next run has a query without an end."""
    shop(project)
    project.model("endless", ENDLESS)
    project.apply()
    project.file("raw", "2.csv", ["id"], [(number,) for number in range(3000)])
    return project


def stopped_at(project, node):
    """A ticket of a run that somebody cancels as soon as a node's task begins."""
    said: list[str] = []
    project.when(lambda e: isinstance(e, TaskStarted) and e.node == node, lambda: said.append("ada cancelled it"))
    return Ticket(why_stop=lambda: said[0] if said else None)


def last_run(project):
    return runs(project.workspace.db, "dev", 1)[0]


def test_a_cancelled_run_stops_its_queries(project):
    endless(project)
    with pytest.raises(Cancelled, match="ada cancelled it") as stopped:
        project.run(ticket=stopped_at(project, "endless"))
    assert stopped.value.diagnostics[0].code == "HW1040"
    assert (last_run(project).status, last_run(project).message) == (
        "cancelled",
        "the run was stopped: ada cancelled it",
    )
    assert attempts(project)["endless"].status == "cancelled"
    assert running_attempts(project.workspace.db, last_run(project).id) == ()


def test_what_a_cancelled_run_has_sealed_is_taken_by_the_next(project):
    endless(project)
    with pytest.raises(Cancelled):
        project.run(ticket=stopped_at(project, "endless"))
    sealed = {row.node for row in attempts(project).values() if row.status == "done"}
    project.model("endless", "SELECT 1 AS x")
    project.events.clear()
    project.apply()
    assert not sealed & project.computed().keys()
    assert project.table("totals") == [(sum(range(3000)) + 3,)]


def test_a_run_stops_at_its_deadline(project):
    endless(project)
    ticket = Ticket(deadline_at=project.now + timedelta(minutes=5))
    project.when(lambda e: isinstance(e, TaskStarted) and e.node == "endless", lambda: project.later(minutes=6))
    with pytest.raises(Cancelled) as stopped:
        project.run(ticket=ticket)
    assert stopped.value.diagnostics[0].code == "HW1041"
    assert last_run(project).status == "cancelled"


def test_a_cancelled_run_ends_functions_and_all_that_they_have_started(project):
    shop(project)
    begun = project.root / "begun"
    os.mkfifo(begun)
    project.write(
        "models/slow.py",
        "import headwater as hw\nimport subprocess\n"
        "@hw.model(inputs={'base': 'base'}, columns={'n': 'bigint'})\n"
        "def slow(base):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        f"    open({str(begun)!r}, 'w').write(str(child.pid))\n"
        "    child.wait()\n",
    )
    child: list[int] = []
    ticket = Ticket(why_stop=lambda: "ada cancelled it" if child else None)
    context = context_of(project.workspace, project.graph(), "dev", ticket=ticket)
    reader = threading.Thread(target=lambda: child.append(int(begun.read_text())))
    reader.start()
    with pytest.raises(Cancelled), context.stoppable(), ExitStack() as leases:
        settle(plan_with(context, Options()), leases)
    reader.join()
    assert is_gone(child[0])


def is_gone(pid):
    """Whether a process has ended, or is about to be waited for by init."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status or "State:\tX" in status


DIES = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from headwater.events import silent
from headwater.run.executor import Pace, Terms, execute
from headwater.run.journal import Reading, StateJournal
from headwater.run.worker import Receipt
from headwater.state.database import open_database
from tests.run.making import task

def attempt(task, number, meter):
    if task.id == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return Receipt(task=task.id, fills=())

db = open_database(Path(sys.argv[1]))
journal = StateJournal(
    db, run="r1", environment="dev", worker="w1", because={}, reading=Reading({}, {}), clock=lambda: datetime.now(UTC)
)
pace = Pace(workers=1, sleep=print, random=lambda: 0.0, interrupt=print)
execute([task("a"), task("b", "a")], attempt, pace, silent, lambda receipt: None, Terms(journal=journal))
"""


def test_what_a_killed_worker_was_in_the_middle_of_is_known(tmp_path):
    place = tmp_path / "state.db"
    dead = subprocess.run([sys.executable, "-c", DIES, str(place)], check=False, cwd=Path(__file__).parents[2])
    assert dead.returncode == -signal.SIGKILL
    with open_database(place) as db:
        assert [(row.task, row.status, row.worker) for row in attempts_of(db, "r1")] == [
            ("a", "done", "w1"),
            ("b", "running", "w1"),
        ]


def test_what_is_set_aside_waits_and_all_else_becomes_visible(project):
    shop(project)
    project.model("other", "SELECT count(*) AS n FROM raw")
    project.apply()
    project.file("raw", "2.csv", ["id"], [(7,)])
    outcome = project.run(fails=True, ticket=Ticket(set_aside={"base": "it crashed its worker 3 times"}))
    assert "HW1042" in {diagnostic.code for diagnostic in outcome.diagnostics}
    assert (project.table("totals"), project.table("other")) == ([(3,)], [(4,)])
    project.run()
    assert project.table("totals") == [(10,)]
