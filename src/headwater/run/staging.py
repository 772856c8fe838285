"""Writes the rows of a task as fills: one file a slot, rows outside their slot refused, failing rows set aside."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headwater.connect.stores import Store
from headwater.diagnostics import RowsRefused, Where
from headwater.run.engine import Session
from headwater.run.linking import refuse_keys, row_checks, row_predicate
from headwater.run.measuring import fill_checks
from headwater.run.packs.writing import FEWEST_SLOTS, groups_of, pack_time, write_pack
from headwater.run.splitting import KEY, measure_drift, measure_split, numbered, write_split
from headwater.spec.fills import Fill, StoredColumn, StoredFile
from headwater.spec.quality import Measurement
from headwater.spec.releases import Verdict
from headwater.sql.text import quote_identifier, quote_literal, time_literal
from headwater.tasks.values import Task, TaskSlot

STAGED = "hw_staged"
"""Temporary table that holds a task's rows while they are cut into slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where and under whose name a task's fills are written."""

    store: Store
    attempt: str


@dataclass(frozen=True, slots=True)
class Staged:
    """Unsealed fills, one a slot, and the verdicts of their checks where those were cheap to have (else None)."""

    fills: list[Fill]
    verdicts: list[Verdict] | None = None
    measurements: list[Measurement] = field(default_factory=list)
    """What drift checks measure, likewise where it was cheap to have."""


def stage(session: Session, task: Task, select: str, to: Stage) -> Staged:
    """Write the rows of ``select`` as one unsealed fill a slot."""
    columns = to.store.stored_columns([(c.name, c.type) for c in task.node.columns])
    failing = row_predicate(task.node)
    if task.interval is None and not failing:
        return Staged(
            [fill_of(task, task.slots[0], columns, _write(session, task, task.slots[0], select, columns, to), to)]
        )
    cut = task.node.time if task.interval else None
    session.run(f"CREATE TEMP TABLE {STAGED} AS {numbered(task, cut, select) if cut else select}")
    if cut is not None:
        _refuse_strays(session, task)
    if failing and not session.rows(f"SELECT count(*) FROM {STAGED} AS this WHERE {failing}")[0][0]:
        failing = ""
    if cut is not None:
        refuse_keys(session, task.node, _good(failing), time=cut.column)
    staged = _split(session, task, columns, failing, to) if cut else _single(session, task, columns, failing, to)
    session.run(f"DROP TABLE {STAGED}")
    return staged


def _single(session: Session, task: Task, columns: tuple[StoredColumn, ...], failing: str, to: Stage) -> Staged:
    slot = task.slots[0]
    files = _write(session, task, slot, _good(failing), columns, to)
    fill = fill_of(task, slot, columns, files, to)
    return Staged([_set_aside(session, task, fill, f"SELECT * FROM {STAGED}", to) if failing else fill])


def _split(session: Session, task: Task, columns: tuple[StoredColumn, ...], failing: str, to: Stage) -> Staged:
    good = _good(failing)
    fills = _together(session, task, columns, good, to) or _each_alone(session, task, columns, good, to)
    for number in _numbers_with_rejects(session, failing):
        rows = f"SELECT * EXCLUDE ({KEY}) FROM {STAGED} WHERE {KEY} = {number}"
        fills[number] = _set_aside(session, task, fills[number], rows, to)
    verdicts = measure_split(session, task.node, fill_checks(task.node), task.slots, good)
    return Staged(fills, verdicts, measure_drift(session, task, good))


def _together(
    session: Session, task: Task, columns: tuple[StoredColumn, ...], good: str, to: Stage
) -> list[Fill] | None:
    """Write many small slots into few files; None if they are too few, or too large."""
    if len(task.slots) < FEWEST_SLOTS:
        return None
    counted: dict[int, int] = dict(session.rows(f"SELECT {KEY}, count(*) FROM ({good}) AS rows_of_slots GROUP BY 1"))
    rows = [counted.get(number, 0) for number in range(len(task.slots))]
    assert task.node.time is not None  # noqa: S101 - only slots of cut nodes are split
    fills: list[Fill] = []
    for group in groups_of(rows):
        alone = [fill_of(task, task.slots[number], columns, (), to) for number in group]
        select = f"SELECT * FROM ({good}) AS rows_of_slots WHERE {KEY} BETWEEN {group[0]} AND {group[-1]}"
        counts = [rows[number] for number in group]
        fills += write_pack(session, to.store, select, alone, counts, pack_time(task.node.time), to.attempt)
    return fills or None


def _each_alone(session: Session, task: Task, columns: tuple[StoredColumn, ...], good: str, to: Stage) -> list[Fill]:
    node = task.node
    finals = {
        number: to.store.path(node.name, node.version, f"{slot.entry.fill}-{to.attempt}-")
        for number, slot in enumerate(task.slots)
    }
    directory = Path(to.store.path(node.name, node.version, f"hw-{to.attempt}"))
    copy = to.store.split_statement(good, columns, str(directory), KEY)
    files = write_split(session, copy, directory, finals)
    fills = []
    for number, slot in enumerate(task.slots):
        stored = tuple(to.store.stored_file(path, rows) for path, rows in files.get(number, ()))
        fills.append(fill_of(task, slot, columns, stored, to))
    return fills


def _good(failing: str) -> str:
    """The staged rows that no quarantine check sets aside."""
    rows = f"SELECT * FROM {STAGED}"
    return f"SELECT * FROM ({rows}) AS this WHERE ({failing}) IS NOT TRUE" if failing else rows


def _numbers_with_rejects(session: Session, failing: str) -> list[int]:
    if not failing:
        return []
    return [number for (number,) in session.rows(f"SELECT DISTINCT {KEY} FROM {STAGED} AS this WHERE {failing}")]


def _refuse_strays(session: Session, task: Task) -> None:
    node = task.node
    assert node.time is not None  # noqa: S101 - only nodes cut by time have intervals
    assert task.interval is not None  # noqa: S101 - asked by the caller
    column = quote_identifier(node.time.column)
    start, end = (time_literal(at, node.time.type, node.time.timezone) for at in task.interval)
    strays = f"FROM {STAGED} WHERE ({column} >= {start} AND {column} < {end}) IS NOT TRUE"
    count, example = session.rows(f"SELECT count(*), CAST(any_value({column}) AS VARCHAR) {strays}")[0]
    if count:
        found = f"such as {node.time.column} = {example}" if example else f"with {node.time.column} NULL"
        message = (
            f"`{node.name}` returned {count} row{'s' if count > 1 else ''} outside its slot "
            f"[{task.interval[0]:%Y-%m-%dT%H:%MZ}, {task.interval[1]:%Y-%m-%dT%H:%MZ}), {found}"
        )
        hint = (
            f"derive `{node.time.column}` from the input's time in the same time zone, or filter with $start and $end"
        )
        raise RowsRefused.of("HW0510", message, Where(node.file, node.line), hint=hint)


def _write(
    session: Session, task: Task, slot: TaskSlot, select: str, columns: Sequence[StoredColumn], to: Stage
) -> tuple[StoredFile, ...]:
    path = to.store.path(task.node.name, task.node.version, f"{slot.entry.fill}-{to.attempt}-0.parquet")
    ordered = ", ".join(quote_identifier(c.name) for c in columns)
    copied = session.rows(to.store.write_statement(f"SELECT {ordered} FROM ({select}) AS rows_of_slot", columns, path))
    return (to.store.stored_file(path, int(copied[0][0])),)


def fill_of(
    task: Task, slot: TaskSlot, columns: tuple[StoredColumn, ...], files: tuple[StoredFile, ...], to: Stage
) -> Fill:
    """Give the unsealed manifest of a slot."""
    return Fill(
        id=slot.entry.fill,
        node=task.node.name,
        version=task.node.version,
        site=slot.site,
        slot=slot.slot,
        digest=slot.entry.digest,
        moving=slot.entry.moving,
        columns=columns,
        files=files,
        attempt=to.attempt,
        inputs=slot.inputs,
        read=slot.read,
    )


def _set_aside(session: Session, task: Task, fill: Fill, rows: str, to: Stage) -> Fill:
    """Keep the rows that a quarantine check refuses beside the fill, each with the check's name."""
    reasons = "\n".join(
        f"WHEN ({check.failing}) IS TRUE THEN {quote_literal(check.name)}" for check in row_checks(task.node)
    )
    name = f"{fill.id}-{to.attempt}-rejects.parquet"
    path = to.store.path(task.node.name, task.node.version, name)
    reason = f"CASE {reasons} END"
    select = f"SELECT {reason} AS reason, CAST(to_json(this) AS VARCHAR) AS payload FROM ({rows}) AS this"
    failing = f"SELECT * FROM ({select}) AS marked WHERE reason IS NOT NULL"
    columns = to.store.stored_columns([("reason", "VARCHAR"), ("payload", "VARCHAR")])
    copied = session.rows(to.store.write_statement(failing, columns, path))
    stored = to.store.stored_file(path, int(copied[0][0]))
    return replace(fill, rejects=stored.rows, rejects_file=name if stored.rows else "")
