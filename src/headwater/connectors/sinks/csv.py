"""Rows to CSV files: a directory (one file a slot, or per partition and slot), or one file.

The dialect is RFC 4180 in UTF-8: a header, commas, double quotes (doubled inside), LF. NULL is an empty field, an
empty text is ``""``. Numbers of any size are exact; instants are in UTC (``2013-01-01 05:00:00+00``); nested values are
DuckDB's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, cast

from headwater.connect.components import Can, Component
from headwater.connect.sinks import Sink
from headwater.connectors.sinks.files import FileSink, file_sink
from headwater.connectors.sinks.formats import Compression, csv_format
from headwater.diagnostics import Where
from headwater.spec.fields import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[
        str, Doc("directory, or one file ending in .csv (.csv.gz, .csv.zst); relative to the project", "out/delays")
    ]
    partition_by: Annotated[
        tuple[str, ...], Doc("columns that name directories (`origin=EWR/`) instead of standing in the files")
    ] = ()
    compression: Annotated[Compression, Doc("how files are compressed; part of their suffix")] = "none"


EXAMPLE: Final = """\
sinks:
  delays_as_csv:
    from: daily_delays
    connector: csv
    path: out/delays.csv.gz
    compression: gz
    in: [prod]
"""


def _make(settings: Mapping[str, object], root: str, where: Where | None = None) -> FileSink:
    compression = cast("Compression", settings.get("compression") or "none")
    return file_sink(csv_format(compression), settings, root, where)


csv: Final[Component[Sink]] = Component(
    name="csv",
    summary="Rows to CSV files, plain or compressed",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
