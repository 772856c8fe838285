"""Masking a column as SQL in the engine at a site, beside plain Python's `hmac`; from Parquet to Parquet."""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from bench.commands import trial
from bench.measure import Row, alternate
from bench.scale import Scale

SCRIPT = Path(__file__).resolve().parent / "scripts" / "mask.py"
FORMS = ("hmac", "format_token", "ip_prefix", "generalise", "noise", "nothing")
DATA = """
    COPY (SELECT 'customer-' || lpad(CAST(hash(i) % 10000000 AS VARCHAR), 8, '0') AS customer,
                 '+1 (555) ' || lpad(CAST(hash(i, 1) % 1000 AS VARCHAR), 3, '0') || '-' ||
                     lpad(CAST(hash(i, 2) % 10000 AS VARCHAR), 4, '0') AS phone,
                 concat_ws('.', hash(i, 3) % 256, hash(i, 4) % 256, hash(i, 5) % 256, hash(i, 6) % 256) AS address,
                 DATE '1930-01-01' + CAST(hash(i, 7) % 30000 AS INTEGER) AS born,
                 CAST(hash(i, 8) % 100000 AS BIGINT) AS amount
          FROM range({rows}) AS t(i)) TO '{path}' (FORMAT parquet)
"""


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    source = folder / "customers.parquet"
    duckdb.connect().execute(DATA.format(rows=scale.masked, path=source))
    ways = {"SQL": "hmac", "plain Python": "python"}
    trials = {
        who: trial((sys.executable, SCRIPT, form, source, folder / f"{form}.parquet"), folder)
        for who, form in ways.items()
    }
    for who, costs in alternate(trials, scale.times).items():
        row = Row(f"tokens of {scale.masked:,} texts", who, costs)
        yield Row(row.what, who, costs, facts={"thousand rows/s": _speed(scale.masked, row)})
    _compare(folder)
    others = {
        form: trial((sys.executable, SCRIPT, form, source, folder / "other.parquet"), folder) for form in FORMS[1:]
    }
    for form, costs in alternate(others, scale.times).items():
        row = Row(f"{form}, {scale.masked:,} rows", "SQL", costs)
        yield Row(row.what, "SQL", costs, facts={"thousand rows/s": _speed(scale.masked, row)})


def _speed(count: int, row: Row) -> int:
    return round(count / row.cost.wall_s / 1000)


def _compare(folder: Path) -> None:
    """Both ways must give the same tokens."""
    sides = [f"(SELECT masked, count(*) FROM '{folder}/{form}.parquet' GROUP BY ALL)" for form in ("hmac", "python")]
    if duckdb.connect().execute(f"{sides[0]} EXCEPT {sides[1]}").fetchone():
        sys.exit("the tokens differ")
