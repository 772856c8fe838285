"""Whether predicates that hold for every row of a query imply a rule's ``where``: same text, or constants compared.

Predicates are kept as canonical texts (``predicate_text``). What is not understood is not implied.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.policy.constants import Constant, constant_of, is_ordered
from headwater.sql.tree import Expr, Parameter, Ref, Table, Term

_FLIPPED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_UNSURE: Final = ("volatile:", "clock:", "aggregate:", "window:", "grouping", "either", "function:unnest")
_COLUMN: Final = "column"


def predicate_text(expr: Expr) -> str | None:
    """Write a resolved predicate over the columns of one table canonically (JSON); None if that cannot be done.

    None also for what may differ from call to call, reads other rows, or has several meanings. Whoever calls it makes
    sure that all references are to the same occurrence of a table, at depth 0.
    """
    found = _plain(expr)
    return None if found is None else json.dumps(found, sort_keys=True, separators=(",", ":"))


def columns_of(text: str) -> frozenset[str]:
    """Give the columns that a predicate (canonical text) reads."""
    return frozenset(_columns(json.loads(text)))


def implies(conjuncts: Iterable[str], where: str, types: Mapping[str, str]) -> bool:
    """Whether every row for which all conjuncts are true is one for which ``where`` is true.

    All are canonical texts; ``types`` says the DuckDB types of the columns. False wherever it is not certain.
    """
    known = [part for each in conjuncts for part in _parts(json.loads(each), "and")]
    facts = _Facts(known, types)
    return facts.imply(json.loads(where))


def _plain(expr: Expr) -> list[Any] | None:
    match expr:
        case Ref(depth=0, source=Table() as table):
            return [_COLUMN, table.own[expr.index]]
        case Parameter():
            return ["parameter", expr.name]
        case Term(kind=kind) if kind.startswith("constant:"):
            return ["constant", json.loads(kind.removeprefix("constant:"))]
        case Term(kind=kind) if not kind.startswith(_UNSURE) and kind not in (_COLUMN, "parameter"):
            parts = [_plain(part) for part in expr.parts]
            return None if any(part is None for part in parts) else [kind, *parts]
        case _:
            return None


def _columns(tree: list[Any]) -> Iterator[str]:
    if tree[0] == _COLUMN:
        yield tree[1]
    elif tree[0] not in ("constant", "parameter"):
        for part in tree[1:]:
            yield from _columns(part)


def _parts(tree: list[Any], kind: str) -> Iterator[list[Any]]:
    if tree[0] == kind:
        for part in tree[1:]:
            yield from _parts(part, kind)
    else:
        yield tree


@dataclass(frozen=True, slots=True)
class _Test:
    """A comparison of a column with constants of its own kind: ``between`` has two, ``in`` any number."""

    column: str
    operator: str
    constants: tuple[Constant, ...]

    def holds(self, value: Constant) -> bool:
        """Whether it is true of a row with this value."""
        first = self.constants[0]
        match self.operator:
            case "in":
                return any(value == each for each in self.constants)
            case "not in":
                return all(value != each for each in self.constants)
            case "<" | "<=" | ">" | ">=":
                return _compared(value, self.operator, first)
            case "=":
                return value == first
            case _:
                return value != first


def _compared(one: Constant, operator: str, other: Constant) -> bool:
    low, high = (one, other) if operator in ("<", "<=") else (other, one)
    return low.value < high.value or (operator in ("<=", ">=") and low == high)


class _Facts:
    """What is known of each row: texts that are true, and tests of columns against constants that are."""

    def __init__(self, known: list[list[Any]], types: Mapping[str, str]) -> None:
        self._types = types
        self._texts = {_text(each) for each in known}
        self._tests = [test for each in known for test in _tests(each, types)]
        self._present = {name for each in known for name in _not_null(each)}

    def imply(self, where: list[Any]) -> bool:
        if _text(where) in self._texts:
            return True
        if where[0] == "and":
            return all(map(self.imply, where[1:]))
        if where[0] == "or":
            return any(map(self.imply, where[1:]))
        if where[0] == "is not null" and where[1][0] == _COLUMN:
            return where[1][1] in self._present
        tests = list(_tests(where, self._types))
        return bool(tests) and all(map(self._implies, tests))

    def _implies(self, wanted: _Test) -> bool:
        return any(_follows(wanted, each) for each in self._tests if each.column == wanted.column)


def _follows(wanted: _Test, known: _Test) -> bool:
    """Whether one true test of a column makes another one true."""
    if known.operator in ("=", "in"):
        return all(map(wanted.holds, known.constants))
    bound = known.constants[0]
    if known.operator in ("<", "<=", ">", ">="):
        return _follows_bound(wanted, known.operator, bound)
    if wanted.operator in ("<>", "not in"):
        return all(any(each == other for other in known.constants) for each in wanted.constants)
    return False


def _follows_bound(wanted: _Test, operator: str, bound: Constant) -> bool:
    """Whether ``column operator bound`` makes a test true: bounds of the same direction, and what lies outside."""
    first = wanted.constants[0]
    if wanted.operator in ("<>", "not in"):
        inside = _Test(wanted.column, operator, (bound,))
        return not any(map(inside.holds, wanted.constants))
    if wanted.operator[0] != operator[0] or wanted.operator not in ("<", "<=", ">", ">="):
        return False
    if bound == first:
        return wanted.operator == operator or len(wanted.operator) > 1
    return _compared(bound, operator[0], first)


def _tests(tree: list[Any], types: Mapping[str, str]) -> Iterator[_Test]:
    """The tests that a predicate is equal to, all together; none if it is not made of such."""
    kind, *parts = tree
    if kind == "between":
        low = list(_tests([">=", parts[0], parts[1]], types))
        high = list(_tests(["<=", parts[0], parts[2]], types))
        yield from (*low, *high) if low and high else ()
        return
    if kind in _FLIPPED and parts[0][0] != _COLUMN:
        kind, parts = _FLIPPED[kind], parts[::-1]
    if kind not in (*_FLIPPED, "in", "not in") or parts[0][0] != _COLUMN:
        return
    type_ = types.get(parts[0][1], "")
    constants = [constant_of(part, type_) for part in parts[1:]]
    if any(each is None for each in constants) or not constants:
        return
    if kind in _FLIPPED and kind not in ("=", "<>") and not is_ordered(type_):
        return
    yield _Test(parts[0][1], kind, tuple(each for each in constants if each is not None))


def _not_null(tree: list[Any]) -> Iterator[str]:
    """Columns that have a value wherever a predicate is true."""
    kind, *parts = tree
    if kind in _FLIPPED or kind == "is not null":
        yield from (part[1] for part in parts if part[0] == _COLUMN)
    elif kind in ("between", "in", "not in") and parts[0][0] == _COLUMN:
        yield parts[0][1]


def _text(tree: list[Any]) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))
