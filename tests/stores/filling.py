"""A fill as the tests write it: rows from a SELECT, staged in a lake."""

import duckdb

from headwater.connectors.stores import Lake
from headwater.spec.addresses import Digest, FillId, Slot, Version
from headwater.spec.fills import Fill

VERSION = Version("v1")


def columns_of(connection, select):
    return [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {select}").fetchall()]


def stage(lake: Lake, select="SELECT 1 AS id", *, node="clean.flights", fill="f1", attempt="a", connection=None):
    """Write the rows and describe them; nothing is sealed yet."""
    connection = connection or duckdb.connect()
    columns = lake.stored_columns(columns_of(connection, select))
    path = lake.path(node, VERSION, f"{fill}-{attempt}-0.parquet")
    rows = connection.execute(lake.write_statement(select, columns, path)).fetchone()[0]
    return Fill(
        id=FillId(fill),
        node=node,
        version=VERSION,
        site="hub",
        slot=Slot("all"),
        digest=Digest("d"),
        moving=Digest("m"),
        columns=columns,
        files=(lake.stored_file(path, rows),),
        attempt=attempt,
        inputs=(("raw", "d0"),),
    )


def rows_of(lake: Lake, fill: Fill, connection=None):
    connection = connection or duckdb.connect()
    return connection.execute(lake.relation(fill.columns, lake.paths(fill))).fetchall()
