"""Changes into a table of a DuckDB file, as somebody would write it by hand: one transaction, on the disk at its end."""

import sys

import duckdb

way, source, target = sys.argv[1:]
CHANGES = f"(SELECT * FROM read_parquet('{source}')) AS changes"
STATEMENTS = {
    "replace": [f"INSERT OR REPLACE INTO rows BY NAME SELECT * FROM {CHANGES}"],
    "merge": [
        f"MERGE INTO rows USING {CHANGES} ON rows.id = changes.id WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"
    ],
    "history": [
        f"UPDATE rows SET valid_to = changes.seen FROM {CHANGES} WHERE rows.id = changes.id AND rows.valid_to IS NULL",
        f"INSERT INTO rows BY NAME SELECT *, seen AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to FROM {CHANGES}",
    ],
}
with duckdb.connect(target) as connection:
    connection.execute("SET TimeZone = 'UTC'")
    connection.begin()
    for statement in STATEMENTS[way]:
        connection.execute(statement)
    connection.commit()
