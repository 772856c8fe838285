"""Where somebody's value stands: in files of the lake, by looking into each, and in texts of the state."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.app.erasing.subjects import Subject
from headwater.app.workspace import Workspace
from headwater.run.engine import Session, as_headwater_error
from headwater.spec.fills import Fill, StoredColumn
from headwater.sql.text import quote_identifier, quote_literal

_SHORTEST = 4
"""A text as short as this stands by chance in others: it is looked for as a whole value only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value was found, and how often."""

    where: str
    count: int


def is_searched_for(subject: Subject) -> bool:
    """Whether its text is unlike any other, so that it may be looked for inside other texts."""
    return len(subject.text) >= _SHORTEST and not subject.text.replace(".", "").isdigit()


def files_with(
    workspace: Workspace, fills: Iterable[Fill], subjects: Sequence[Subject], carried: frozenset[tuple[str, str]]
) -> dict[str, tuple[str, int]]:
    """Give path → (node, rows with the value) of the files of fills that hold it.

    Looked for is a text anywhere, and what could stand by chance in others in the columns ``carried`` (node, column).
    """
    store, found = workspace.store, dict[str, tuple[str, int]]()
    looked: dict[str, Fill] = {path: fill for fill in fills for path in store.paths(fill)}
    with workspace.engine.session() as session:
        for path, fill in looked.items():
            condition = _condition(fill, subjects, carried)
            if condition is None or not Path(path).exists():
                continue
            rows = store.relation(fill.pack.columns if fill.pack else fill.columns, [path])
            try:
                ((count,),) = session.rows(f"SELECT count(*) FROM ({rows}) AS rows_of_file WHERE {condition}")
            except Exception as problem:
                raise as_headwater_error(problem, f"looking into a file of `{fill.node}`", store=store) from problem
            if count:
                found[path] = (fill.node, count)
    return found


def _condition(fill: Fill, subjects: Sequence[Subject], carried: frozenset[tuple[str, str]]) -> str | None:
    columns: tuple[StoredColumn, ...] = fill.pack.columns if fill.pack else fill.columns
    parts = [part for column in columns for part in _parts(fill.node, column, subjects, carried)]
    return " OR ".join(parts) if parts else None


def _parts(
    node: str, column: StoredColumn, subjects: Sequence[Subject], carried: frozenset[tuple[str, str]]
) -> Iterator[str]:
    name = f"CAST({quote_identifier(column.name)} AS VARCHAR)"
    for subject in subjects:
        if is_searched_for(subject):
            yield f"coalesce(contains({name}, {quote_literal(subject.text)}), false)"
        elif (node, column.name) in carried:
            yield f"coalesce({name} = {quote_literal(subject.text)}, false)"


def lake_files_with(workspace: Workspace, subjects: Sequence[Subject]) -> list[Place]:
    """Give the Parquet files of the lake, whoever they belong to, that hold the value in whatever column."""
    wanted = [subject for subject in subjects if is_searched_for(subject)]
    found = []
    with workspace.engine.session() as session:
        for path in sorted(workspace.settings.lake.rglob("*.parquet")) if wanted else ():
            count = _rows_with(session, path, wanted)
            if count:
                found.append(Place(where=str(path), count=count))
    return found


def _rows_with(session: Session, path: Path, wanted: Sequence[Subject]) -> int:
    rows = f"read_parquet({quote_literal(str(path))})"
    try:
        columns = [name for name, *_ in session.rows(f"DESCRIBE SELECT * FROM {rows}")]
        texts = [f"CAST({quote_identifier(name)} AS VARCHAR)" for name in columns]
        parts = [f"coalesce(contains({text}, {quote_literal(each.text)}), false)" for text in texts for each in wanted]
        ((count,),) = session.rows(f"SELECT count(*) FROM {rows} WHERE {' OR '.join(parts)}")
    except Exception as problem:
        raise as_headwater_error(problem, f"looking into `{path.name}` of the lake") from problem
    return int(count)


def texts_with(workspace: Workspace, subjects: Sequence[Subject]) -> list[Place]:
    """Give the tables of the state and the files beside it in which the value stands, byte by byte."""
    wanted = [subject.text.encode() for subject in subjects if is_searched_for(subject)]
    found = []
    for path in sorted(_files(workspace)) if wanted else ():
        count = sum(_occurrences(path, each) for each in wanted)
        if count:
            found.append(Place(where=str(path), count=count))
    return found


def _files(workspace: Workspace) -> set[Path]:
    """Files of Headwater's own that are no Parquet: state, logs, plans, copies of releases, ranges' manifests."""
    settings = workspace.settings
    roots = {settings.home, settings.lake} | ({settings.state} if isinstance(settings.state, Path) else set())
    inside = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return {path for path in inside if path.is_file() and path.suffix != ".parquet"}


def _occurrences(path: Path, wanted: bytes) -> int:
    """Count in pieces that overlap, so that nothing between two is missed."""
    size, count, tail = 1 << 22, 0, b""
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                count += (tail + piece).count(wanted)
                tail = (tail + piece)[-(len(wanted) - 1) :] if len(wanted) > 1 else b""
    except FileNotFoundError:
        return 0
    return count
