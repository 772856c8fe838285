"""Unit tests of models as written: given rows, expected rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows written down, or in a file beside the project (CSV, JSON, JSONL, Parquet)."""

    rows: Annotated[Sequence[Mapping[str, Any]], Doc("rows as maps")] = ()
    file: Annotated[str | None, Doc("a file with the rows instead")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the model must return: only the columns that are named are compared."""

    rows: Annotated[Sequence[Mapping[str, Any]], Doc("expected rows")] = ()
    file: Annotated[str | None, Doc("a file with the expected rows instead")] = None
    ordered: Annotated[bool, Doc("the order of rows matters")] = False
    tolerance: Annotated[float, Doc("absolute difference that floats may have")] = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTest:
    """One test: a model run on given inputs in memory."""

    name: str
    model: Annotated[str, Doc("the model under test")]
    now: Annotated[datetime | None, Doc("what $now is")] = None
    slot: Annotated[tuple[datetime, datetime] | None, Doc("the slot that is filled: start and end")] = None
    variables: Annotated[Mapping[str, Any], Doc("variables that differ from the project's")] = field(
        default_factory=dict
    )
    given: Annotated[Mapping[str, Rows], Doc("rows of each input; an input not named is empty")] = field(
        default_factory=dict
    )
    expect: Annotated[Expectation, Doc("rows it must return")]
    at: Origin = field(default=NOWHERE, compare=False, repr=False)
