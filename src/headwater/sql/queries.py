"""Queries, from DuckDB's own parse (JSON) to resolved trees: FROM, common table expressions, stars, groups, limits."""

from collections.abc import Mapping
from typing import Final

from headwater.sql.expressions import Expressions, Json, check_keys
from headwater.sql.functions import words
from headwater.sql.relations import Ctes, Relations
from headwater.sql.scopes import Scope
from headwater.sql.tree import (
    Expr,
    Limits,
    Output,
    Query,
    Ref,
    Select,
    SetOperation,
    Table,
    Term,
    Unclear,
    walk,
)

Relation = tuple[tuple[str, str], ...]
"""Columns of a relation: (name, DuckDB type)."""

_SELECT_KEYS: Final = [
    "type",
    "modifiers",
    "cte_map",
    "select_list",
    "from_table",
    "where_clause",
    "group_expressions",
    "group_sets",
    "aggregate_handling",
    "having",
    "sample",
    "qualify",
]
_SET_KEYS: Final = words(
    """
    type modifiers cte_map setop_type setop_all left right
    """
)
_SET_OPERATIONS: Final = {"UNION": "union", "EXCEPT": "except", "INTERSECT": "intersect"}
_STAR_KEYS: Final = [
    "class",
    "type",
    "alias",
    "query_location",
    "relation_name",
    "exclude_list",
    "replace_list",
    "columns",
    "expr",
    "qualified_exclude_list",
    "rename_list",
]
_PLAIN_STAR: Final = ("expr", "columns", "qualified_exclude_list", "alias")


def read_query(node: Json, nodes: Mapping[str, tuple[str, Relation]]) -> tuple[Query, frozenset[str]]:
    """Resolve a parsed query over nodes (folded name → name, columns), and say of which of them it takes ``*``.

    Raises Unclear if anything in it is not certain.
    """
    reader = _Reader(nodes)
    return reader.query(node, None, {}), frozenset(reader.stars)


class _Reader:
    def __init__(self, nodes: Mapping[str, tuple[str, Relation]]) -> None:
        self._nodes = nodes
        self.stars: set[str] = set()

    def query(self, node: Json, parent: Scope | None, ctes: Ctes) -> Query:
        ctes = self._with(node, ctes)
        if node["type"] == "SELECT_NODE":
            check_keys(node, _SELECT_KEYS)
            return _SelectReader(self, node, Scope(parent), ctes).read()
        if node["type"] == "SET_OPERATION_NODE":
            check_keys(node, _SET_KEYS)
            return self._set_operation(node, parent, ctes)
        raise Unclear(f"queries of type {node['type']}")

    def _with(self, node: Json, ctes: Ctes) -> Ctes:
        """Common table expressions see those before them, nothing of the query around them."""
        for each in node["cte_map"]["map"]:
            value = each["value"]
            check_keys(value, ("aliases", "query", "materialized", "key_targets", "type"))
            if value["key_targets"]:
                raise Unclear("USING KEY")
            query = self.query(value["query"]["node"], None, ctes)
            ctes = {**ctes, each["key"].casefold(): (query, tuple(value["aliases"]))}
        return ctes

    def _set_operation(self, node: Json, parent: Scope | None, ctes: Ctes) -> Query:
        if node["setop_type"] not in _SET_OPERATIONS:
            raise Unclear(node["setop_type"])
        left, right = (self.query(node[side], parent, ctes) for side in ("left", "right"))
        if len(left.outputs) != len(right.outputs):
            raise Unclear("sides of different width")
        kind = _SET_OPERATIONS[node["setop_type"]] + (" all" if node["setop_all"] else "")
        plain = SetOperation(kind, left, right)
        scope = Scope(parent, aliases={o.name.casefold(): o.value for o in plain.outputs if o.name})
        expressions = Expressions(scope, lambda inner, around: self.query(inner, around, ctes))
        return SetOperation(kind, left, right, _limits(node["modifiers"], plain.outputs, expressions))

    def relations(self, scope: Scope, ctes: Ctes) -> Relations:
        return Relations(self._nodes, scope, ctes, self.query)


class _SelectReader:
    """One SELECT, clause by clause, in the order in which names become known."""

    def __init__(self, reader: _Reader, node: Json, scope: Scope, ctes: Ctes) -> None:
        self._node = node
        self._scope = scope
        self._stars = reader.stars
        self._relations = reader.relations(scope, ctes)
        self._expressions = Expressions(scope, lambda inner, around: reader.query(inner, around, ctes))

    def read(self) -> Select:
        node, expressions = self._node, self._expressions
        tree = self._relations.tree(node["from_table"])
        outputs = self._outputs()
        where = self._optional(node["where_clause"])
        self._scope.aliases_compete = True
        groups, sets = self._groups(outputs)
        having, qualify = self._optional(node["having"]), self._optional(node["qualify"])
        limits = _limits(node["modifiers"], outputs, expressions)
        decided = [o.value for o in outputs] + [e for e in (having, qualify) if e] + list(limits.order)
        return Select(
            tree=tree,
            outputs=outputs,
            where=where,
            groups=groups,
            group_sets=sets,
            having=having,
            qualify=qualify,
            aggregated=bool(groups or sets) or any(map(aggregates, decided)),
            unnests=tuple(o.value for o in outputs if _makes_rows(o.value)),
            sample=str(node["sample"] or ""),
            limits=limits,
        )

    def _optional(self, node: Json | None) -> Expr | None:
        return None if node is None else self._expressions.read(node)

    def _outputs(self) -> tuple[Output, ...]:
        outputs: list[Output] = []
        for node in self._node["select_list"]:
            found = self._star(node) if node["class"] == "STAR" else [self._output(node)]
            for each in found:
                if each.name:
                    self._scope.aliases.setdefault(each.name.casefold(), each.value)
            outputs += found
        return tuple(outputs)

    def _output(self, node: Json) -> Output:
        name = node["alias"] or (node["column_names"][-1] if node["class"] == "COLUMN_REF" else None)
        return Output(name, self._expressions.read(node))

    def _star(self, node: Json) -> list[Output]:
        check_keys(node, _STAR_KEYS)
        if any(node[key] for key in _PLAIN_STAR if key in node):
            raise Unclear("a pattern of columns")
        excluded = {name.casefold() for name in node["exclude_list"]}
        replaced = {each["key"].casefold(): each["value"] for each in node["replace_list"]}
        renamed = {each["key"]["column"].casefold(): each["value"] for each in node["rename_list"]}
        columns = self._relations.star(node["relation_name"].casefold())
        self._stars |= {node for _, value in columns for node in _tables(value)}
        return [
            Output(
                renamed.get(name.casefold(), name),
                self._expressions.read(replaced[name.casefold()]) if name.casefold() in replaced else value,
            )
            for name, value in columns
            if name.casefold() not in excluded
        ]

    def _groups(self, outputs: tuple[Output, ...]) -> tuple[tuple[Expr, ...], str]:
        node = self._node
        if node["aggregate_handling"] == "FORCE_AGGREGATES":
            return tuple(o.value for o in outputs if not aggregates(o.value)), "all"
        if node["aggregate_handling"] != "STANDARD_HANDLING":
            raise Unclear(node["aggregate_handling"])
        groups = tuple(_positional(each, outputs, self._expressions) for each in node["group_expressions"])
        return groups, str(node["group_sets"] or "")


def _positional(node: Json, outputs: tuple[Output, ...], expressions: Expressions) -> Expr:
    """``GROUP BY 1`` and ``ORDER BY 1`` name an output by its place."""
    if node["class"] == "CONSTANT":
        place = node["value"].get("value")
        if not isinstance(place, int) or isinstance(place, bool) or not 1 <= place <= len(outputs):
            raise Unclear("a constant where a place in the output is meant")
        return outputs[place - 1].value
    return expressions.read(node)


def _limits(modifiers: list[Json], outputs: tuple[Output, ...], expressions: Expressions) -> Limits:
    expressions.scope.aliases_compete = True
    distinct, on, order, limit = False, (), (), ()  # type: bool, tuple[Expr, ...], tuple[Term, ...], tuple[Term, ...]
    for node in modifiers:
        if node["type"] == "DISTINCT_MODIFIER":
            check_keys(node, ("type", "distinct_on_targets"))
            distinct = True
            on = tuple(_positional(each, outputs, expressions) for each in node["distinct_on_targets"])
        elif node["type"] == "ORDER_MODIFIER":
            check_keys(node, ("type", "orders"))
            order = tuple(_order(each, outputs, expressions) for each in node["orders"])
        elif node["type"] in ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"):
            check_keys(node, ("type", "limit", "offset"))
            parts = ((word, node[word]) for word in ("limit", "offset"))
            kind = "%" if "PERCENT" in node["type"] else ""
            limit = tuple(Term(word + kind, (expressions.read(part),)) for word, part in parts if part is not None)
        else:
            raise Unclear(node["type"])
    return Limits(distinct=distinct, on=on, order=order, limit=limit)


def _order(node: Json, outputs: tuple[Output, ...], expressions: Expressions) -> Term:
    check_keys(node, ("type", "null_order", "expression"))
    kind = f"{node['type']} {node['null_order']}".lower()
    if node["expression"]["class"] == "STAR":
        return Term(f"all {kind}", tuple(o.value for o in outputs))
    return Term(kind, (_positional(node["expression"], outputs, expressions),))


def aggregates(expr: Expr) -> bool:
    """Whether an expression folds rows (nested queries fold their own)."""
    return any(isinstance(part, Term) and part.kind.startswith(("aggregate:", "grouping")) for part in walk(expr))


def _makes_rows(expr: Expr) -> bool:
    return any(isinstance(part, Term) and part.kind == "function:unnest" for part in walk(expr))


def _tables(expr: Expr) -> set[str]:
    return {part.source.node for part in walk(expr) if isinstance(part, Ref) and isinstance(part.source, Table)}
