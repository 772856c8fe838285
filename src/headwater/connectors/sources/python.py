"""Rows that a Python function yields: what a user says beside it; running it is no connector's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from headwater.connect.components import Can, Component
from headwater.connect.landing import Extractor
from headwater.connect.sources import Contract
from headwater.connectors.sources.cursors import check_cursor
from headwater.diagnostics import Invalid, Where
from headwater.spec.fields import Doc
from headwater.spec.units import Bytes, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    cursor: Annotated[
        str,
        Doc(
            "a declared column: the function is given its greatest landed value as `cursor` (None at first) and yields "
            "only rows after it; without it, what a call yields takes the place of all before"
        ),
    ] = ""
    timeout: Annotated[Seconds, Doc("longest time of one call", "10m")] = Seconds(3600)
    memory: Annotated[Bytes | None, Doc("memory limit of one call", "2GB")] = None


EXAMPLE: Final = """\
sources:
  orders:
    connector: python
    cursor: id
    columns: {id: bigint, total: double}
"""


def _make(values: Mapping[str, object], contract: Contract, root: str, where: Where | None = None) -> Extractor:
    del values, contract, root
    hint = "write the function in a Python file of the project, below `@hw.source(columns=…, cursor=…)`"
    raise Invalid.of("HW0640", "a source of connector `python` is a function", where, hint=hint)


python: Final[Component[Extractor]] = Component(
    name="python",
    summary="Rows that a Python function yields (`@hw.source`)",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REJECTS, Can.LANDED, Can.INCREMENTAL}),
    make=_make,
    check=check_cursor,
)
