"""Predicates of rules, read over the columns of their relation, and predicates as auditors see them."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from headwater.policy.implication import predicate_text
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.outline import outline
from headwater.sql.queries import read_query
from headwater.sql.text import literal, quote_relation
from headwater.sql.traversal import selects
from headwater.sql.tree import Expr, Join, Nested, Parameter, Query, Ref, Select, Term, Tree, Unclear, walk

Json = Mapping[str, Any]
_NOW: Final = "now"
_INFIX: Final = frozenset({"=", "<>", "<", "<=", ">", ">=", "and", "or", "is distinct from", "is not distinct from"})


def read_predicate(text: str, relation: str, columns: Relation, bind: Bind) -> str | None:
    """Read a rule's ``where`` as a canonical text; None unless it is one condition on the columns, and certain.

    The only parameter that it may have is ``$now``; subqueries, aggregates and what differs from call to call may not
    stand in it.
    """
    found = _condition(f"SELECT 1 FROM {quote_relation(relation)} WHERE (\n{text}\n)", relation, columns, bind)
    if found is None or any(isinstance(part, Parameter) and part.name != _NOW for part in walk(found)):
        return None
    return predicate_text(found)


def _condition(statement: str, relation: str, columns: Relation, bind: Bind) -> Expr | None:
    node = statement_of(bind.parse(statement))
    if node is None or [each.name for each in outline(node).tables] != [relation]:
        return None
    try:
        query, _ = read_query(node, {relation.casefold(): (relation, columns)})
    except (Unclear, RecursionError):
        return None
    return query.where if isinstance(query, Select) and _is_plain(query) else None


def _is_plain(query: Select) -> bool:
    """Whether a SELECT has nothing but FROM and WHERE (a condition's text may have closed its parenthesis itself)."""
    others = (query.groups, query.group_sets, query.having, query.qualify, query.aggregated, query.unnests)
    limits = query.limits
    return not any((*others, query.sample, limits.cuts, limits.order, len(query.outputs) > 1))


def statement_of(parsed: bytes | BindError) -> Json | None:
    """Give the parse of the only statement of a text; None if it is none, or if there are several."""
    if isinstance(parsed, BindError):
        return None
    document = json.loads(parsed)
    statements = document.get("statements") or []
    if document.get("error") or len(statements) != 1:
        return None
    node: Json = statements[0]["node"]
    return node


def conditions(query: Query) -> list[str]:
    """Write all that decides which rows a query gives, with ``?`` in the place of each constant."""
    found = (written(each) for select in selects(query) for each in _deciding(select))
    return list(dict.fromkeys(found))


def _deciding(select: Select) -> Iterator[Expr]:
    yield from (each for each in (select.where, select.having, select.qualify) if each is not None)
    yield from _joined(select.tree)
    for output in select.outputs:
        for part in walk(output.value):
            if isinstance(part, Term) and part.kind == "filter":
                yield from part.parts


def _joined(tree: Tree | None) -> Iterator[Expr]:
    if not isinstance(tree, Join):
        return
    if tree.condition is not None:
        yield tree.condition
    yield from (Term("=", pair) for pair in tree.using)
    yield from _joined(tree.left)
    yield from _joined(tree.right)


def written(expr: Expr) -> str:
    """Write an expression for people, without the constants in it."""
    match expr:
        case Ref():
            return f"{getattr(expr.source, 'node', '')}.{expr.source.columns[expr.index]}".removeprefix(".")
        case Parameter():
            return f"${expr.name}"
        case Term(kind=kind) if kind.startswith(("constant:", "now:")):
            return "?" if kind.startswith("constant:") else "$now"
        case Term(kind=kind) if kind in _INFIX:
            return "(" + f" {kind} ".join(map(written, expr.parts)) + ")"
        case Term() | Nested():
            return _called(expr)


def _called(expr: Term | Nested) -> str:
    name = expr.kind.removeprefix("function:").removeprefix("aggregate:")
    if name.startswith(("cast:", "try cast:")):
        head, _, type_ = name.partition(":")
        return f"{head}({', '.join(map(written, expr.parts))} as {json.loads(type_).get('id', '?')})"
    inner = [written(part) for part in expr.parts] + (["a query"] if isinstance(expr, Nested) else [])
    return f"{name}({', '.join(inner)})"


def readable(text: str) -> str:
    """Write a canonical text (of a rule's ``where``: no secret) as people would.

    >>> readable('["=",["column","country"],["constant",{"value":"DE","type":{"id":"VARCHAR"}}]]')
    "(country = 'DE')"
    """
    return _readable(json.loads(text))


def _readable(tree: list[Any]) -> str:
    kind, *parts = tree
    if kind == "constant":
        return _constant(parts[0])
    if kind in ("parameter", "column"):
        return f"${parts[0]}" if kind == "parameter" else str(parts[0])
    if kind in _INFIX:
        return "(" + f" {kind} ".join(map(_readable, parts)) + ")"
    if kind.startswith(("cast:", "try cast:")):
        return f"CAST({_readable(parts[0])} AS {json.loads(kind.partition(':')[2]).get('id', '?')})"
    if kind in ("in", "not in"):
        return f"({_readable(parts[0])} {kind} ({', '.join(map(_readable, parts[1:]))}))"
    return f"{kind.removeprefix('function:')}({', '.join(map(_readable, parts))})"


def _constant(value: Json) -> str:
    content, info = value.get("value"), value["type"].get("type_info") or {}
    if isinstance(content, int) and "scale" in info:
        return str(Decimal(content).scaleb(-int(info["scale"])))
    return "NULL" if content is None else literal(content) if isinstance(content, str | int | float) else "…"
