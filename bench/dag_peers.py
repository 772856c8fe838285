"""The same models as projects of SQLMesh and dbt: their sources stand ready as tables in the DuckDB file that they use."""

import re
from pathlib import Path

from bench.dag import SOURCES, TYPES, designed, write_sources

SQLMESH_CONFIG = """\
gateways:
  local:
    connection: {type: duckdb, database: dag.duckdb, concurrent_tasks: 1}
    state_connection: {type: duckdb, database: state.duckdb}
default_gateway: local
model_defaults: {dialect: duckdb, start: 2024-01-01}
"""
DBT_PROJECT = """\
name: dag
version: "1.0"
profile: dag
model-paths: [models]
models: {dag: {+materialized: table}}
"""
DBT_PROFILES = """\
dag:
  target: dev
  outputs:
    dev: {type: duckdb, path: dag.duckdb, schema: dev, threads: 2}
    prod: {type: duckdb, path: dag.duckdb, schema: prod, threads: 2}
"""


def generate_sqlmesh(root: Path, models: int, *, seed: int = 0) -> None:
    """Write an SQLMesh project of full models."""
    _sources(root, seed)
    (root / "models").mkdir(exist_ok=True)
    (root / "config.yaml").write_text(SQLMESH_CONFIG)
    columns = "".join(f"    {name}: {type_}\n" for name, type_ in TYPES.items())
    external = "".join(f"- name: raw.source_{number}\n  columns:\n{columns}" for number in range(SOURCES))
    (root / "external_models.yaml").write_text(external)
    for model in designed(models, seed=seed):
        path = root / "models" / f"{model.name}.sql"
        path.write_text(f"MODEL (name dag.{model.name}, kind FULL);\n\n{sqlmesh_query(model.sql)}\n")


def sqlmesh_query(sql: str) -> str:
    """Name tables with their schemas, as SQLMesh wants them."""
    return _named(sql, "raw.{}", "dag.{}")


def generate_dbt(root: Path, models: int, *, seed: int = 0) -> None:
    """Write a dbt project of models materialised as tables."""
    _sources(root, seed)
    (root / "models").mkdir(exist_ok=True)
    (root / "dbt_project.yml").write_text(DBT_PROJECT)
    (root / "profiles.yml").write_text(DBT_PROFILES)
    tables = "".join(f"      - name: source_{number}\n" for number in range(SOURCES))
    (root / "models" / "sources.yml").write_text(f"sources:\n  - name: raw\n    schema: raw\n    tables:\n{tables}")
    for model in designed(models, seed=seed):
        (root / "models" / f"{model.name}.sql").write_text(dbt_query(model.sql) + "\n")


def dbt_query(sql: str) -> str:
    """Name tables by dbt's functions."""
    return _named(sql, "{{{{ source('raw', '{}') }}}}", "{{{{ ref('{}') }}}}")


def _named(sql: str, source: str, model: str) -> str:
    def name(found: re.Match[str]) -> str:
        form = source if found[2].startswith("source") else model
        return f"{found[1]} {form.format(found[2])}"

    return re.sub(r"\b(FROM|JOIN) ((?:source|model)_\d+)\b", name, sql)


def _sources(root: Path, seed: int) -> None:
    import duckdb

    write_sources(root, seed=seed)
    columns = ", ".join(f"{name!r}: {type_!r}" for name, type_ in TYPES.items())
    with duckdb.connect(str(root / "dag.duckdb")) as connection:
        connection.execute("CREATE SCHEMA raw")
        for number in range(SOURCES):
            path = root / "data" / f"source_{number}.csv"
            query = f"SELECT * FROM read_csv('{path}', header = true, columns = {{{columns}}})"
            connection.execute(f"CREATE TABLE raw.source_{number} AS {query}")
