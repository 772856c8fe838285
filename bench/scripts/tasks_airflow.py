"""Tasks in Airflow: what `airflow dags test` does, in this process, with the metadata in SQLite (`airflow db migrate` ran)."""

import sys
from datetime import UTC, datetime

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from tasks_graph import Progress, designed

graph, progress = designed(int(sys.argv[1])), Progress()

with DAG("layers", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
    made = {}
    for name, reads in graph.items():
        made[name] = PythonOperator(task_id=name, python_callable=progress.work)
        for each in reads:
            made[each] >> made[name]

dag.test()
progress.report(len(graph))
