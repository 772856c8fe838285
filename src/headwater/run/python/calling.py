"""Calls a Python model's function: inputs by annotation, the result checked against its columns."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.diagnostics import Invalid, Where
from headwater.graph.values import Graph, Node
from headwater.run.engine import Session
from headwater.run.linking import own_columns, with_link
from headwater.run.python.functions import load_function, raised, wanted_type
from headwater.spec.authoring import Run
from headwater.sql.text import quote_identifier, quote_relation
from headwater.tasks.values import Task

if TYPE_CHECKING:
    import duckdb

_RESULT = "hw_result"
_FAMILIES = (
    frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}),
    frozenset({"FLOAT", "DOUBLE"}),
    frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}),
)
_WHOLE = _FAMILIES[0]


def call(session: Session, task: Task, graph: Graph, folder: Path) -> str:
    """Call the function and give a SELECT of its rows; everything it does wrong is a diagnostic."""
    node = task.node
    function = _load(node, folder)
    arguments = [_argument(session, task, graph, function, name) for name in _python(node).arguments]
    try:
        result = function(*arguments)
    except BaseException as problem:
        raise _raised(node, problem, folder) from problem
    return _relation(session, node, result)


def _load(node: Node, folder: Path) -> Callable[..., Any]:
    try:
        return load_function(_python(node), folder)
    except BaseException as problem:
        raise _raised(node, problem, folder) from problem


def _argument(session: Session, task: Task, graph: Graph, function: Callable[..., Any], name: str) -> Any:
    wanted = wanted_type(function, name)
    code = _python(task.node)
    if name not in code.inputs:
        start, end = task.interval or (None, None)
        return Run(now=task.now, start=start, end=end, environment=task.environment, variables=dict(graph.variables))
    return _as(session.connection.sql(f"SELECT * FROM {quote_relation(code.inputs[name])}"), wanted)


def _as(relation: "duckdb.DuckDBPyRelation", wanted: str) -> Any:
    if wanted.startswith(("polars", "pl.")):
        return relation.pl()
    if wanted.startswith(("pandas", "pd.")):
        return relation.df()
    if wanted.endswith("DuckDBPyRelation"):
        return relation
    return relation.to_arrow_table()


def _relation(session: Session, node: Node, result: Any) -> str:
    try:
        if type(result).__name__ == "DuckDBPyRelation":
            result.create_view(_RESULT)
        else:
            session.connection.register(_RESULT, result)
        found = {row[0]: row[1] for row in session.rows(f"DESCRIBE SELECT * FROM {_RESULT}")}
    except Exception as problem:
        kind = type(result).__name__
        hint = "return a pyarrow.Table, polars.DataFrame, pandas.DataFrame or DuckDB relation"
        raise Invalid.of(
            "HW0854", f"`{node.name}` returned {kind}, which is no table", _where(node), hint=hint
        ) from problem
    own = own_columns(node)
    columns = [_column(node, column.name, column.type, found) for column in own]
    extra = [name for name in found if name not in {c.name for c in own}]
    if extra:
        raise _wrong(node, f"returned column `{extra[0]}`, which it does not declare")
    select = f"SELECT {', '.join(columns)} FROM {_RESULT}"
    return select if len(own) == len(node.columns) else with_link(node, select)


def _column(node: Node, name: str, declared: str, found: dict[str, str]) -> str:
    if name not in found:
        raise _wrong(node, f"did not return column `{name}`")
    if not _fits(found[name], declared):
        raise _wrong(node, f"returned `{name}` as {found[name]}, but declares {declared}")
    return f"CAST({quote_identifier(name)} AS {declared}) AS {quote_identifier(name)}"


def _fits(found: str, declared: str) -> bool:
    """Whether every value of one type is a value of the other, or the cast refuses those that are not."""
    if found in {declared, '"NULL"', "NULL"}:
        return True
    if found in _WHOLE and declared == "DOUBLE":
        return True
    decimals = found.startswith("DECIMAL") and declared.startswith("DECIMAL")
    return decimals or any(found in family and declared in family for family in _FAMILIES)


def _raised(node: Node, problem: BaseException, folder: Path) -> Invalid:
    hint = "mend it in the model's own code; a unit test of the model shows it without an apply"
    return raised("HW0853", node.name, problem, folder, Where(_python(node).path), hint)


def _wrong(node: Node, what: str) -> Invalid:
    return Invalid.of("HW0855", f"`{node.name}` {what}", _where(node), hint="see `columns=` of its decorator")


def _where(node: Node) -> Where:
    return Where(node.file, node.line)


def _python(node: Node) -> Any:
    assert node.python is not None  # noqa: S101 - only Python models come here
    return node.python
