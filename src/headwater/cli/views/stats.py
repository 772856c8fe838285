"""How well pipelines do."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, duration, moment, size

if TYPE_CHECKING:
    from headwater.app.statistics import PipelineStats

_HEADER: Final = (
    *("env", "pipeline", "runs", "went well", "median", "95 %", "late", "missed", "outages", "to detect"),
    *("to recover", "rows", "bytes", "retries", "crashes"),
)
_FIRST_NUMBER: Final = 2


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is shown: the pipelines, and since when."""

    since: datetime
    until: datetime
    pipelines: "tuple[PipelineStats, ...]"


def document(found: Statistics) -> dict[str, object]:
    """Give the published shape: the fields of each pipeline's statistics, durations in seconds."""
    return {
        "since": found.since,
        "until": found.until,
        "pipelines": [asdict(each) | {"pipeline": each.pipeline or None} for each in found.pipelines],
    }


def lines(found: Statistics, page: Page) -> Iterator[str]:
    """Give a table, and a line for each pipeline that does not work now."""
    if not found.pipelines:
        yield f"Nothing has run since {moment(found.since)}."
        return
    rows = [_row(each) for each in found.pipelines]
    used = [i for i in range(len(_HEADER)) if any(row[i] for row in rows)]
    right = [place for place, i in enumerate(used) if i >= _FIRST_NUMBER]
    body = [[row[i] for i in used] for row in rows]
    yield f"Since {moment(found.since)}:"
    yield from table([_HEADER[i] for i in used], body, right=right, columns=page.columns)
    for each in found.pipelines:
        if each.is_down:
            what = clean(each.pipeline or "runs by hand")
            yield f"{click.style('✗', fg='red')} {what} in {clean(each.environment)}: the last run failed."


def _row(each: "PipelineStats") -> tuple[str, ...]:
    return (
        each.environment,
        each.pipeline or "(by hand)",
        count(each.runs),
        "" if each.success_rate is None else f"{100 * each.success_rate:.1f} %",
        _seconds(each.median_s),
        _seconds(each.p95_s),
        _seconds(each.late_p95_s),
        _number(each.deadline_misses),
        _number(each.outages),
        _seconds(each.time_to_detect_s),
        _seconds(each.time_to_recovery_s),
        _number(each.rows),
        size(each.bytes) if each.bytes else "",
        _number(each.retries),
        _number(each.crashes),
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else duration(value)


def _number(value: int) -> str:
    return count(value) if value else ""


def of_pipeline(found: Statistics, pipeline: str | None) -> Statistics:
    """Keep what is of one pipeline; all if None. Raises Invalid, with the closest name, if it has not run."""
    if pipeline is None:
        return found
    own = tuple(each for each in found.pipelines if each.pipeline == pipeline)
    if not own:
        from headwater.diagnostics import Invalid, suggest

        hint = suggest(pipeline, [each.pipeline for each in found.pipelines])
        raise Invalid.of("HW1103", f"`{pipeline}` has not run in that time", hint=hint)
    return replace(found, pipelines=own)


STATS: Final[View[Statistics]] = View(document, lines)
