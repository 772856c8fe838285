"""Rows to Parquet files: a directory (one file a slot, or per partition and slot), or one file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from headwater.connect.components import Can, Component
from headwater.connect.sinks import Sink
from headwater.connectors.sinks.files import FileSink, file_sink
from headwater.connectors.sinks.formats import parquet_format
from headwater.diagnostics import Where
from headwater.spec.fields import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[str, Doc("directory, or one file ending in .parquet; relative to the project", "out/delays")]
    partition_by: Annotated[
        tuple[str, ...], Doc("columns that name directories (`origin=EWR/`) instead of standing in the files")
    ] = ()


EXAMPLE: Final = """\
sinks:
  delays_for_analysts:
    from: daily_delays
    connector: parquet
    path: out/delays
    partition_by: [origin]
    in: [prod]
"""


def _make(settings: Mapping[str, object], root: str, where: Where | None = None) -> FileSink:
    return file_sink(parquet_format(), settings, root, where)


parquet: Final[Component[Sink]] = Component(
    name="parquet",
    summary="Rows to Parquet files, by slot and partition",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
