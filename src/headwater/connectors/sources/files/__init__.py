"""Rows from files: CSV, TSV, JSON, Parquet and logs, one file or ten thousand."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from headwater.connect.components import Can, Component
from headwater.connect.sources import Contract, Source
from headwater.connectors.sources.files.settings import Fields, settings_of
from headwater.diagnostics import Diagnostic, Invalid, Where, has_errors

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

    found = [problem for problem in _problems(settings, contract, lambda _: where) if has_errors([problem])]
    if found:
        raise Invalid.from_all(found)
    return Files(settings_of(settings, contract, root, where))


def _problems(
    settings: Mapping[str, object], contract: Contract, place: Callable[[str], Where | None]
) -> Iterator[Diagnostic]:
    from headwater.connectors.sources.files.problems import problems

    return problems(
        settings, contract.columns, place, time=contract.time, identity=contract.identity, timezone=contract.timezone
    )


files: Final[Component[Source]] = Component(
    name="files",
    summary="Rows from files: CSV, TSV, JSON, Parquet, access logs, logfmt, syslog, any lines; plain or compressed",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.IN_PLACE, Can.REJECTS}),
    make=_make,
    check=_problems,
)
