"""Changes into a Delta table by ``DeltaTable.merge``; a history takes one merge, too: changes come twice, once without a key."""

import json
import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyarrow import parquet

kind, source, target = sys.argv[1:]
if kind == "create":
    file = parquet.ParquetFile(source)
    write_deltalake(target, pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches()))
    sys.exit()
table = DeltaTable(target)
if kind == "files":
    print(json.dumps(table.file_uris()))
    sys.exit()
changes = parquet.read_table(source)
if kind == "merge":
    merger = table.merge(changes, "old.id = new.id", source_alias="new", target_alias="old")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
else:
    closing = changes.append_column("closes", changes["id"])
    opening = changes.append_column("closes", pa.nulls(len(changes), pa.int64()))
    both = pa.concat_tables([closing, opening])
    merger = table.merge(both, "old.id = new.closes AND old.valid_to IS NULL", source_alias="new", target_alias="old")
    inserted = {name: f"new.{name}" for name in changes.column_names} | {"valid_from": "new.seen", "valid_to": "NULL"}
    merger = merger.when_matched_update({"valid_to": "new.seen"})
    merger.when_not_matched_insert(inserted, predicate="new.closes IS NULL").execute()
