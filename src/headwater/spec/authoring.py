"""What a project's own Python files import: the functions that make nodes, the run they are handed, the checks.

A file whose settings are literals is read when a project is loaded, never run. One that makes its nodes in loops or
with values of its own is run, without effects, in a process of its own; ``spec.making`` notes what it makes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from headwater.diagnostics import suggest
from headwater.spec import checks
from headwater.spec.making import decorate, note

if TYPE_CHECKING:
    from headwater.spec.settings import (
        AcceptedRangeSettings,
        CheckSettings,
        DriftSettings,
        ModelSettings,
        PipelineSettings,
        RowCountSettings,
        SinkSettings,
        SourceSettings,
        SqlModelSettings,
    )

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Run:
    """What a Python model may know of the run: its logical time, its slot and the project's variables."""

    now: datetime
    start: datetime | None = None
    end: datetime | None = None
    environment: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slot:
    """What a Python sink is told of the rows that it gets: ``id`` is the same whenever the same rows come again.

    ``site`` and ``slot`` say which part of the table they are, ``fill`` names the rows themselves.
    """

    id: str
    site: str
    slot: str
    fill: str


@overload
def model(function: _F, /) -> _F: ...
@overload
def model(**settings: "Unpack[ModelSettings]") -> Callable[[_F], _F]: ...
def model(*function: Any, **settings: Any) -> Any:
    """Make the decorated function a model: a table of the rows that it returns.

    Its arguments are its inputs, each the node of its name unless ``inputs`` says otherwise; by annotation they are
    a ``pyarrow.Table``, ``polars.DataFrame``, ``pandas.DataFrame`` or ``duckdb.DuckDBPyRelation``. An argument called
    ``run`` gets an ``hw.Run``. ``columns`` (name to type) is required.

        @hw.model(inputs={"delays": "daily_delays"}, columns={"carrier": "text", "score": "double"})
        def carrier_score(delays: pl.DataFrame) -> pl.DataFrame: ...
    """
    return _decorator("model", function, settings)


def sql_model(*wrong: Any, **settings: "Unpack[SqlModelSettings]") -> None:
    """Make a model of a query: what a file below ``models/`` says, with its settings as arguments.

    For example:

        for region in ["eu", "us"]:
            hw.sql_model(name=f"sales_{region}", sql=f"SELECT * FROM sales WHERE region = '{region}'")
    """
    _note("sql_model", wrong, settings)


@overload
def source(generator: _F, /) -> _F: ...
@overload
def source(**settings: "Unpack[SourceSettings]") -> Callable[[_F], _F]: ...
def source(*function: Any, **settings: Any) -> Any:
    """Make a source: of a connector (``connector="files"`` and its settings), or of the decorated generator.

    For example:

        hw.source(name="orders", connector="files", path="data/orders/*.csv", columns={"id": "bigint"})

        @hw.source(columns={"id": "bigint", "total": "double"})
        def orders(): ...
    """
    return _decorator("source", function, settings)


@overload
def sink(function: _F, /) -> _F: ...
@overload
def sink(**settings: "Unpack[SinkSettings]") -> Callable[[_F], _F]: ...
def sink(*function: Any, **settings: Any) -> Any:
    """Make a sink: of a connector (``connector="csv"`` and its settings), or of the decorated function.

    ``from`` and ``in`` are words of Python: write ``from_`` and ``in_``.

        hw.sink(name="report", from_="daily_delays", connector="csv", path="out/report.csv", in_=["prod"])

    A function takes ``rows`` (a ``pyarrow.Table``, or by annotation a data frame of Polars or pandas), and if it wants
    ``slot`` (an ``hw.Slot``) and ``run``. What it does outside happens at least once: an effect that must happen once
    goes by ``slot.id``.

        @hw.sink(from_="daily_delays", mode="append", in_=["prod"])
        def push(rows, slot): ...
    """
    return _decorator("sink", function, settings)


def pipeline(*wrong: Any, **settings: "Unpack[PipelineSettings]") -> None:
    """Make a pipeline: a named selection of nodes.

    For example:

        hw.pipeline(name="morning", select=["+dashboard"])
    """
    _note("pipeline", wrong, settings)


def _decorator(kind: str, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
    made = note(kind, arguments, settings)
    if len(arguments) == 1 and callable(arguments[0]) and not settings:
        return arguments[0]

    def mark(function: _F) -> _F:
        if made is not None:
            decorate(made, function)
        return function

    return mark


def _note(kind: str, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> None:
    note(kind, arguments, settings)


_C = TypeVar("_C", bound=checks.Check)


def _check(shape: type[_C], settings: Mapping[str, Any], **own: Any) -> _C:
    """Make a check; TypeError with the argument that was meant for one it does not take."""
    known = [each.name for each in fields(shape) if each.name != "at"]
    for name in settings:
        if name not in known:
            meant = suggest(name, known) or f"it takes {', '.join(known)}"
            kind = next(kind for kind, each in checks.KINDS.items() if each is shape)
            raise TypeError(f"`{kind}` takes no `{name}`: {meant}")
    return shape(**own, **settings)


def not_null(*columns: str, **settings: "Unpack[CheckSettings]") -> checks.NotNull:
    """Each of these columns has a value in every row."""
    return _check(checks.NotNull, settings, columns=columns)


def unique(*columns: str, **settings: "Unpack[CheckSettings]") -> checks.Unique:
    """These columns together identify a row."""
    return _check(checks.Unique, settings, columns=columns)


def accepted_values(column: str, values: Sequence[Any], **settings: "Unpack[CheckSettings]") -> checks.AcceptedValues:
    """A column holds only these values."""
    return _check(checks.AcceptedValues, settings, column=column, values=tuple(values))


def accepted_range(column: str, **settings: "Unpack[AcceptedRangeSettings]") -> checks.AcceptedRange:
    """A column stays within ``min`` and ``max``."""
    return _check(checks.AcceptedRange, settings, column=column)


def matches(column: str, pattern: str, **settings: "Unpack[CheckSettings]") -> checks.Matches:
    """A text column matches a regular expression."""
    return _check(checks.Matches, settings, column=column, pattern=pattern)


def row_count(**settings: "Unpack[RowCountSettings]") -> checks.RowCount:
    """The table has between ``min`` and ``max`` rows."""
    return _check(checks.RowCount, settings)


def freshness(column: str, within: str, **settings: "Unpack[CheckSettings]") -> checks.Freshness:
    """The newest value of a time column is not older than ``within``."""
    return _check(checks.Freshness, settings, column=column, within=within)


def drift(metric: str, within: str = "3 sigma", **settings: "Unpack[DriftSettings]") -> checks.Drift:
    """A measure such as ``rows`` or ``mean.price`` stays near what it was before."""
    return _check(checks.Drift, settings, metric=metric, within=within)


def references(column: str, to: str, **settings: "Unpack[CheckSettings]") -> checks.References:
    """Every value of a column exists in ``node.column``."""
    return _check(checks.References, settings, column=column, to=to)


def expression(sql: str, name: str | None = None, **settings: "Unpack[CheckSettings]") -> checks.Expression:
    """A condition holds in every row."""
    return _check(checks.Expression, settings, sql=sql, name=name)
