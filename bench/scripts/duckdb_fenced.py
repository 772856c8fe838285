"""The script written by hand, tuned: a volatile expression keeps DuckDB from computing each column twice."""

import sys

import duckdb

source, target = sys.argv[1:]
ESCAPED = r'^([^"]*)"((?:[^"\\]|\\.)*)"( \d{3} [^ "]+ )"(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"\s*$'
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute(f"""
COPY (
  WITH lines AS (
    SELECT line, string_split(line, '"') AS part
    FROM read_csv('{source}', columns = {{'line': 'VARCHAR'}}, delim = chr(1), quote = '', escape = '', header = false,
                  auto_detect = false, ignore_errors = true)
  ), cut AS (
    SELECT
      CASE WHEN len(part) = 7 THEN part[1] ELSE regexp_extract(line, '{ESCAPED}', 1) END AS head,
      CASE WHEN len(part) = 7 THEN part[2] ELSE regexp_extract(line, '{ESCAPED}', 2) END AS request,
      CASE WHEN len(part) = 7 THEN part[3] ELSE regexp_extract(line, '{ESCAPED}', 3) END AS middle
    FROM lines
  ), typed AS (
    SELECT
      try_strptime(split_part(head, '[', 2), '%d/%b/%Y:%H:%M:%S %z] ') AS ts,
      split_part(request, ' ', 1) AS method,
      try_cast(middle[2:4] AS INTEGER) AS status,
      try_cast(nullif(trim(middle[6:]), '-') AS BIGINT) AS bytes,
      trim(middle[6:]) = '-' AS has_no_size
    FROM cut
  ), judged AS (
    SELECT *, CASE WHEN ts IS NOT NULL AND status IS NOT NULL AND (bytes IS NOT NULL OR has_no_size)
                        AND method = 'GET' THEN random() < 2 ELSE false END AS is_wanted
    FROM typed
  )
  SELECT date_trunc('hour', ts) AS hour, status, count(*) AS requests, CAST(sum(bytes) AS BIGINT) AS bytes
  FROM judged WHERE is_wanted
  GROUP BY ALL
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)""")
