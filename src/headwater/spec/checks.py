"""Data-quality assertions as written: each kind with its own settings, and what happens when it fails."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin

OnFail = Literal["block", "warn", "quarantine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What all checks share."""

    on_fail: Annotated[OnFail, Doc("block the release, only warn, or set the failing rows aside")] = "block"
    where: Annotated[str | None, Doc("SQL condition: only rows that satisfy it are checked")] = None
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull(Check):
    """Each of these columns has a value in every row."""

    columns: Annotated[tuple[str, ...], Doc("columns, each checked by itself")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(Check):
    """These columns together identify a row."""

    columns: Annotated[tuple[str, ...], Doc("columns that together are unique")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedValues(Check):
    """A column holds only these values (NULL passes; use not_null against it)."""

    column: Annotated[str, Doc("the column")]
    values: Annotated[tuple[str | int | float | bool, ...], Doc("the values it may hold")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRange(Check):
    """A column stays within bounds, both included (NULL passes)."""

    column: Annotated[str, Doc("the column")]
    min: Annotated[str | int | float | None, Doc("smallest value allowed")] = None
    max: Annotated[str | int | float | None, Doc("largest value allowed")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches(Check):
    """A text column matches a regular expression (RE2, anywhere in the text; NULL passes)."""

    column: Annotated[str, Doc("the column")]
    pattern: Annotated[str, Doc("regular expression")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount(Check):
    """The table has between so many rows."""

    min: Annotated[int | None, Doc("fewest rows allowed")] = None
    max: Annotated[int | None, Doc("most rows allowed")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness(Check):
    """The newest value of a time column is not older than this, seen from the run's time."""

    column: Annotated[str, Doc("the time column")]
    within: Annotated[str, Doc("largest age, as a duration", "2h")]


@dataclass(frozen=True, slots=True, kw_only=True)
class References(Check):
    """Every value of a column exists in another node's column (NULL passes)."""

    column: Annotated[str, Doc("the column")]
    to: Annotated[str, Doc("`node.column` that must hold the value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(Check):
    """A condition holds in every row (NULL fails)."""

    sql: Annotated[str, Doc("SQL condition over the node's columns")]
    name: Annotated[str | None, Doc("what it means, shown when it fails")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Check):
    """A query finds nothing: the rows it returns are failures. ``this`` names the node itself."""

    sql: Annotated[str, Doc("a SELECT; each row it returns is a failure")]
    name: Annotated[str | None, Doc("what it means, shown when it fails")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema(Check):
    """The table has exactly, or at least, the columns and types that the node declares."""

    mode: Annotated[Literal["exact", "compatible"], Doc("exact: no other columns; compatible: others may exist")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Check):
    """A measure of the rows stays near what it was before: in earlier slots, or, for whole tables, earlier releases."""

    metric: Annotated[
        str,
        Doc("rows, nulls.COLUMN (their share), mean.COLUMN, distinct.COLUMN, freshness.COLUMN (age of the newest)"),
    ]
    within: Annotated[str, Doc("how far from usual it may be: so many sigma, or a percentage", "20%")] = "3 sigma"
    over: Annotated[int, Doc("compare with so many earlier measurements")] = 14
    season: Annotated[
        Literal["week"] | None, Doc("week: compare with the same weekday, for shorter slots the same time of it")
    ] = None


AnyCheck = (
    NotNull | Unique | AcceptedValues | AcceptedRange | Matches | RowCount
    | Freshness | References | Expression | Query | Schema | Drift
)  # fmt: skip

KINDS: dict[str, type[AnyCheck]] = {
    "not_null": NotNull,
    "unique": Unique,
    "accepted_values": AcceptedValues,
    "accepted_range": AcceptedRange,
    "matches": Matches,
    "row_count": RowCount,
    "freshness": Freshness,
    "references": References,
    "expression": Expression,
    "query": Query,
    "schema": Schema,
    "drift": Drift,
}
"""From the key a user writes to its shape; ``not_null: [a]`` and ``unique: [a, b]`` are short for their columns."""
