"""`headwater scan`: looks at columns without a class; says which they probably have, and where to write it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from headwater.app.checking import Checked
from headwater.app.scanning.proposing import Seen, propose
from headwater.app.scanning.writing import with_class
from headwater.app.unit_tests.served_inputs import served_inputs
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, HeadwaterError, Invalid, Where, error, suggest, warning
from headwater.graph.values import Graph, Input, Node
from headwater.project.names import shown
from headwater.run.relations import define
from headwater.spec.nodes import Column
from headwater.spec.project import Project
from headwater.sql.text import literal, quote_identifier, quote_relation

DEFAULT_ROWS: Final = 1000
_MOST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A class for a column that has none. ``before`` and ``after`` are the lines that change; empty: to be pasted."""

    node: str
    column: str
    seen: Seen
    where: Where
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def is_written(self) -> bool:
        """Whether ``--accept`` can write it; else it is to be pasted."""
        return bool(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan proposes; ``files`` hold the texts of the files that would change."""

    proposals: tuple[Proposal, ...]
    files: Mapping[str, str]
    looked_at: int
    """Columns without a class."""
    diagnostics: tuple[Diagnostic, ...] = ()


def scan(
    workspace: Workspace,
    checked: Checked,
    names: Sequence[str] = (),
    *,
    environment: str,
    most_rows: int = DEFAULT_ROWS,
) -> Scan:
    """Propose classes for columns of sources and models (those named, or all); nothing is written.

    Values are read where the hub may: sources that it reads itself, tables that the environment serves. Of sources at
    sites that compute for themselves only names are looked at. Raises Invalid for a name that is no node.
    """
    graph, project = checked.graph, checked.project
    assert graph is not None and project is not None  # noqa: PT018, S101 - a sound check has both
    wanted = _wanted(graph, names)
    found: list[tuple[Node, str, Seen]] = []
    known = _Known(graph)
    notes: list[Diagnostic] = []
    looked_at = 0
    for node in (each for each in graph.nodes if each.name in wanted):
        columns = [each.name for each in node.columns if not known.has_class(node.name, each.name)]
        if not columns:
            continue
        looked_at += len(columns)
        values, problem = _values(workspace, graph, node, columns, environment, most_rows)
        notes += problem
        for column in columns:
            seen = propose(column, values.get(column))
            if seen is not None:
                known.propose(node.name, column)
                found.append((node, column, seen))
    proposals, files = _placed(workspace.root, project, found)
    return Scan(proposals=proposals, files=files, looked_at=looked_at, diagnostics=tuple(notes))


def write(root: Path, found: Scan) -> tuple[str, ...]:
    """Write the files that a scan would change; give their paths. Invalid (HW1302) if one cannot be written."""
    for path, text in sorted(found.files.items()):
        try:
            (root / path).write_bytes(text.encode())
        except OSError as problem:
            message = f"`{path}` cannot be written: {problem.strerror}"
            raise Invalid.of(
                "HW1302", message, Where(path), hint="what it would hold is shown without --accept"
            ) from None
    return tuple(sorted(found.files))


def _wanted(graph: Graph, names: Sequence[str]) -> frozenset[str]:
    own = {node.name.casefold(): node.name for node in graph.nodes if "@" not in node.name}
    for name in names:
        if name.casefold() not in own:
            hint = suggest(name, own) or "name sources and models"
            raise Invalid.of("HW1300", f"there is no source or model `{shown(name)}`", hint=hint)
    return frozenset(own[name.casefold()] for name in names) or frozenset(own.values())


class _Known:
    """Columns that need no proposal: they have a class, or are made of columns that have one."""

    def __init__(self, graph: Graph) -> None:
        self._columns = {(node.name, each.name): each for node in graph.nodes for each in node.columns}
        self._classed = {place for place, each in self._columns.items() if each.class_}

    def propose(self, node: str, column: str) -> None:
        self._classed.add((node, column))

    def has_class(self, node: str, column: str) -> bool:
        seen, open_ = set[tuple[str, str]](), [(node, column)]
        while open_:
            place = open_.pop()
            if place in self._classed:
                return True
            if place not in seen and place in self._columns:
                seen.add(place)
                open_ += self._columns[place].values
        return False


def _values(
    workspace: Workspace, graph: Graph, node: Node, columns: Sequence[str], environment: str, most: int
) -> tuple[dict[str, list[str]], list[Diagnostic]]:
    """Give some values of columns as text; nothing where they may not be read, or are not there."""
    if _stands_on_sites(graph, node) or node.kind == "inline":
        return {}, []
    whole = replace(node, inputs=(Input(node=node.name, columns=("*",)),))
    try:
        relations, around = served_inputs(workspace, environment, graph, whole)
        with (
            workspace.engine.session(node.timezone) as session,
            workspace.engine.deadline(session, _MOST_SECONDS, f"reading `{node.name}`"),
        ):
            define(session, relations, around, {"now": literal(workspace.effects.clock())})
            listed = ", ".join(f"CAST({quote_identifier(each)} AS VARCHAR)" for each in columns)
            rows = session.rows(f"SELECT {listed} FROM {quote_relation(node.name)} LIMIT {most}")
    except (HeadwaterError, _engine_error()) as problem:
        if isinstance(problem, Invalid) and any(each.code == "HW0672" for each in problem.diagnostics):
            return {}, []  # a model that the environment does not serve yet
        return {}, [
            warning("HW1301", f"no values of `{node.name}` were looked at: it cannot be read now", _place(node))
        ]
    return {name: [row[at] for row in rows if row[at] is not None] for at, name in enumerate(columns)}, []


def _engine_error() -> type[Exception]:
    from duckdb import Error

    found: type[Exception] = Error
    return found


def _place(node: Node) -> Where | None:
    return Where(node.file, node.line) if node.file else None


def _stands_on_sites(graph: Graph, node: Node) -> bool:
    """Whether rows of it lie at sites that compute for themselves: of a view, those that it reads."""
    nodes = {each.name: each for each in graph.nodes}
    if node.source is not None:
        return bool(graph.borders.remote & set(node.source.sites))
    if node.kind not in {"view", "inline"}:
        return False
    return any(_stands_on_sites(graph, nodes[each.node]) for each in node.inputs)


def _placed(
    root: Path, project: Project, found: Sequence[tuple[Node, str, Seen]]
) -> tuple[tuple[Proposal, ...], dict[str, str]]:
    texts: dict[str, str] = {}
    proposals = []
    for node, column, seen in found:
        path, where = _written(project, node, column)
        proposal = Proposal(node=node.name, column=column, seen=seen, where=where)
        before = texts.get(where.file) or _text(root, where.file)
        after = with_class(where.file, before, path, seen.class_) if path and before else None
        if after is not None:
            texts[where.file] = after
            old, new = _differing(before, after)
            proposal = replace(proposal, before=old, after=new)
        proposals.append(proposal)
    return tuple(proposals), texts


def _written(project: Project, node: Node, column: str) -> tuple[tuple[str, ...], Where]:
    """Give where a column is declared: its path in its file, and the place; without a path, where the node is."""
    spec = project.sources.get(node.name) or project.models.get(node.name)
    declared: Mapping[str, Column] = spec.columns if spec is not None else {}
    name = next((each for each in declared if each.casefold() == column.casefold()), None)
    if name is None or not declared[name].at.where.file.endswith((".yaml", ".yml", ".sql")):
        return (), Where(node.file, node.line)
    where = declared[name].at.where
    section = ("columns", name)
    if where.file.endswith(".sql"):
        return section, where
    return ("sources" if node.source is not None else "models", node.name, *section), where


def _text(root: Path, file: str) -> str:
    try:
        return (root / file).read_bytes().decode() if file else ""
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(error("HW1302", f"`{file}` cannot be read: {problem}", Where(file))) from None


def _differing(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the lines that differ, as they were and as they are."""
    old, new = before.splitlines(), after.splitlines()
    return tuple(_only(old, new)), tuple(_only(new, old))


def _only(lines: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    start = 0
    while start < min(len(lines), len(others)) and lines[start] == others[start]:
        start += 1
    end = 0
    while end < min(len(lines), len(others)) - start and lines[-1 - end] == others[-1 - end]:
        end += 1
    yield from lines[start : len(lines) - end]
