"""A project of many small models: sources as CSV files, layers of models with common table expressions."""

import csv
import random
import re
from dataclasses import dataclass
from pathlib import Path

SOURCES = 20
LAYERS = 10
ROWS = 100
_NUMBERS_AND_TEXT = "bigint bigint text bigint double bigint double text date bigint"
TYPES = dict(zip(("id", *(f"c{number}" for number in range(1, 10))), _NUMBERS_AND_TEXT.split(), strict=True))
"""Columns of a source, and of a model, with their types."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its name, what it reads, its query."""

    name: str
    upstream: tuple[str, ...]
    sql: str


def generate(root: Path, models: int, *, seed: int = 0) -> None:
    """Write a Headwater project with ``models`` models of ten columns in ten layers, each reading one to three above."""
    (root / "models").mkdir(parents=True, exist_ok=True)
    write_sources(root, seed=seed)
    lines = ["project: dag", "environments: {dev: {}, prod: {}}", "sources:"]
    for source in range(SOURCES):
        lines += _source(source)
    (root / "headwater.yaml").write_text("\n".join(lines) + "\n")
    for model in designed(models, seed=seed):
        (root / "models" / f"{model.name}.sql").write_text(f"/* headwater\nkind: full\n*/\n{model.sql}\n")


def designed(models: int, *, seed: int = 0) -> list[Model]:
    """Design the models: the same ones for every tool."""
    rng = random.Random(f"models {seed}")
    return [Model(name, tuple(upstream), query(upstream, rng)) for name, upstream in layout(models, rng)]


def leaf(models: list[Model]) -> Model:
    """Give a model that nobody reads."""
    read = {name for model in models for name in model.upstream}
    return next(model for model in reversed(models) if model.name not in read)


def layout(models: int, rng: random.Random) -> list[tuple[str, list[str]]]:
    """Give (model, what it reads), each after what it reads."""
    above = [f"source_{number}" for number in range(SOURCES)]
    found: list[tuple[str, list[str]]] = []
    per_layer = max(1, -(-models // LAYERS))
    for start in range(0, models, per_layer):
        names = [f"model_{number:04}" for number in range(start, min(start + per_layer, models))]
        found += [(name, rng.sample(above, rng.randint(1, 3))) for name in names]
        above = names if len(names) >= 3 else above + names
    return found


def query(upstream: list[str], rng: random.Random) -> str:
    """One model's SQL: a filter, an aggregate, a window, joins; ten columns out."""
    first, *others = upstream
    joins = "".join(f"\nLEFT JOIN {name} AS j{at} ON j{at}.id = ranked.id" for at, name in enumerate(others))
    extra = " + ".join(["ranked.c6", *(f"coalesce(j{at}.c6, 0)" for at in range(len(others)))])
    return f"""WITH kept AS (
  SELECT id, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM {first} WHERE c1 >= {rng.randint(0, 3)}
), totals AS (
  SELECT c2, sum(c6) AS total, count(*) AS n FROM kept GROUP BY c2
), ranked AS (
  SELECT kept.*, totals.total, totals.n, row_number() OVER (PARTITION BY kept.c2 ORDER BY kept.id) AS place
  FROM kept JOIN totals USING (c2)
)
SELECT
  ranked.id,
  ranked.c1 + {rng.randint(0, 9)} AS c1,
  upper(ranked.c2) AS c2,
  CASE WHEN ranked.c3 > {rng.randint(1, 99)} THEN ranked.c3 ELSE 0 END AS c3,
  ranked.total AS c4,
  ranked.n AS c5,
  {extra} AS c6,
  ranked.c7 || '{rng.randint(0, 9)}' AS c7,
  ranked.c8,
  ranked.place AS c9
FROM ranked{joins}"""


def write_sources(root: Path, *, seed: int = 0) -> None:
    """Write the sources as CSV files below ``data``."""
    rng = random.Random(f"sources {seed}")
    (root / "data").mkdir(parents=True, exist_ok=True)
    for number in range(SOURCES):
        with (root / "data" / f"source_{number}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(TYPES)
            for row in range(ROWS):
                some = (
                    rng.choice("abcde"),
                    rng.randint(0, 99),
                    rng.random(),
                    row % 7,
                    rng.random(),
                    "x",
                    "2024-01-01",
                    1,
                )
                writer.writerow([row, rng.randint(0, 9), *some])


def _source(number: int) -> list[str]:
    columns = ", ".join(f"{name}: {{type: {type_}}}" for name, type_ in TYPES.items())
    return [
        f"  source_{number}:",
        "    connector: files",
        f"    path: data/source_{number}.csv",
        "    format: csv",
        f"    columns: {{{columns}}}",
    ]


def with_another_column(model: Model, number: int) -> str:
    """Give the model's query with another expression for one column, which decides no rows."""
    return re.sub(r"ranked\.c1 \+ \d+ AS c1", f"ranked.c1 + {100 + number} AS c1", model.sql)


def with_another_filter(model: Model, number: int) -> str:
    """Give the model's query with another filter: every reader has other rows."""
    return re.sub(r"WHERE c1 >= -?\d+", f"WHERE c1 >= -{1 + number}", model.sql)
