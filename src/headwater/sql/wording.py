"""Expressions of a resolved tree as SQL: whatever a term does not say completely is unclear, never guessed."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from headwater.sql import functions
from headwater.sql.literals import constant, is_nothing, type_name
from headwater.sql.text import NOW_LIKE, NOW_WORDS, quote_identifier
from headwater.sql.tree import Expr, Nested, Parameter, Query, Ref, Term, Unclear

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_PARAMETER: Final = re.compile(r"\w+")
_COLLATION: Final = re.compile(r"\w+(\.\w+)*")
_BINARY: Final = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from", "and", "or"},
)
_POSTFIX: Final = frozenset({"is null", "is not null"})
_CALLS: Final = frozenset({"coalesce", "nullif", "try", "grouping"})
_PREFIX: Final = frozenset({"-", "+", "@", "~"})
_KEYWORDS: Final = functions.words("left map nullif overlay position row right struct substring trim")
"""Functions that the grammar reads in a way of its own, unless their names are quoted."""
_MODIFIERS: Final = frozenset({"filter", "order"})
_FRAME_ENDS: Final = {
    "unbounded_preceding": ("", "UNBOUNDED PRECEDING"),
    "unbounded_following": ("", "UNBOUNDED FOLLOWING"),
    **{f"current_row_{unit}": (unit, "CURRENT ROW") for unit in ("rows", "range", "groups")},
    **{
        f"expr_{side}_{unit}": (unit, f"{{}} {side.upper()}")
        for side in ("preceding", "following")
        for unit in ("rows", "range", "groups")
    },
}
_USUAL_FRAME: Final = ("unbounded_preceding", "current_row_range", "no_other")
_EXCLUDED: Final = {
    "no_other": "",
    "current_row": " EXCLUDE CURRENT ROW",
    "group": " EXCLUDE GROUP",
    "ties": " EXCLUDE TIES",
}
_DIRECTIONS: Final = {"order_default": "", "ascending": " ASC", "descending": " DESC"}
_NULLS: Final = {"order_default": "", "nulls first": " NULLS FIRST", "nulls last": " NULLS LAST"}


def render_expr(expr: Expr, ref: Callable[[Ref], str], nested: Callable[[Query], str] | None = None) -> str:
    """Give an expression as SQL, in parentheses where it has parts.

    ``ref`` writes a column and ``nested`` a subquery without its parentheses (None: there may be none).
    Raises Unclear where the tree does not hold enough to write it.
    """
    return Wording(ref, nested).expr(expr)


def direction(kind: str) -> str:
    """Give what stands behind an item of ORDER BY, from the kind of its term."""
    word, _, nulls = kind.partition(" ")
    if word not in _DIRECTIONS or nulls not in _NULLS:
        raise Unclear(f"the order {kind}")
    return _DIRECTIONS[word] + _NULLS[nulls]


class Wording:
    """Writes expressions in one scope."""

    def __init__(
        self,
        ref: Callable[[Ref], str],
        nested: Callable[[Query], str] | None = None,
        row: Callable[[Term], str] | None = None,
    ) -> None:
        self._ref = ref
        self._nested = nested
        self._row = row
        self._lambdas = 0

    def expr(self, expr: Expr) -> str:
        """Give an expression as SQL."""
        match expr:
            case Ref():
                return self._ref(expr)
            case Parameter():
                return _parameter(expr)
            case Nested():
                return self._subquery(expr)
            case Term():
                return self._term(expr)

    def all(self, exprs: Iterable[Expr]) -> str:
        """Give several, with commas between them."""
        return ", ".join(map(self.expr, exprs))

    def order(self, items: Iterable[Term]) -> str:
        """Give items of ORDER BY inside a function."""
        return ", ".join(f"{self.expr(_only(item))}{direction(item.kind)}" for item in items)

    def _term(self, term: Term) -> str:
        head, colon, rest = term.kind.partition(":")
        if colon and head in self._WITH_TEXT:
            return self._WITH_TEXT[head](self, rest, term.parts)
        parts = term.parts
        if term.kind in _BINARY and len(parts) > 1:
            return "(" + f" {term.kind.upper()} ".join(map(self.expr, parts)) + ")"
        if term.kind in _POSTFIX:
            return f"({self.expr(_only(term))} {term.kind.upper()})"
        if term.kind in _CALLS:
            return f"{term.kind.upper()}({self.all(parts)})"
        if head == "row" and self._row is not None:
            return self._row(term)
        if term.kind in self._SPECIAL:
            return self._SPECIAL[term.kind](self, parts)
        raise Unclear(f"cannot write `{term.kind}`")

    def _not(self, parts: tuple[Expr, ...]) -> str:
        return f"(NOT {self.all(parts)})"

    def _in(self, parts: tuple[Expr, ...]) -> str:
        return f"({self.expr(parts[0])} IN ({self.all(parts[1:])}))"

    def _not_in(self, parts: tuple[Expr, ...]) -> str:
        return f"({self.expr(parts[0])} NOT IN ({self.all(parts[1:])}))"

    def _between(self, parts: tuple[Expr, ...]) -> str:
        value, lower, upper = map(self.expr, parts)
        return f"({value} BETWEEN {lower} AND {upper})"

    def _case(self, parts: tuple[Expr, ...]) -> str:
        *branches, last = parts
        whens = [
            f"WHEN {self.expr(each.parts[0])} THEN {self.expr(each.parts[1])}"
            for each in branches
            if isinstance(each, Term) and each.kind == "when"
        ]
        if len(whens) != len(branches):
            raise Unclear("a CASE of another shape")
        return f"CASE {' '.join(whens)} ELSE {self.expr(last)} END"

    def _array(self, parts: tuple[Expr, ...]) -> str:
        return f"ARRAY[{self.all(parts)}]"

    def _element(self, parts: tuple[Expr, ...]) -> str:
        value, at = map(self.expr, parts)
        return f"({value})[{at}]"

    def _slice(self, parts: tuple[Expr, ...]) -> str:
        value, *bounds = parts
        texts = ["" if _is_open(each) else self.expr(each) for each in bounds]
        if len(texts) == 3 and not texts[1]:  # noqa: PLR2004 - with a step
            texts[1] = "-"
        return f"({self.expr(value)})[{' : '.join(texts)}]"

    _SPECIAL: Final[Mapping[str, Callable[["Wording", tuple[Expr, ...]], str]]] = {
        "not": _not,
        "in": _in,
        "not in": _not_in,
        "between": _between,
        "case": _case,
        "array": _array,
        "element": _element,
        "slice": _slice,
    }

    def _constant(self, text: str, _: tuple[Expr, ...]) -> str:
        return constant(json.loads(text))

    def _cast(self, text: str, parts: tuple[Expr, ...]) -> str:
        return f"CAST({self.all(parts)} AS {type_name(json.loads(text))})"

    def _try_cast(self, text: str, parts: tuple[Expr, ...]) -> str:
        return f"TRY_CAST({self.all(parts)} AS {type_name(json.loads(text))})"

    def _collate(self, text: str, parts: tuple[Expr, ...]) -> str:
        if not _COLLATION.fullmatch(text):
            raise Unclear(f"the collation {text}")
        return f"({self.all(parts)} COLLATE {text})"

    def _field(self, text: str, parts: tuple[Expr, ...]) -> str:
        return f"{self.expr(_path(parts[0]))}.{quote_identifier(text)}"

    def _named(self, text: str, parts: tuple[Expr, ...]) -> str:
        return f"{quote_identifier(text)} := {self.all(parts)}"

    def _lambda(self, text: str, parts: tuple[Expr, ...]) -> str:
        names = ", ".join(f"p{self._lambdas}_{at}" for at in range(int(text)))
        self._lambdas += 1
        try:
            return f"lambda {names}: {self.all(parts)}"
        finally:
            self._lambdas -= 1

    def _lambda_parameter(self, text: str, _: tuple[Expr, ...]) -> str:
        return f"p{text.replace('.', '_')}"

    def _now(self, text: str, _: tuple[Expr, ...]) -> str:
        if text not in NOW_LIKE:
            raise Unclear(f"the time {text}")
        return text if text in NOW_WORDS else f"{text}()"

    def _function(self, name: str, parts: tuple[Expr, ...]) -> str:
        if name not in functions.OPERATORS:
            return f"{_function_name(name)}({self.all(parts)})"
        if len(parts) == 2:  # noqa: PLR2004 - infix
            return f"({self.expr(parts[0])} {name} {self.expr(parts[1])})"
        if len(parts) == 1 and name in _PREFIX:
            return f"({name} {self.expr(parts[0])})"
        raise Unclear(f"the operator {name}")

    def _aggregate(self, name: str, parts: tuple[Expr, ...]) -> str:
        arguments = [part for part in parts if not (isinstance(part, Term) and part.kind in _MODIFIERS)]
        modifiers = {part.kind: part.parts for part in parts if isinstance(part, Term) and part.kind in _MODIFIERS}
        distinct = "DISTINCT " if name.endswith("!") else ""
        name = name.removesuffix("!")
        inside = "*" if name == "count_star" else self.all(arguments)
        name = "count" if name == "count_star" else _function_name(name)
        order = f" ORDER BY {self.order(_terms(modifiers['order']))}" if "order" in modifiers else ""
        filtered = f" FILTER (WHERE {self.all(modifiers['filter'])})" if "filter" in modifiers else ""
        return f"{name}({distinct}{inside}{order}){filtered}"

    def _window(self, text: str, parts: tuple[Expr, ...]) -> str:
        name, ignores, distinct, start, end, excluded = text.split(" ")
        found = {part.kind: part.parts for part in parts if isinstance(part, Term)}
        values = [*found["arguments"], *found.get("offset", ()), *found.get("default", ())]
        inside = "*" if name == "count" and not values else self.all(values)
        if distinct == "true":
            inside = f"DISTINCT {inside}"
        if found["argument order"]:
            inside += f" ORDER BY {self.order(_terms(found['argument order']))}"
        if ignores == "true":
            inside += " IGNORE NULLS"
        filtered = f" FILTER (WHERE {self.all(found['filter'])})" if "filter" in found else ""
        over = [
            *([f"PARTITION BY {self.all(found['partition'])}"] if found["partition"] else []),
            *([f"ORDER BY {self.order(_terms(found['order']))}"] if found["order"] else []),
            *self._frame((start, end, excluded), found),
        ]
        return f"{_function_name(name)}({inside}){filtered} OVER ({' '.join(over)})"

    def _frame(self, frame: tuple[str, str, str], found: Mapping[str, tuple[Expr, ...]]) -> list[str]:
        if frame == _USUAL_FRAME:
            return []
        start, end, excluded = frame
        if start not in _FRAME_ENDS or end not in _FRAME_ENDS or excluded not in _EXCLUDED:
            raise Unclear("a frame of another shape")
        (first, start_text), (second, end_text) = _FRAME_ENDS[start], _FRAME_ENDS[end]
        units = {unit for unit in (first, second) if unit} or {"range"}
        if len(units) != 1:
            raise Unclear("a frame in two units")
        from_, to = (self.all(found.get(word, ())) for word in ("from", "to"))
        bounds = f"BETWEEN {start_text.format(from_)} AND {end_text.format(to)}"
        return [f"{units.pop().upper()} {bounds}{_EXCLUDED[excluded]}"]

    _WITH_TEXT: Final[Mapping[str, Callable[["Wording", str, tuple[Expr, ...]], str]]] = {
        "constant": _constant,
        "cast": _cast,
        "try cast": _try_cast,
        "collate": _collate,
        "field": _field,
        "named": _named,
        "now": _now,
        "lambda": _lambda,
        "parameter": _lambda_parameter,
        "function": _function,
        "aggregate": _aggregate,
        "window": _window,
    }

    def _subquery(self, nested: Nested) -> str:
        if self._nested is None:
            raise Unclear("a subquery")
        inner = f"({self._nested(nested.query)})"
        kind, _, comparison = nested.kind.partition(" ")
        if nested.kind == "exists":
            return f"EXISTS {inner}"
        if nested.kind == "scalar":
            return inner
        if kind == "any" and comparison in _BINARY:
            return f"({self.all(nested.parts)} {comparison.upper()} ANY {inner})"
        raise Unclear(f"a subquery of kind {nested.kind}")


def _parameter(parameter: Parameter) -> str:
    if not _PARAMETER.fullmatch(parameter.name):
        raise Unclear("a parameter of another shape")
    return f"${parameter.name}"


def _function_name(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in _KEYWORDS else quote_identifier(name)


def _only(term: Term) -> Expr:
    if len(term.parts) != 1:
        raise Unclear(f"`{term.kind}` of several")
    return term.parts[0]


def _terms(parts: Iterable[Expr]) -> list[Term]:
    return [part for part in parts if isinstance(part, Term)]


def _is_open(expr: Expr) -> bool:
    if not isinstance(expr, Term) or not expr.kind.startswith("constant:"):
        return False
    found: dict[str, Any] = json.loads(expr.kind.removeprefix("constant:"))
    return is_nothing(found)


def _path(expr: Expr) -> Expr:
    """A column, or a field of one: only these may stand before a dot."""
    if isinstance(expr, Ref) or (isinstance(expr, Term) and expr.kind.startswith("field:")):
        return expr
    raise Unclear("a field of something that is not a column")
