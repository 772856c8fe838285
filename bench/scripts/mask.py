"""Masks one column of a Parquet file (rows, forms) into another: as SQL in DuckDB, or in a loop of plain Python."""

import hashlib
import hmac
import sys

import duckdb

from headwater.policy.tokens import key_parameters
from headwater.policy.transforms import Transformed, transformed
from headwater.spec.policies import Form

SECRET = b"a secret of a benchmark, 32 byte"
FORMS = {
    "hmac": ("customer", Form(transform="hmac", key="crm")),
    "format_token": ("phone", Form(transform="format_token", key="crm")),
    "ip_prefix": ("address", Form(transform="ip_prefix")),
    "generalise": ("born", Form(transform="generalise", step="year")),
    "noise": ("amount", Form(transform="noise", key="crm", step="10")),
    "nothing": ("customer", None),
}
TYPES = {"born": "DATE", "amount": "BIGINT"}


def in_sql(form: str, source: str, target: str) -> None:
    column, how = FORMS[form]
    made = transformed(how, column, TYPES.get(column, "VARCHAR"), "pii.id") if how else None
    expression = made.expression if isinstance(made, Transformed) else column
    keys = key_parameters(made.key, SECRET) if isinstance(made, Transformed) and made.key else {}
    connection = duckdb.connect()
    text = f"COPY (SELECT {expression} AS masked FROM read_parquet('{source}')) TO '{target}' (FORMAT parquet)"
    connection.execute(text, dict(keys) or None)


def in_python(source: str, target: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    column = parquet.read_table(source, columns=["customer"]).column("customer")
    before = b"headwater|hmac|text|crm|"
    masked = [hmac.new(SECRET, before + each.encode(), hashlib.sha256).hexdigest() for each in column.to_pylist()]
    parquet.write_table(pa.table({"masked": masked}), target)


if __name__ == "__main__":
    form, source, target = sys.argv[1:]
    if form == "python":
        in_python(source, target)
    else:
        in_sql(form, source, target)
