"""What stands in FROM, from DuckDB's own parse (JSON) to a resolved tree: tables, subqueries, generators, joins."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from headwater.sql.expressions import Expressions, Json, check_keys
from headwater.sql.functions import words
from headwater.sql.scopes import Named, Scope
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Query,
    Ref,
    Source,
    Table,
    Term,
    Tree,
    Unclear,
    leaves,
)

Ctes = Mapping[str, tuple[Query, tuple[str, ...]]]
"""Common table expressions by folded name: the query and the names it gives to its columns."""
Relation = tuple[tuple[str, str], ...]

_TABLE: Final = [
    "type",
    "alias",
    "sample",
    "query_location",
    "schema_name",
    "table_name",
    "column_name_alias",
    "catalog_name",
    "at_clause",
]
_SUBQUERY: Final = words(
    """
    type alias sample query_location subquery column_name_alias
    """
)
_FUNCTION: Final = words(
    """
    type alias sample query_location function column_name_alias with_ordinality
    """
)
_VALUES: Final = words(
    """
    type alias sample query_location values expected_names expected_types
    """
)
_JOIN: Final = [
    "type",
    "alias",
    "sample",
    "query_location",
    "left",
    "right",
    "condition",
    "join_type",
    "ref_type",
    "using_columns",
    "delim_flipped",
    "duplicate_eliminated_columns",
]
_PRECISE_GENERATORS: Final = frozenset({"range", "generate_series", "unnest"})
_ONE_SIDED: Final = frozenset({"semi", "anti"})


class Relations:
    """Reads FROM into a scope; sources that stand further left are known to those on their right (LATERAL)."""

    def __init__(
        self,
        nodes: Mapping[str, tuple[str, Relation]],
        scope: Scope,
        ctes: Ctes,
        read_query: Callable[[Json, Scope | None, Ctes], Query],
    ) -> None:
        self._nodes = nodes
        self._scope = scope
        self._ctes = ctes
        self._read_query = read_query
        self._stars: list[tuple[str, Expr]] = []
        self._expressions = Expressions(scope, lambda inner, around: read_query(inner, around, ctes))

    def tree(self, node: Json) -> Tree | None:
        """Read a FROM clause."""
        if node["type"] == "EMPTY":
            return None
        tree, self._stars = self._read(node)
        return tree

    def star(self, qualifier: str) -> list[tuple[str, Expr]]:
        """Give the columns of ``*``, or of ``qualifier.*``, in order."""
        if not qualifier:
            return self._stars
        found = [each for each in self._scope.sources if each.alias == qualifier]
        if len(found) != 1:
            raise Unclear(f"`{qualifier}.*`")
        return _columns(found[0])

    def _read(self, node: Json) -> tuple[Tree, list[tuple[str, Expr]]]:
        kind = node["type"]
        if kind == "JOIN":
            return self._join(node)
        reader = {
            "BASE_TABLE": self._table,
            "SUBQUERY": self._subquery,
            "TABLE_FUNCTION": self._generator,
            "EXPRESSION_LIST": self._values,
        }.get(kind)
        if reader is None:
            raise Unclear(f"{kind} in FROM")
        named = reader(node)
        self._scope.sources.append(named)
        return Leaf(named.position, named.source, str(node["sample"] or "")), _columns(named)

    def _named(self, source: Source, alias: str, qualified: tuple[str, ...] = ()) -> Named:
        return Named(len(self._scope.sources), source, alias.casefold(), qualified)

    def _table(self, node: Json) -> Named:
        check_keys(node, _TABLE)
        if node["catalog_name"] or node["at_clause"]:
            raise Unclear("a table of another catalogue or time")
        schema, name = node["schema_name"].casefold(), node["table_name"].casefold()
        if not schema and name in self._ctes:
            query, aliases = self._ctes[name]
            return self._named(_derived(query, aliases, node["column_name_alias"]), node["alias"] or name)
        found = self._nodes.get(f"{schema}.{name}" if schema else name)
        if found is None:
            raise Unclear(f"the table {name}")
        own = tuple(column for column, _ in found[1])
        table = Table(found[0], _renamed(own, node["column_name_alias"]), own)
        qualified = () if node["alias"] else (schema or "main", name)
        return self._named(table, node["alias"] or name, qualified)

    def _subquery(self, node: Json) -> Named:
        check_keys(node, _SUBQUERY)
        query = self._read_query(node["subquery"]["node"], self._scope, self._ctes)
        return self._named(_derived(query, (), node["column_name_alias"]), node["alias"])

    def _generator(self, node: Json) -> Named:
        check_keys(node, _FUNCTION)
        name = str(node["function"]["function_name"]).lower()
        if name not in _PRECISE_GENERATORS or node["with_ordinality"] != "WITHOUT_ORDINALITY":
            raise Unclear(f"the table function {name}")
        rows = Term(f"rows:{name}", self._expressions.read_all(node["function"]["children"]))
        if name == "unnest" and len(rows.parts) != 1:
            raise Unclear("unnest with options")
        return self._named(
            Generated(rows, (rows,), _renamed((name,), node["column_name_alias"])), node["alias"] or name
        )

    def _values(self, node: Json) -> Named:
        check_keys(node, _VALUES)
        rows = [self._expressions.read_all(row) for row in node["values"]]
        names = tuple(node["expected_names"]) or tuple(f"col{at}" for at in range(len(rows[0])))
        cells = tuple(Term("cells", column) for column in zip(*rows, strict=True))
        return self._named(Generated(Term(f"values:{len(rows)}", cells), cells, names), node["alias"])

    def _join(self, node: Json) -> tuple[Tree, list[tuple[str, Expr]]]:
        check_keys(node, _JOIN)
        if node["ref_type"] not in ("REGULAR", "CROSS", "ASOF", "POSITIONAL", "DEPENDENT"):
            raise Unclear(f"{node['ref_type']} JOIN")
        kind = node["join_type"].lower()
        left, left_star = self._read(node["left"])
        right, right_star = self._read(node["right"])
        using = self._using(kind, node["using_columns"], left, right)
        on = None if node["condition"] is None else self._expressions.read(node["condition"])
        if kind in _ONE_SIDED:
            gone = {leaf.position for leaf in leaves(right)}
            for each in self._scope.sources:
                if each.position in gone:
                    each.leave()
        tree = Join(
            f"{kind} {node['ref_type'].lower()}",
            left,
            right,
            on,
            tuple(pair for _, pair in using),
            str(node["sample"] or ""),
        )
        return tree, _joined_star(kind, left_star, right_star, {name: self._scope.merged[name] for name, _ in using})

    def _using(self, kind: str, names: Iterable[str], left: Tree, right: Tree) -> list[tuple[str, tuple[Expr, Expr]]]:
        """Merge the columns of USING: without a qualifier the name means what the join type makes of both."""
        pairs: list[tuple[str, tuple[Expr, Expr]]] = []
        for name in map(str.casefold, names):
            pair = (self._one(name, left), self._one(name, right))
            for each in self._scope.sources:
                each.hidden.add(name)
            pairs.append((name, pair))
            self._scope.merged[name] = Term(f"merged:{kind}", pair)
        return pairs

    def _one(self, name: str, tree: Tree) -> Expr:
        """The column of one side of a join; an earlier USING may have merged it already."""
        positions = {leaf.position for leaf in leaves(tree)}
        inside = [each for each in self._scope.sources if each.position in positions]
        if name in self._scope.merged and any(name in each.hidden for each in inside):
            return self._scope.merged[name]
        found = [each.ref(name) for each in inside if name in each.index]
        if len(found) != 1:
            raise Unclear(f"`{name}` in USING")
        return found[0]


def _columns(named: Named) -> list[tuple[str, Expr]]:
    return [(name, Ref(0, named.position, named.source, at)) for at, name in enumerate(named.source.columns)]


def _joined_star(
    kind: str, left: list[tuple[str, Expr]], right: list[tuple[str, Expr]], merged: Mapping[str, Expr]
) -> list[tuple[str, Expr]]:
    """``*`` over a join: merged columns once, where the left side has them."""
    kept = [(name, merged.get(name.casefold(), value)) for name, value in left]
    if kind in _ONE_SIDED:
        return kept
    return kept + [(name, value) for name, value in right if name.casefold() not in merged]


def _derived(query: Query, first: Iterable[str], second: Iterable[str]) -> Derived:
    """Names as DuckDB gives them: a second ``id`` is called ``id_1``; what has no name cannot be addressed."""
    names: list[str] = []
    taken: dict[str, int] = {}
    for at, output in enumerate(query.outputs):
        name = f"\0{at}" if output.name is None else output.name
        while name.casefold() in taken:
            taken[name.casefold()] += 1
            name = f"{name}_{taken[name.casefold()]}"
        taken[name.casefold()] = 0
        names.append(name)
    for aliases in (tuple(first), tuple(second)):
        names[: len(aliases)] = aliases
    return Derived(query, tuple(names))


def _renamed(names: tuple[str, ...], aliases: Iterable[str]) -> tuple[str, ...]:
    """``t AS u(a, b)``: the first columns get other names."""
    given = tuple(aliases)
    return given + names[len(given) :]
