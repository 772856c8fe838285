"""The ways that a row can take through a SELECT: conditions true, false or NULL, branches of CASE and the like."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.sql.outline import Json
from headwater.sql.provenance import all_of, constant, has_aggregate, has_window, operator, within

Render = Callable[[Json], str]
"""Give an expression as SQL."""
_BOUNDS: Final = frozenset({"start", "end"})
_LONGEST: Final = 60
_JUDGING: Final = frozenset({"COMPARISON", "CONJUNCTION", "BETWEEN"})
_JUDGEMENTS: Final = frozenset(
    ("OPERATOR", kind)
    for kind in ("OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "COMPARE_IN", "COMPARE_NOT_IN")
)


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One way: its name for people, its place in the query (bytes), and the condition under which a row takes it."""

    name: str
    offset: int
    condition: dict[str, Any]
    about: Json | None = None
    """The expression that decides."""
    is_optional: bool = False
    """Taken where data does; not missed where it does not."""
    instead: str = ""
    """The name of the stricter way that this one stands in for where no row takes that."""


def true(node: Any) -> dict[str, Any]:
    """Whether a condition is true (not false, not NULL)."""
    return operator("OPERATOR_COALESCE", node, constant(False))


def false(node: Any) -> dict[str, Any]:
    """Whether a condition is false (not NULL)."""
    return true(operator("OPERATOR_NOT", node))


def null(node: Any) -> dict[str, Any]:
    """Whether an expression is NULL."""
    return operator("OPERATOR_IS_NULL", node)


def untrue(node: Any) -> dict[str, Any]:
    """Whether a condition is false or NULL."""
    return operator("OPERATOR_NOT", true(node))


def conjuncts(node: Any) -> list[dict[str, Any]]:
    """Give the parts of a condition that must all be true."""
    if node is None:
        return []
    if node["type"] != "CONJUNCTION_AND":
        return [node]
    return [part for child in node["children"] for part in conjuncts(child)]


def is_bound(node: Any) -> bool:
    """Whether a condition cuts time by the slot: it is true of every row that a slot sees."""
    return any(each.get("class") == "PARAMETER" and str(each["identifier"]).lower() in _BOUNDS for each in within(node))


def predicates(clause: str, condition: Any, render: Render) -> Iterator[Branch]:
    """Each part of WHERE, HAVING or QUALIFY false or NULL while the others are true; each part of an OR alone."""
    parts = conjuncts(condition)
    for at, part in enumerate(parts):
        if is_bound(part):
            continue
        others = [true(each) for i, each in enumerate(parts) if i != at]
        text, offset = shown(part, render), place(part)
        for word, judge in (("false", false), ("NULL", null)):
            name, is_null = f"{clause} {text} is {word}", word == "NULL"
            yield Branch(name, offset, all_of([judge(part), *others]), part, is_null)
            if others:
                yield Branch(f"{name}, and something else", offset, judge(part), part, is_optional=True, instead=name)
        if part["type"] == "CONJUNCTION_OR":
            yield from _alternatives(clause, part["children"], others, render)


def _alternatives(
    clause: str, choices: Sequence[Any], others: list[dict[str, Any]], render: Render
) -> Iterator[Branch]:
    for at, choice in enumerate(choices):
        rest = [untrue(each) for i, each in enumerate(choices) if i != at]
        name = f"{clause} {shown(choice, render)} alone is true"
        yield Branch(name, place(choice), all_of([true(choice), *rest, *others]), choice, is_optional=True)


def choices(node: Any, guard: dict[str, Any], render: Render, fits: Callable[[Json], bool]) -> Iterator[Branch]:
    """Each branch of the CASEs, the COALESCEs and the FILTERs in an expression for which ``fits``."""
    for each in _outside_lambdas(node):
        kind = each.get("class")
        if kind == "CASE" and fits(each):
            yield from _cases(each, guard, render)
        elif kind == "OPERATOR" and each["type"] == "OPERATOR_COALESCE" and fits(each):
            yield from _fallbacks(each, guard, render)
        elif kind == "FUNCTION" and each.get("filter") and fits(each["filter"]):
            text, offset = shown(each["filter"], render), place(each["filter"])
            for word, judge in (("true", true), ("not true", untrue)):
                condition = all_of([judge(each["filter"]), guard])
                yield Branch(f"FILTER {text} is {word}", offset, condition, each["filter"])


def _outside_lambdas(node: Any) -> Iterator[Json]:
    if isinstance(node, dict) and node.get("class") != "LAMBDA":
        yield node
        for key, value in node.items():
            if key != "subquery":
                yield from _outside_lambdas(value)
    elif isinstance(node, list):
        for each in node:
            yield from _outside_lambdas(each)


def _cases(node: Json, guard: dict[str, Any], render: Render) -> Iterator[Branch]:
    before: list[dict[str, Any]] = []
    for check in node["case_checks"]:
        when = check["when_expr"]
        yield Branch(f"WHEN {shown(when, render)}", place(when), all_of([true(when), *before, guard]), when)
        before.append(untrue(when))
    otherwise = node["else_expr"]
    is_written = otherwise.get("class") != "CONSTANT" or not otherwise["value"]["is_null"]
    about = node["case_checks"][-1]["when_expr"]
    yield Branch("ELSE", place(otherwise if is_written else node), all_of([*before, guard]), about)


def _fallbacks(node: Json, guard: dict[str, Any], render: Render) -> Iterator[Branch]:
    before: list[dict[str, Any]] = []
    for at, child in enumerate(node["children"]):
        is_last = at == len(node["children"]) - 1
        condition = all_of([*before, guard] if is_last else [operator("OPERATOR_NOT", null(child)), *before, guard])
        about = node["children"][max(0, at - 1)] if is_last else child
        yield Branch(f"COALESCE takes {shown(child, render)}", place(node), condition, about)
        before.append(null(child))


def judgements(outputs: Sequence[Any], guard: dict[str, Any], render: Render) -> Iterator[Branch]:
    """Outputs that are a condition: true and not true."""
    for each in outputs:
        is_one = each["class"] in _JUDGING or (each["class"], each["type"]) in _JUDGEMENTS
        if is_one and is_of_row(each):
            for word, judge in (("true", true), ("not true", untrue)):
                condition = all_of([judge(each), guard])
                yield Branch(f"{shown(each, render)} is {word}", place(each), condition, each, is_optional=True)


def is_of_row(node: Json) -> bool:
    """Whether an expression can be evaluated on one row, before anything is folded."""
    return not has_aggregate(node) and not has_window(node)


def is_of_group(node: Json) -> bool:
    """Whether an expression is about a group of rows."""
    return has_aggregate(node) and not has_window(node)


def shown(node: Json, render: Render) -> str:
    """Give an expression as a person would write it, on one line, not too long."""
    text = " ".join(render(node).split())
    while text.startswith("(") and _closes_at_end(text):
        text = text[1:-1]
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`"


def _closes_at_end(text: str) -> bool:
    depth = 0
    for at, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return at == len(text) - 1
    return False


def place(node: Any) -> int:
    """Where an expression begins, in bytes: the first place that any of its parts has."""
    found = [each["query_location"] for each in within(node) if 0 < each.get("query_location", 0) < 1 << 62]
    return min(found, default=0)
