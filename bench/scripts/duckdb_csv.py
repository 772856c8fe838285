"""The pipeline by DuckDB's CSV reader, the shortest script: a cut line swallows part of the next one."""

import sys

import duckdb

source, target = sys.argv[1:]
NAMES = ("ip", "ident", "usr", "day", "zone", "request", "status", "bytes", "referer", "agent")
TYPES = {"status": "INTEGER", "bytes": "BIGINT"}
columns = ", ".join(f"{name!r}: {TYPES.get(name, 'VARCHAR')!r}" for name in NAMES)
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute(f"""
COPY (
  SELECT date_trunc('hour', try_strptime(day || ' ' || zone, '[%d/%b/%Y:%H:%M:%S %z]')) AS hour, status,
         count(*) AS requests, CAST(sum(bytes) AS BIGINT) AS bytes
  FROM read_csv('{source}', columns = {{{columns}}}, delim = ' ', quote = '"', escape = '\\', header = false,
                nullstr = '-', auto_detect = false, ignore_errors = true)
  WHERE split_part(request, ' ', 1) = 'GET' AND try_strptime(day || ' ' || zone, '[%d/%b/%Y:%H:%M:%S %z]') IS NOT NULL
  GROUP BY ALL
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)""")
