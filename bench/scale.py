"""How large the benchmarks are: the sizes of the documentation, small ones for trying, ten times the lines on demand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes and repetitions of all benchmarks."""

    lines: int = 3_000_000
    format_lines: int = 1_000_000
    """Lines of each format and compression."""
    growth: tuple[int, ...] = (1, 3)
    """Multiples of ``lines`` for the row about growth."""
    models: tuple[int, ...] = (100, 1000)
    alone: tuple[int, ...] = (2000, 5000)
    """Numbers of models for Headwater alone."""
    slots: tuple[int, ...] = (10_000, 100_000)
    chain_rows: int = 5_000_000
    changes: tuple[int, ...] = (10_000, 100_000)
    """Changes that come into a table of ``chain_rows`` rows."""
    tasks: tuple[int, ...] = (1, 10, 100, 1000, 10_000)
    """Numbers of tasks that do nothing; peers up to a thousand."""
    masked: int = 1_000_000
    """Rows of which one column is masked."""
    tpch: tuple[float, ...] = (1,)
    """Scale factors of TPC-H."""
    starts: int = 20
    times: int = 3
    peer_times: int = 1
    """How often SQLMesh and dbt run each step: they take minutes."""
    peers: tuple[str, ...] = ("sqlmesh", "dbt", "polars", "deltalake", "dask", "prefect", "dagster", "airflow")


FULL = Scale()
QUICK = Scale(
    lines=100_000,
    format_lines=50_000,
    growth=(1,),
    models=(30,),
    alone=(40,),
    slots=(500,),
    chain_rows=200_000,
    changes=(1000,),
    tasks=(1, 100),
    masked=50_000,
    tpch=(0.01,),
    starts=3,
    times=1,
)
