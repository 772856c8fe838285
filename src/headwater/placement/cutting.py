"""Which columns of a part of a query are needed elsewhere: what must be sent of it, and no more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from headwater.placement.making import ONE
from headwater.placement.rewriting import key
from headwater.sql.functions import words
from headwater.sql.traversal import expressions
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Nested,
    Output,
    Query,
    Ref,
    Select,
    SetOperation,
    Term,
    leaves,
)

_SMALL_FUNCTIONS: Final = words(
    """
    substring substr left right length lower upper year month day date_part date_trunc
    """
)
_COMPARISONS: Final = frozenset({"=", "<>", "<", "<=", ">", ">=", "in", "not in", "between", "not between"})
_SMALL: Final = (
    frozenset(f"function:{name}" for name in _SMALL_FUNCTIONS)
    | _COMPARISONS
    | frozenset({"is null", "is not null", "and", "or", "not"})
)
"""What can be computed of any row without failing, and is not larger than what it is computed of."""


@dataclass(slots=True)
class Needs:
    """The expressions over some sources of a block that the rest of the block needs."""

    positions: frozenset[int]
    refs: dict[tuple[object, ...], Expr] = field(default_factory=dict)
    computed: dict[tuple[object, ...], Expr] = field(default_factory=dict)

    def look(self, expr: Expr, depth: int = 0) -> None:
        """Find what an expression of the block (or of one nested ``depth`` further in) needs."""
        if depth == 0 and self._is_small(expr):
            self.computed[key(expr)] = expr
            return
        if isinstance(expr, Ref):
            if expr.depth == depth and expr.position in self.positions:
                self.refs[key(expr, depth)] = Ref(0, expr.position, expr.source, expr.index)
        elif isinstance(expr, Term | Nested):
            for part in expr.parts:
                self.look(part, depth)
            if isinstance(expr, Nested):
                self.query(expr.query, depth + 1)

    def query(self, query: Query, depth: int) -> None:
        """Find what a query nested in the block needs."""
        if isinstance(query, SetOperation):
            self.query(query.left, depth)
            self.query(query.right, depth)
            return
        for expr in expressions(query):
            self.look(expr, depth)
        self.sources(query, depth)

    def sources(self, select: Select, depth: int) -> None:
        """Find what the sources of a block need of those on their left."""
        for leaf in leaves(select.tree):
            if isinstance(leaf.source, Derived):
                self.query(leaf.source.query, depth + 1)
            elif isinstance(leaf.source, Generated):
                self.look(leaf.source.rows, depth)

    def _is_small(self, expr: Expr) -> bool:
        if not isinstance(expr, Term) or expr.kind not in _SMALL:
            return False
        refs = list(_plain_refs(expr))
        return bool(refs) and all(ref is not None and ref.depth == 0 and ref.position in self.positions for ref in refs)

    def found(self) -> dict[tuple[object, ...], Expr]:
        """Give all that is sent: computed values only where they spare a column."""
        refs = dict(self.refs)
        kept: dict[tuple[object, ...], Expr] = {}
        for known, expr in self.computed.items():
            parts = {key(ref): ref for ref in _plain_refs(expr) if ref is not None}
            if parts.keys() - refs.keys():
                kept[known] = expr
        spared = {
            known for expr in kept.values() for ref in _plain_refs(expr) if ref is not None for known in (key(ref),)
        }
        if len(kept) > len(spared):
            refs |= {key(ref): ref for expr in kept.values() for ref in _plain_refs(expr) if ref is not None}
            kept = {}
        return {**refs, **kept}


def _plain_refs(expr: Expr) -> Iterator[Ref | None]:
    """The columns in an expression made of nothing but columns, constants and small functions; None: of more."""
    if isinstance(expr, Ref):
        yield expr
    elif isinstance(expr, Term) and (expr.kind in _SMALL or expr.kind.startswith("constant:")):
        for part in expr.parts:
            yield from _plain_refs(part)
    else:
        yield None


def outputs_of(exprs: Iterable[Expr]) -> tuple[Output, ...]:
    """Give expressions as output columns, each with a name of its own that says what it is."""
    taken: set[str] = set()
    outputs: list[Output] = []
    for at, expr in enumerate(exprs):
        name = wanted = label(expr) or f"c{at}"
        while name.casefold() in taken:
            name = f"{wanted}_{at}"
            wanted = name
        taken.add(name.casefold())
        outputs.append(Output(name, expr))
    return tuple(outputs) or (Output("one", ONE),)


def label(expr: Expr) -> str | None:
    """Give the name of the column that an expression is, if it has one."""
    if not isinstance(expr, Ref):
        return None
    name = expr.source.columns[expr.index]
    return None if name.startswith("\0") else name
