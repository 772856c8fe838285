"""Tasks through Headwater's executor, each attempt noted in a SQLite state: a commit before it begins, one when it ended."""

import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tasks_graph import Progress, designed

from headwater.events import silent
from headwater.graph.values import Node
from headwater.run.executor import Pace, Terms, execute
from headwater.run.journal import Reading, StateJournal
from headwater.run.metering import Meter
from headwater.run.worker import Receipt
from headwater.spec.addresses import Version
from headwater.state.database import open_database
from headwater.tasks.values import Task

NOW = datetime.now(UTC)
progress = Progress()


def task(name: str, reads: list[str]) -> Task:
    node = Node(name=name, kind="full", version=Version("v"), rows_address="", columns=())
    return Task(id=name, node=node, slots=(), relations=(), now=NOW, environment="dev", depends=frozenset(reads))


def attempt(task: Task, number: int, meter: Meter) -> Receipt:
    del number, meter
    progress.work()
    return Receipt(task=task.id, fills=())


graph = designed(int(sys.argv[1]))
with open_database(Path(sys.argv[3]) / "state.db") as db:
    journal = StateJournal(
        db,
        run="run",
        environment="dev",
        worker="",
        because={},
        reading=Reading({}, {}),
        clock=lambda: datetime.now(UTC),
    )
    pace = Pace(workers=2, sleep=time.sleep, random=random.random, interrupt=lambda: None)
    tasks = [task(name, reads) for name, reads in graph.items()]
    execute(tasks, attempt, pace, silent, lambda _: None, Terms(journal=journal))
progress.report(len(graph))
