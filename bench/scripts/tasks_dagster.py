"""Tasks in Dagster: a job in this process, whose events an instance keeps in SQLite."""

import sys

from dagster import DagsterInstance, In, Nothing, Out, graph, op
from tasks_graph import Progress, designed

design, progress = designed(int(sys.argv[1])), Progress()


def operation(name: str, reads: list[str]):
    @op(name=name, ins={each: In(Nothing) for each in reads}, out=Out(Nothing))
    def perform() -> None:
        progress.work()

    return perform


operations = {name: operation(name, reads) for name, reads in design.items()}


@graph
def layers() -> None:
    made = {}
    for name, reads in design.items():
        made[name] = operations[name](**{each: made[each] for each in reads})


with DagsterInstance.local_temp(sys.argv[3]) as instance:
    layers.to_job().execute_in_process(instance=instance)
progress.report(len(design))
