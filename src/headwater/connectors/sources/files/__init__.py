"""Rows from files: CSV, TSV, JSON, Parquet and access logs, one file or ten thousand."""

from collections.abc import Mapping
from typing import Final

from headwater.connect.components import Can, Component
from headwater.connect.sources import Contract, Source
from headwater.connectors.sources.files.settings import Fields, settings_of
from headwater.diagnostics import Where

EXAMPLE: Final = """\
sources:
  flights:
    connector: files
    path: data/{site}/flights/{time:%Y-%m}.csv.gz
    format: csv
    time: time_hour
    start: 2013-01-01
    columns:
      time_hour: timestamptz
      origin: {type: text, required: true}
      dep_delay: {type: double, unit: min}
"""


def _make(settings: Mapping[str, object], contract: Contract, root: str, where: Where | None = None) -> Source:
    from headwater.connectors.sources.files.source import Files

    return Files(settings_of(settings, contract, root, where))


files: Final[Component[Source]] = Component(
    name="files",
    summary="Rows from files: CSV, TSV, JSON, JSON lines, Parquet and access logs, plain or compressed",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.IN_PLACE, Can.REJECTS}),
    make=_make,
)
