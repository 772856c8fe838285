r"""Rows to JSON lines: a directory (one file a slot, or per partition and slot), or one file.

One object a line, NULL included. Numbers of any size are exact; NaN and infinities, which JSON has not, are the texts
``"nan"``, ``"inf"``, ``"-inf"``; instants are in UTC (``2013-01-01 05:00:00+00``); bytes are ``\xAA``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, cast

from headwater.connect.components import Can, Component
from headwater.connect.sinks import Sink
from headwater.connectors.sinks.files import FileSink, file_sink
from headwater.connectors.sinks.formats import Compression, jsonl_format
from headwater.diagnostics import Where
from headwater.spec.fields import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[
        str,
        Doc("directory, or one file ending in .jsonl (.jsonl.gz, .jsonl.zst); relative to the project", "out/delays"),
    ]
    partition_by: Annotated[
        tuple[str, ...], Doc("columns that name directories (`origin=EWR/`) instead of standing in the files")
    ] = ()
    compression: Annotated[Compression, Doc("how files are compressed; part of their suffix")] = "none"


EXAMPLE: Final = """\
sinks:
  delays_as_jsonl:
    from: daily_delays
    connector: jsonl
    path: out/delays.jsonl.gz
    compression: gz
    in: [prod]
"""


def _make(settings: Mapping[str, object], root: str, where: Where | None = None) -> FileSink:
    compression = cast("Compression", settings.get("compression") or "none")
    return file_sink(jsonl_format(compression), settings, root, where)


jsonl: Final[Component[Sink]] = Component(
    name="jsonl",
    summary="Rows to JSON lines, plain or compressed",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
