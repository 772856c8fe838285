"""A resolved query rebuilt with some of its parts replaced; what was shared before is shared afterwards."""

from dataclasses import replace
from typing import Any

from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Limits,
    Nested,
    Output,
    Query,
    Ref,
    Select,
    SetOperation,
    Source,
    Table,
    Term,
    Tree,
)


class Rebuilding:
    """Copies a query; subclasses say what becomes of tables, joins, terms and SELECTs. What was one stays one."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, Any]] = {}
        """By the identity of what was rebuilt, which is kept so that nothing else gets its identity."""

    def query(self, query: Query) -> Query:
        """Rebuild a query."""
        if id(query) not in self._done:
            made = self.select(query) if isinstance(query, Select) else self._set_operation(query)
            self._done[id(query)] = (query, made)
        made = self._done[id(query)][1]
        return made if isinstance(made, Select | SetOperation) else query

    def expr(self, expr: Expr) -> Expr:
        """Rebuild an expression."""
        if id(expr) not in self._done:
            self._done[id(expr)] = (expr, self._expr(expr))
        made: Expr = self._done[id(expr)][1]
        return made

    def source(self, source: Source) -> Source:
        """Rebuild what stands in FROM."""
        if id(source) not in self._done:
            self._done[id(source)] = (source, self._source(source))
        made: Source = self._done[id(source)][1]
        return made

    def table(self, table: Table) -> Source:
        """Say what stands where a table stood."""
        return table

    def term(self, term: Term) -> Expr:
        """Say what stands where a term stood, whose parts are new already."""
        return term

    def join(self, join: Join) -> Join:
        """Say what stands where a join stood, whose parts are new already."""
        return join

    def select(self, select: Select) -> Select:
        """Rebuild a SELECT."""
        return Select(
            tree=self._tree(select.tree),
            outputs=tuple(Output(each.name, self.expr(each.value)) for each in select.outputs),
            where=self._optional(select.where),
            groups=self._all(select.groups),
            group_sets=select.group_sets,
            having=self._optional(select.having),
            qualify=self._optional(select.qualify),
            aggregated=select.aggregated,
            unnests=self._all(select.unnests),
            sample=select.sample,
            limits=self._limits(select.limits),
        )

    def _set_operation(self, query: SetOperation) -> SetOperation:
        left, right = self.query(query.left), self.query(query.right)
        return SetOperation(query.kind, left, right, self._limits(query.limits))

    def _limits(self, limits: Limits) -> Limits:
        return replace(
            limits,
            on=self._all(limits.on),
            order=tuple(Term(each.kind, self._all(each.parts)) for each in limits.order),
            limit=tuple(Term(each.kind, self._all(each.parts)) for each in limits.limit),
        )

    def _optional(self, expr: Expr | None) -> Expr | None:
        return None if expr is None else self.expr(expr)

    def _all(self, exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(self.expr(each) for each in exprs)

    def _tree(self, tree: Tree | None) -> Tree | None:
        match tree:
            case None:
                return None
            case Leaf():
                return Leaf(tree.position, self.source(tree.source), tree.sample)
            case Join():
                using = tuple((self.expr(a), self.expr(b)) for a, b in tree.using)
                left, right = self._tree(tree.left), self._tree(tree.right)
                return self.join(
                    replace(
                        tree,
                        left=left or tree.left,
                        right=right or tree.right,
                        condition=self._optional(tree.condition),
                        using=using,
                    )
                )

    def _source(self, source: Source) -> Source:
        match source:
            case Table():
                return self.table(source)
            case Derived():
                return Derived(self.query(source.query), source.columns)
            case Generated():
                cells = tuple(self.expr(cell) for cell in source.cells)
                return Generated(self.expr(source.rows), cells, source.columns)

    def _expr(self, expr: Expr) -> Expr:
        match expr:
            case Ref():
                return replace(expr, source=self.source(expr.source))
            case Term():
                return self.term(Term(expr.kind, self._all(expr.parts)))
            case Nested():
                return Nested(expr.kind, self.query(expr.query), self._all(expr.parts))
            case _:
                return expr
