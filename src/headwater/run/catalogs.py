"""What an environment serves, for readers outside: the files of each node, and a DuckDB file with a view on them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from os.path import relpath
from pathlib import Path
from typing import Final

from headwater.graph.values import SERVED_KINDS, Graph, Node
from headwater.plan.calendar import Calendar, Interval
from headwater.run.engine import Session
from headwater.run.relations import Surroundings, fills_select, macros_of, query_of
from headwater.spec.addresses import Slot
from headwater.spec.fills import Fill, PackTime, StoredColumn
from headwater.spec.releases import Head, SlotKey
from headwater.sql.macros import name_of
from headwater.sql.parquet import literally
from headwater.sql.text import bind_parameters, literal, quote_identifier, quote_literal, quote_relation

PROVENANCE: Final = '"_headwater"."nodes"'
"""The table of a catalog that says what its views show."""
_STORAGE: Final = "v1.5.0"
"""Catalogs are readable for DuckDB 1.5, also when 2.x writes them."""
_READING_TIME: Final = {"now": "now()"}
"""What `$now` means in a view that somebody reads at some time."""
_COLUMNS: Final = (
    "environment VARCHAR, release VARCHAR, released_at TIMESTAMPTZ, node VARCHAR, kind VARCHAR, version VARCHAR,"
    " slots BIGINT, rows BIGINT, bytes BIGINT, filled_until TIMESTAMPTZ, timezone VARCHAR"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """A Parquet file with rows that are served. ``rows`` and ``bytes`` are those of the slots served from it."""

    path: str
    rows: int
    bytes: int
    slots: int = 1
    site: str = ""
    slot: str = ""
    """Of a file that holds one slot."""
    intervals: tuple[Interval, ...] = ()
    """Only rows of these stretches of ``time`` are served; empty: all rows of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedNode:
    """A node as it is served. A view has no files: it is a query over what it ``reads``."""

    node: Node
    version: str
    slots: int
    rows: int | None = None
    bytes: int | None = None
    filled_until: datetime | None = None
    columns: tuple[StoredColumn, ...] = ()
    fills: tuple[str, ...] = ()
    files: tuple[ServedFile, ...] = ()
    query: str = ""
    reads: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What an environment serves at a release. Paths are relative to ``base``, if there is one."""

    environment: str
    release: str
    at: datetime
    base: str
    nodes: tuple[ServedNode, ...]


def served_names(graph: Graph, head: Head, selected: Iterable[str] | None = None) -> list[str]:
    """Give the served nodes in topological order; of those ``selected``, also what their views stand on."""
    nodes = {node.name: node for node in graph.nodes}
    served = [name for name, node in nodes.items() if node.kind in SERVED_KINDS and name in head.nodes]
    if selected is None:
        pending = [name for name in served if not name.endswith("@changes")]
    else:
        pending = [name for name in selected if name in served]
    wanted: set[str] = set()
    while pending:
        name = pending.pop()
        wanted.add(name)
        if nodes[name].kind in {"view", "inline"}:
            pending += [each.node for each in nodes[name].inputs if each.node not in wanted]
    return [name for name in nodes if name in wanted]


def describe(around: Surroundings, head: Head, names: Sequence[str], base: str) -> Iterator[ServedNode]:
    """Say what is served of each of these nodes."""
    for name in names:
        node = around.node(name)
        if node.kind in {"view", "inline"}:
            query = query_of(node, around.graph, _READING_TIME)
            reads = tuple(each.node for each in node.inputs)
            yield ServedNode(node=node, version=node.version, slots=0, query=query, reads=reads)
        else:
            yield _table(around, head, node, base)


def _table(around: Surroundings, head: Head, node: Node, base: str) -> ServedNode:
    entries = head.entries_of(node.name)
    found = {key: around.fills[entry.fill] for key, entry in sorted(entries.items())}
    fills = list({fill.id: fill for fill in found.values()}.values())
    return ServedNode(
        node=node,
        version=head.nodes[node.name].version,
        slots=len(found),
        rows=sum(fill.rows for fill in fills),
        bytes=sum(fill.bytes for fill in fills),
        filled_until=_filled_until(node, found),
        columns=around.store.stored_columns([(column.name, column.type) for column in node.columns]),
        fills=tuple(fill.id for fill in fills),
        files=tuple(_files(around, fills, base)),
    )


def _filled_until(node: Node, slots: Iterable[SlotKey]) -> datetime | None:
    if node.time is None or not node.time.every:
        return None
    calendar = Calendar.of(node.time.every, node.time.timezone)
    starts = [slot for _, slot in slots if slot.endswith("Z")]
    return calendar.interval(Slot(max(starts)))[1] if starts else None


def _files(around: Surroundings, fills: Iterable[Fill], base: str) -> Iterator[ServedFile]:
    packed: dict[str, list[Fill]] = {}
    for fill in fills:
        if fill.pack is not None:
            packed.setdefault(fill.pack.id, []).append(fill)
            continue
        for path, file in zip(around.store.paths(fill), fill.files, strict=True):
            place = _placed(path, base)
            yield ServedFile(path=place, rows=file.rows, bytes=file.bytes, site=fill.site, slot=fill.slot)
    for members in packed.values():
        if any(fill.rows for fill in members):
            yield _packed(around, members, base)


def _packed(around: Surroundings, fills: Sequence[Fill], base: str) -> ServedFile:
    """A file that many slots share; if not all of its slots are served, the intervals of those that are."""
    pack = fills[0].pack
    assert pack is not None  # noqa: S101 - asked by the caller
    filled = [fill for fill in fills if fill.rows]
    is_whole = len(filled) == pack.filled
    return ServedFile(
        path=_placed(around.store.paths(fills[0])[0], base),
        rows=sum(fill.rows for fill in fills),
        bytes=sum(fill.bytes for fill in fills),
        slots=len(fills),
        site=pack.site,
        intervals=() if is_whole else _intervals(pack.time, filled),
    )


def _intervals(time: PackTime, fills: Iterable[Fill]) -> tuple[Interval, ...]:
    """Give the stretches of time that slots cover, neighbours as one."""
    calendar = Calendar.of(time.every, time.timezone)
    found: list[Interval] = []
    for start, end in sorted(calendar.interval(fill.slot) for fill in fills):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _placed(path: str, base: str) -> str:
    return Path(relpath(path, base)).as_posix() if base else path


def write(session: Session, file: Path, served: Served, around: Surroundings, lake: Path) -> None:
    """Write a new DuckDB file: views on the served fills, the views of the project on those, and their provenance."""
    database = f"{session.name}_catalog"
    storage = f"(TYPE duckdb, STORAGE_VERSION '{_STORAGE}')"
    session.run(f"ATTACH {quote_literal(str(file))} AS {quote_identifier(database)} {storage}")
    try:
        session.use(database)
        session.run("BEGIN")
        if served.base:
            session.run(f"SET file_search_path = {quote_literal(served.base)}")
        for statement in _statements(served, around, lake):
            session.run(statement)
        session.run("COMMIT")
        session.run(f"CHECKPOINT {quote_identifier(database)}")
    finally:
        _leave(session, database)


def _leave(session: Session, database: str) -> None:
    import duckdb

    with suppress(duckdb.TransactionException):  # raised if it was committed
        session.run("ROLLBACK")
    session.run("RESET file_search_path")
    session.use(session.name)
    session.run(f"DETACH {quote_identifier(database)}")


def _statements(served: Served, around: Surroundings, lake: Path) -> Iterator[str]:
    schemas: set[str] = set()
    macros: set[str] = set()
    for each in served.nodes:
        schema = each.name.rpartition(".")[0]
        if schema and schema not in schemas:
            schemas.add(schema)
            yield f"CREATE SCHEMA {quote_identifier(schema)}"
        if each.query:
            yield from _macros(around, each.query, macros)
            yield from _view(each, around)
        else:
            yield f"CREATE VIEW {quote_relation(each.name)} AS {_select(around, each, lake, served.base)}"
        if each.node.description:
            yield f"COMMENT ON VIEW {quote_relation(each.name)} IS {quote_literal(each.node.description)}"
    yield 'CREATE SCHEMA "_headwater"'
    yield f"CREATE TABLE {PROVENANCE} ({_COLUMNS})"
    if served.nodes:
        yield f"INSERT INTO {PROVENANCE} VALUES {', '.join(_row(served, each) for each in served.nodes)}"


def _macros(around: Surroundings, query: str, made: set[str]) -> Iterator[str]:
    values = {name: literal(value) for name, value in around.graph.variables.items()} | _READING_TIME
    for statement in macros_of(around.graph, [query]):
        if name_of(statement) not in made:
            made.add(name_of(statement))
            yield bind_parameters(statement, values)


def _view(each: ServedNode, around: Surroundings) -> Iterator[str]:
    """A view finds unqualified names in its own schema first; where that would be another node, its text is in main."""
    schema = each.name.rpartition(".")[0]
    hidden = any("." not in name and f"{schema}.{name}" in around.nodes for name in each.reads) if schema else False
    if not hidden:
        yield f"CREATE VIEW {quote_relation(each.name)} AS {each.query}"
        return
    text = f"main.{quote_identifier(f'hw {each.name}')}"
    yield f"CREATE VIEW {text} AS {each.query}"
    yield f"CREATE VIEW {quote_relation(each.name)} AS SELECT * FROM {text}"


def _select(around: Surroundings, each: ServedNode, lake: Path, base: str) -> str:
    """Paths stand only in literals that begin with the lake's, so that its place can be taken by another."""
    select = fills_select(around, each.name, each.fills)
    if not base:
        return select
    old, new = (quote_literal(literally(str(path)) + "/")[:-1] for path in (lake, relpath(lake, base)))
    return select.replace(old, new)


def _row(served: Served, each: ServedNode) -> str:
    values = (
        served.environment,
        served.release,
        served.at,
        each.name,
        each.node.kind,
        each.version,
        each.slots,
        each.rows,
        each.bytes,
        each.filled_until,
        each.node.timezone,
    )
    return "(" + ", ".join(map(literal, values)) + ")"
