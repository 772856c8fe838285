"""Tasks in Dask's distributed scheduler, with one worker of two threads in this process; nothing is kept."""

import sys

import dask
from distributed import Client
from tasks_graph import designed, progress, work

graph, perform = designed(int(sys.argv[1])), dask.delayed(work, pure=False)

if __name__ == "__main__":
    dask.config.set({"distributed.admin.log-format": "", "temporary-directory": sys.argv[3]})
    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        made: dict[str, object] = {}
        for name, reads in graph.items():
            made[name] = perform(*(made[each] for each in reads), dask_key_name=name)
        client.gather(client.compute(list(made.values())))
    progress.report(len(graph))
