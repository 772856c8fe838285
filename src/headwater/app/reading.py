"""Reads what an environment serves: SQL over its tables, or one table whole, to Arrow, Polars, pandas or rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.app.environments import require_environment
from headwater.app.graphs import released_graph
from headwater.app.workspace import Effects, Workspace, find_root, open_workspace
from headwater.diagnostics import Invalid, suggest
from headwater.graph.values import SERVED_KINDS, Graph, Input
from headwater.run.context import FillBook
from headwater.run.engine import Session, as_headwater_error
from headwater.run.relations import Surroundings, create_macros, define, macros_of
from headwater.run.serving import served_relation
from headwater.spec.releases import Head
from headwater.sql.text import literal, quote_relation, visible_tokens
from headwater.state.heads import read_head
from headwater.tasks.values import fills_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

DEFAULT_ENVIRONMENT = "dev"
_MOST_NAMES: Final = 5
_ABSENT: Final = re.compile(r"Catalog Error: Table with name (.+?) does not exist")


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query: an Arrow table, and the DuckDB types of its columns."""

    table: "pa.Table"
    types: Mapping[str, str]

    def arrow(self) -> "pa.Table":
        """Give a pyarrow.Table."""
        return self.table

    def polars(self) -> "pl.DataFrame":
        """Give a polars.DataFrame (needs the extra ``polars``)."""
        import polars as pl

        return pl.DataFrame(self.table)

    def pandas(self) -> "pd.DataFrame":
        """Give a pandas.DataFrame (needs the extra ``pandas``)."""
        return self.table.to_pandas()

    def rows(self) -> list[dict[str, Any]]:
        """Give Python values, one map a row."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    def __len__(self) -> int:
        return int(self.table.num_rows)


def read(workspace: Workspace, sql: str, environment: str = DEFAULT_ENVIRONMENT, *, limit: int | None = None) -> Result:
    """Run a SELECT over the tables and views that an environment serves, all as of one release."""
    with serving(workspace, environment, sql) as session:
        return _read(session, sql, limit)


def _read(session: Session, sql: str, limit: int | None) -> Result:
    _require_query(session, sql)
    relation = session.connection.sql(sql)
    if relation is None:
        raise Invalid.of("HW0561", "that is not a query", hint="give a SELECT")
    wanted = relation if limit is None else relation.limit(limit)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    return Result(wanted.to_arrow_table(), types)


def _require_query(session: Session, sql: str) -> None:
    """Refuse what could write, before it runs: a query is one SELECT (of a PIVOT, the engine makes two statements)."""
    import duckdb

    kinds = [statement.type for statement in session.connection.extract_statements(sql)]
    made = [duckdb.StatementType.CREATE] * (len(kinds) - 1)
    if kinds != [*made, duckdb.StatementType.SELECT] or (made and "pivot" not in sql.casefold()):
        raise Invalid.of("HW0561", "that is not a query", hint="give one SELECT")


def read_table(workspace: Workspace, environment: str, node: str, *, limit: int | None = None) -> Result:
    """Read one table or view whole, as an environment serves it."""
    return read(workspace, f"SELECT * FROM {quote_relation(node)}", environment, limit=limit)


@contextmanager
def serving(workspace: Workspace, environment: str, sql: str) -> Iterator[Session]:
    """Open a session in which every served node that a query names is defined, by files that nobody changes.

    What the engine has against a query in it is raised in the user's words.
    """
    head = read_head(workspace.db, environment)
    graph = released_graph(workspace.db, environment, head.code)
    names = _named(graph, "\n".join([sql, *macros_of(graph, [sql])]))
    relations = [served_relation(graph, head, Input(node=name, columns=("*",))) for name in names]
    fills = FillBook(workspace.db, workspace.store)
    fills.load(fills_of(tuple(relations)))
    around = Surroundings(graph=graph, store=workspace.store, sources={}, inspections={}, fills=fills)
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    with workspace.engine.session() as session:
        now = {"now": literal(workspace.effects.clock())}
        try:
            define(session, relations, around, now)
            create_macros(session, graph, [sql], now)
            yield session
        except Exception as problem:
            absent = _ABSENT.match(str(problem))
            if absent:
                raise _not_served(absent[1].strip('"'), graph, head) from problem
            raise as_headwater_error(problem, "the query", store=workspace.store) from problem


def _named(graph: Graph, sql: str) -> list[str]:
    """Give the served nodes that a text could mean: all whose last name part occurs in it as a word."""
    words = {token.text.strip('"').casefold() for token in visible_tokens(sql) if token.kind in {"word", "quoted"}}
    words |= {token.text.replace('""', '"').strip('"').casefold() for token in visible_tokens(sql)}
    served = [node for node in graph.nodes if node.kind in SERVED_KINDS]
    return [node.name for node in served if node.name.rpartition(".")[2].casefold() in words]


def _not_served(name: str, graph: Graph, head: Head) -> Invalid:
    """Say why a table that a query names is not there."""
    for node in graph.nodes:
        if node.kind in {"source", "inline"} and name.casefold() in {node.name, node.name.rpartition(".")[2]}:
            hint = "sources are read in place, and inline models exist only inside others: query a model"
            return Invalid.of("HW0562", f"`{node.name}` is {_kind(node.kind)} and is not served", hint=hint)
    served = [node.name for node in graph.nodes if node.kind in SERVED_KINDS]
    return _unserved(name, [each for each in served if each in head.nodes], head)


def _unserved(name: str, served: Sequence[str], head: Head) -> Invalid:
    some = ", ".join(served[:_MOST_NAMES]) + (", …" if len(served) > _MOST_NAMES else "")
    hint = suggest(name, served) or f"it serves {some or 'none'}"
    return Invalid.of("HW0563", f"`{head.environment}` serves no table `{name}`", hint=hint)


def _kind(kind: str) -> str:
    return {"source": "a source", "inline": "an inline model"}[kind]


def require_served(graph: Graph, head: Head, name: str) -> None:
    """Raise Invalid with a suggestion if an environment serves no node of that name."""
    served = [node.name for node in graph.nodes if node.kind in SERVED_KINDS and node.name in head.nodes]
    if name not in served:
        raise _unserved(name, served, head)


@dataclass(frozen=True, slots=True)
class Project:
    """A project opened for reading from Python.

    >>> Project.load("/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    headwater.diagnostics.errors.Invalid: there is no `headwater.yaml` in ...
    """

    root: Path

    @classmethod
    def load(cls, path: str | Path = ".") -> "Project":
        """Find the project that a directory belongs to."""
        return cls(find_root(Path(path).absolute()))

    def query(self, sql: str, *, env: str = DEFAULT_ENVIRONMENT) -> Result:
        """Run a SELECT over what an environment serves."""
        with open_workspace(self.root, effects=Effects()) as workspace:
            require_environment(workspace, env)
            return read(workspace, sql, env)

    def table(self, env: str, node: str) -> Result:
        """Read one table or view of an environment whole."""
        with open_workspace(self.root, effects=Effects()) as workspace:
            require_environment(workspace, env)
            head = read_head(workspace.db, env)
            require_served(released_graph(workspace.db, env, head.code), head, node)
            return read_table(workspace, env, node)


def query(sql: str, *, env: str = DEFAULT_ENVIRONMENT, project: str | Path = ".") -> Result:
    """Run a SELECT over what an environment of a project serves; see ``Result``."""
    return Project.load(project).query(sql, env=env)


def table(env: str, node: str, *, project: str | Path = ".") -> Result:
    """Read one table or view of an environment whole; see ``Result``."""
    return Project.load(project).table(env, node)
