"""A few rows that fail a check, for people: as JSON, with what is classified covered. They are shown, never kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from headwater.diagnostics import HeadwaterError
from headwater.graph.classes import columns_of_class, is_guarded
from headwater.graph.values import Check, Graph, Node
from headwater.run.context import FillBook
from headwater.run.engine import Engine, Session, as_headwater_error
from headwater.run.relations import Surroundings, create_macros
from headwater.run.worker import fill_select
from headwater.spec.fills import Fill
from headwater.spec.releases import Verdict
from headwater.sql.text import bind_parameters, literal, quote_identifier

_MOST_ROWS: Final = 5
_MOST_CHECKS: Final = 20
_LONGEST: Final = 500
_COVERED: Final = "'***'"


def with_examples(
    found: Sequence[Verdict], engine: Engine, around: Surroundings, fills: FillBook
) -> tuple[Verdict, ...]:
    """Add rows that fail to one failing verdict of each check on fills; checks of whole tables have theirs already."""
    checks = {(node.name, check.address): check for node in around.graph.nodes for check in node.checks}
    shown: set[tuple[str, str]] = set()
    given = []
    fills.load(verdict.subject for verdict in found)
    for verdict in found:
        at = (verdict.node, verdict.check)
        check = checks.get(at)
        if (
            check
            and check.examples
            and at not in shown
            and len(shown) < _MOST_CHECKS
            and verdict.subject in fills.found
        ):
            shown.add(at)
            rows = rows_failing(engine, around, check, fills[verdict.subject])
            given.append(replace(verdict, examples=rows))
        else:
            given.append(verdict)
    return tuple(given)


def rows_failing(engine: Engine, around: Surroundings, check: Check, fill: Fill) -> tuple[str, ...]:
    """Give a few rows of a fill that fail a check; none if they cannot be read: they are only there to help."""
    node = around.node(fill.node)
    try:
        with engine.session(node.timezone) as session:
            create_macros(session, around.graph, [check.examples], {"now": "NULL"})
            session.run(f'CREATE VIEW "this" AS {fill_select(fill, around)}')
            return sample(session, around.graph, node, check, check.examples)
    except HeadwaterError:
        return ()


def sample(session: Session, graph: Graph, node: Node, check: Check, query: str) -> tuple[str, ...]:
    """Give the first rows of a query of failing rows as JSON; raises HeadwaterError where the engine refuses."""
    values = {name: literal(value) for name, value in graph.variables.items()}
    asked = bind_parameters(query, values)
    try:
        names = [each[0] for each in session.run(f"SELECT * FROM ({asked}) AS failing LIMIT 0").description or ()]
        columns = ", ".join(_columns(names, graph, node, check))
        rows = f"SELECT {columns} FROM ({asked}) AS failing LIMIT {_MOST_ROWS}"
        found = session.rows(f"SELECT CAST(to_json(shown) AS VARCHAR) FROM ({rows}) AS shown")
    except Exception as problem:
        raise as_headwater_error(problem, f"rows that fail `{check.name}`") from problem
    return tuple(text[:_LONGEST] for (text,) in found)


def _columns(names: Iterable[str], graph: Graph, node: Node, check: Check) -> Iterator[str]:
    """Cover what is classified, and in a query of the user's own whatever could be made of it."""
    guarded = columns_of_class(graph, is_guarded)
    nodes = [each for each in graph.nodes if each.name in {node.name, *check.reads}]
    covered = {name.casefold() for each in nodes for name in guarded.get(each.name, ())}
    plain = {column.name.casefold() for each in nodes for column in each.columns} - covered
    is_strict = bool(covered) and check.kind == "query"
    for name in names:
        is_shown = name.casefold() in plain if is_strict else name.casefold() not in covered
        yield quote_identifier(name) if is_shown else f"{_COVERED} AS {quote_identifier(name)}"
