"""Tasks in Prefect: a flow with two threads, whose states the server that it starts keeps in SQLite."""

import sys

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from tasks_graph import Progress, designed

graph, progress = designed(int(sys.argv[1])), Progress()


@task
def perform() -> None:
    progress.work()


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def layers() -> None:
    made = {}
    for name, reads in graph.items():
        made[name] = perform.submit(wait_for=[made[each] for each in reads])
    for each in made.values():
        each.result()


layers()
progress.report(len(graph))
