"""Cuts the rows of one query into many slots: one pass to write all their files, one to check them all."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from headwater.graph.values import Check, Node, TimeCut
from headwater.run.engine import Session
from headwater.run.measuring import drift_checks, measurements_of, verdict_of
from headwater.spec.quality import Measurement
from headwater.spec.releases import Verdict
from headwater.sql.text import quote_identifier, time_literal
from headwater.tasks.values import Task, TaskSlot

KEY = "hw_slot"
"""Column of the staged table: the number of the row's slot in the task; NULL before the first."""


def numbered(task: Task, cut: TimeCut, select: str) -> str:
    """Give a SELECT of a task's rows with the number of the slot that each begins in (slots follow each other)."""
    starts = [_start(slot, cut) for slot in task.slots]
    # Of slots that begin alike, where the clock was put back, the last has the rows: the others have no length.
    numbers = {start: number for number, start in enumerate(starts)}
    listed = ", ".join(f"({number}, {start})" for start, number in numbers.items())
    column = quote_identifier(cut.column)
    return (
        f"SELECT rows_of_task.*, slots.{KEY} FROM ({select}) AS rows_of_task"
        f" ASOF LEFT JOIN (VALUES {listed}) AS slots({KEY}, hw_start) ON rows_of_task.{column} >= slots.hw_start"
    )


def write_split(
    session: Session, statement: str, directory: Path, finals: Mapping[int, str]
) -> dict[int, list[tuple[str, int]]]:
    """Write the rows of all slots at once; give slot number → (path, rows) of its files, under their final names.

    ``statement`` is the COPY into ``directory``, partitioned by the slot's number (see ``Store.split_statement``);
    ``finals`` holds the beginning of each slot's file names.
    """
    files: dict[int, list[tuple[str, int]]] = {}
    try:
        for written, rows, *_ in session.rows(statement):
            number = int(Path(written).parent.name.partition("=")[2])
            found = files.setdefault(number, [])
            final = f"{finals[number]}{len(found)}.parquet"
            Path(written).rename(final)
            found.append((final, int(rows)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return files


def measure_split(
    session: Session, node: Node, checks: Sequence[Check], slots: Sequence[TaskSlot], rows: str
) -> list[Verdict]:
    """Evaluate all one-fill checks of all slots in one pass over ``rows`` (a SELECT with the slots' numbers)."""
    if not checks:
        return []
    expressions = ", ".join(f"CAST(({check.failing}) AS BIGINT)" for check in checks)
    found = {
        number: counts
        for number, *counts in session.rows(f"SELECT {KEY}, {expressions} FROM ({rows}) AS this GROUP BY 1")
    }
    if len(found) < len(slots):
        [empty] = session.rows(f"SELECT {expressions} FROM (SELECT * FROM ({rows}) AS none WHERE false) AS this")
        found = {number: list(empty) for number in range(len(slots))} | found
    return [
        verdict_of(node, check, slot.entry.fill, failing or 0, slot=slot.slot)
        for number, slot in enumerate(slots)
        for check, failing in zip(checks, found[number], strict=True)
    ]


def measure_drift(session: Session, task: Task, rows: str) -> list[Measurement]:
    """Measure all slots in one pass; conditions of the user's own may need macros, and are measured before judging."""
    checks = [check for check in drift_checks(task.node) if "IS TRUE" not in check.failing]
    wanted = {check.drift.metric: check.failing for check in checks if check.drift}
    if not wanted:
        return []
    expressions = ", ".join(f"CAST(({each}) AS DOUBLE)" for each in wanted.values())
    found = {
        number: values
        for number, *values in session.rows(f"SELECT {KEY}, {expressions} FROM ({rows}) AS this GROUP BY 1")
    }
    if len(found) < len(task.slots):
        [empty] = session.rows(f"SELECT {expressions} FROM (SELECT * FROM ({rows}) AS none WHERE false) AS this")
        found = {number: list(empty) for number in range(len(task.slots))} | found
    return [
        measured
        for number, slot in enumerate(task.slots)
        for measured in measurements_of(task.node, slot.entry.fill, wanted, found[number], task.now)
    ]


def _start(slot: TaskSlot, cut: TimeCut) -> str:
    assert slot.interval is not None  # noqa: S101 - only slots of cut nodes are split
    return time_literal(slot.interval[0], cut.type, cut.timezone)
