"""Rows to a Python function: what a user says beside it; running it is no connector's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from headwater.connect.components import Can, Component
from headwater.connect.sinks import Sink
from headwater.diagnostics import Invalid, Where
from headwater.spec.fields import Doc
from headwater.spec.units import Bytes, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    timeout: Annotated[Seconds, Doc("longest time of the calls for up to 64 slots", "10m")] = Seconds(3600)
    memory: Annotated[Bytes | None, Doc("memory limit of these calls", "2GB")] = None


EXAMPLE: Final = """\
sinks:
  push:
    from: daily_delays
    connector: python
    mode: append
    in: [prod]
"""


def _make(values: Mapping[str, object], root: str, where: Where | None = None) -> Sink:
    del values, root
    hint = "write the function in a Python file of the project, below `@hw.sink(from_=…, in_=[…])`"
    raise Invalid.of("HW0584", "a sink of connector `python` is a function", where, hint=hint)


python: Final[Component[Sink]] = Component(
    name="python",
    summary="Rows to a Python function (`@hw.sink`)",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
