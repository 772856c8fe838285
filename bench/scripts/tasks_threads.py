"""Tasks in a bare pool of two threads, in topological order, layer by layer: nothing is kept, nothing is shown."""

import sys
from concurrent.futures import Future, ThreadPoolExecutor

from tasks_graph import Progress, designed

graph, progress = designed(int(sys.argv[1])), Progress()
running: dict[str, Future[None]] = {}


def perform(reads: list[str]) -> None:
    for name in reads:
        running[name].result()
    progress.work()


with ThreadPoolExecutor(2) as pool:
    for name, reads in graph.items():
        running[name] = pool.submit(perform, reads)
progress.report(len(graph))
