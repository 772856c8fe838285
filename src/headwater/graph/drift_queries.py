"""The SQL of drift checks: what measures a fill, and with what it may be compared."""

import sys
from typing import Final, Literal

from headwater.diagnostics import error, suggest
from headwater.graph.drafts import Draft
from headwater.graph.values import Drift
from headwater.graph.written_checks import Subject, Written, WrongCheck, wanted
from headwater.spec import checks as spec
from headwater.spec.quality import MEASURES, MOST_MEASUREMENTS, parse_metric, parse_within
from headwater.spec.units import parse_every
from headwater.sql.text import quote_identifier

_FEWEST: Final = 2
"""Measurements that ``over`` must ask for at least: one alone says nothing of what is usual."""
_DAYS_OF_WEEK: Final = 7
_NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL")


def drift_query(check: spec.Drift, subject: Subject, draft: Draft) -> Written:
    """Write a drift check: the aggregate that measures a fill, and how measurements are compared. Raises WrongCheck."""
    if subject.kind in {"view", "source"}:
        message = f"the {subject.kind} `{subject.name}` keeps no rows that could be compared with earlier ones"
        raise WrongCheck(error("HW0660", message, check.at.where))
    measure, column = _metric(check)
    within, unit = _within(check)
    if not _FEWEST <= check.over <= MOST_MEASUREMENTS:
        message = f"`over` is from {_FEWEST} to {MOST_MEASUREMENTS} measurements, not {check.over}"
        raise WrongCheck(error("HW0664", message, check.at.of("over")))
    _require_type(check, measure, column, subject)
    if check.season:
        _require_season(check, subject, draft)
    shows: dict[str, Literal["share", "duration"]] = {"nulls": "share", "freshness": "duration"}
    return Written(
        kind="drift",
        name=f"drift({check.metric.strip()})",
        scope="drift",
        failing=_measured(measure, quote_identifier(column), check),
        drift=Drift(
            metric="",
            unit=unit,
            within=within,
            over=check.over,
            season=check.season == "week",
            is_age=measure == "freshness",
            shows=shows.get(measure, "number"),
        ),
    )


def _metric(check: spec.Drift) -> tuple[str, str]:
    try:
        return parse_metric(check.metric)
    except ValueError as problem:
        hint = suggest(check.metric[:80].partition(".")[0], MEASURES)
        raise WrongCheck(error("HW0662", str(problem), check.at.of("metric"), hint=hint)) from None


def _within(check: spec.Drift) -> tuple[float, Literal["sigma", "percent"]]:
    try:
        return parse_within(check.within)
    except ValueError as problem:
        raise WrongCheck(error("HW0663", str(problem), check.at.of("within"))) from None


def _require_type(check: spec.Drift, measure: str, column: str, subject: Subject) -> None:
    """A mean is of numbers, an age of a time; that a column exists is asked elsewhere."""
    type_ = next((type_ for name, type_ in subject.columns if name.casefold() == column.casefold()), "")
    is_number = type_.removeprefix("U").startswith(_NUMBERS) and not type_.endswith("]")
    if type_ and ((measure == "mean" and not is_number) or (measure == "freshness" and not _is_time(type_))):
        what = "numbers" if measure == "mean" else "times"
        message = f"`{measure}` measures {what}, and `{column}` is {type_}"
        raise WrongCheck(error("HW0242", message, check.at.of("metric")))


def _is_time(type_: str) -> bool:
    return type_ == "DATE" or (type_.startswith("TIMESTAMP") and not type_.endswith("]"))


def _measured(measure: str, column: str, check: spec.Drift) -> str:
    """The aggregate that measures a fill; of an age, the instant that it counts from (seconds since 1970)."""
    only = f" FILTER (WHERE {wanted(check)})" if check.where else ""
    match measure:
        case "rows":
            return f"count(*){only}"
        case "nulls":
            both = f"{wanted(check)} AND {column} IS NULL" if check.where else f"{column} IS NULL"
            return f"count(*) FILTER (WHERE {both}) / nullif(count(*){only}, 0)"
        case "mean":
            return f"CAST(avg({column}){only} AS DOUBLE)"
        case "distinct":
            return f"count(DISTINCT {column}){only}"
        case _:
            return f"epoch(CAST(max({column}){only} AS TIMESTAMP WITH TIME ZONE))"


def _require_season(check: spec.Drift, subject: Subject, draft: Draft) -> None:
    """A week's season needs slots by time that are shorter than a week."""
    cut = draft.times.get(subject.name)
    every = parse_every(cut.every) if cut and cut.every and subject.kind == "incremental" else None
    longest = {"w": 1, "mo": 1, "d": _DAYS_OF_WEEK, "h": _DAYS_OF_WEEK * 24}
    if every is None or every.count >= longest.get(every.unit, sys.maxsize):
        message = f"`season: week` compares slots shorter than a week, and `{subject.name}` has none"
        raise WrongCheck(error("HW0661", message, check.at.of("season")))
