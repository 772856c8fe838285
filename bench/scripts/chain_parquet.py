"""Changes into one Parquet file, by hand: write all of it anew, make it durable, put it over the old one."""

import os
import sys
from pathlib import Path

import duckdb

kind, source, target = sys.argv[1:]
new = f"{target}.new"
MERGE = f"""
  SELECT * FROM read_parquet('{target}') AS rows ANTI JOIN (SELECT id FROM read_parquet('{source}')) AS changes USING (id)
  UNION ALL
  SELECT * FROM read_parquet('{source}')"""
HISTORY = f"""
  SELECT rows.* REPLACE (CASE WHEN rows.valid_to IS NULL THEN changes.since_when ELSE rows.valid_to END AS valid_to)
  FROM read_parquet('{target}') AS rows
  LEFT JOIN (SELECT id, seen AS since_when FROM read_parquet('{source}')) AS changes USING (id)
  UNION ALL
  SELECT *, seen AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to FROM read_parquet('{source}')"""
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute(f"COPY ({MERGE if kind == 'merge' else HISTORY}) TO '{new}' (FORMAT parquet, COMPRESSION zstd)")
with Path(new).open("rb") as file:
    os.fsync(file.fileno())
os.replace(new, target)  # noqa: PTH105 - one word for it, as in the manual of the system call
