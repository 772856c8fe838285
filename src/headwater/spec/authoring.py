"""What a project's own Python files import: the model decorator, the run it is handed, the checks.

A model file is read, never executed, when a project is loaded: the arguments of ``@hw.model`` are literals.
The decorator therefore changes nothing at run time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from headwater.spec import checks

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Run:
    """What a Python model may know of the run: its logical time, its slot and the project's variables."""

    now: datetime
    start: datetime | None = None
    end: datetime | None = None
    environment: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)


def model(**settings: Any) -> Callable[[_F], _F]:
    """Declare a function as a model; see the reference for its settings (``kind``, ``inputs``, ``columns``, …)."""
    del settings
    return lambda function: function


def not_null(*columns: str, **settings: Any) -> checks.NotNull:
    """Each of these columns has a value in every row."""
    return checks.NotNull(columns=columns, **settings)


def unique(*columns: str, **settings: Any) -> checks.Unique:
    """These columns together identify a row."""
    return checks.Unique(columns=columns, **settings)


def accepted_values(column: str, values: Sequence[Any], **settings: Any) -> checks.AcceptedValues:
    """A column holds only these values."""
    return checks.AcceptedValues(column=column, values=tuple(values), **settings)


def accepted_range(column: str, **settings: Any) -> checks.AcceptedRange:
    """A column stays within ``min`` and ``max``."""
    return checks.AcceptedRange(column=column, **settings)


def matches(column: str, pattern: str, **settings: Any) -> checks.Matches:
    """A text column matches a regular expression."""
    return checks.Matches(column=column, pattern=pattern, **settings)


def row_count(**settings: Any) -> checks.RowCount:
    """The table has between ``min`` and ``max`` rows."""
    return checks.RowCount(**settings)


def freshness(column: str, within: str, **settings: Any) -> checks.Freshness:
    """The newest value of a time column is not older than ``within``."""
    return checks.Freshness(column=column, within=within, **settings)


def drift(metric: str, within: str = "3 sigma", **settings: Any) -> checks.Drift:
    """A measure such as ``rows`` or ``mean.price`` stays near what it was before."""
    return checks.Drift(metric=metric, within=within, **settings)


def references(column: str, to: str, **settings: Any) -> checks.References:
    """Every value of a column exists in ``node.column``."""
    return checks.References(column=column, to=to, **settings)


def expression(sql: str, name: str | None = None, **settings: Any) -> checks.Expression:
    """A condition holds in every row."""
    return checks.Expression(sql=sql, name=name, **settings)
