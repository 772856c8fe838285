"""Probes of a query: for each SELECT in it, queries that say of every row which branches it takes, and its origin."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from headwater.sql.branches import (
    Branch,
    Render,
    choices,
    conjuncts,
    is_of_group,
    is_of_row,
    judgements,
    null,
    place,
    predicates,
    true,
)
from headwater.sql.outline import Json
from headwater.sql.provenance import (
    ROWS,
    Tracer,
    all_of,
    call,
    concatenated,
    folds,
    has_window,
    of_group,
    operator,
    select,
    with_neighbours,
    within,
    without_rows,
)

_Scope = tuple[Json, list[Any], bool]
"""A SELECT, the traced common table expressions that it sees, whether it is an arm of a set operation."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A query whose last columns are one truth value for each branch (``hw 0`` …) and the input rows (``ROWS``)."""

    query: dict[str, Any]
    branches: tuple[Branch, ...]


def probes(node: Json, render: Render, *, nested: bool = True) -> list[Probe]:
    """Give the probes of a parsed query (macros expanded). Raises Unclear if it cannot be traced."""
    tracer = Tracer(nested=nested)
    tracer.query(node)
    return [
        probe for scope in _scopes(tracer, node, [], is_arm=False) for probe in _Prober(tracer, scope, render).all()
    ]


def _scopes(tracer: Tracer, node: Json, around: list[Any], *, is_arm: bool) -> Iterator[_Scope]:
    """All SELECTs of a query, the innermost first."""
    ctes = list(around)
    for plain, traced in zip(node["cte_map"]["map"], tracer.ctes(node)["map"], strict=True):
        yield from _scopes(tracer, plain["value"]["query"]["node"], ctes, is_arm=False)
        ctes.append(traced)
    if node["type"] == "SET_OPERATION_NODE":
        for side in ("left", "right"):
            yield from _scopes(tracer, node[side], ctes, is_arm=True)
        return
    for inner in _inner(node):
        yield from _scopes(tracer, inner, ctes, is_arm=False)
    yield node, ctes, is_arm


def _inner(node: Json) -> Iterator[Json]:
    """Queries in FROM, and those in expressions."""
    pending: list[Any] = [value for key, value in node.items() if key != "cte_map"]
    while pending:
        each = pending.pop(0)
        if isinstance(each, list):
            pending = [*each, *pending]
        elif isinstance(each, dict):
            if "subquery" in each:
                yield each["subquery"]["node"]
            pending = [*(value for key, value in each.items() if key != "subquery"), *pending]


class _Prober:
    def __init__(self, tracer: Tracer, scope: _Scope, render: Render) -> None:
        self._node, self._ctes, self._is_arm = scope
        self._tracer, self._render = tracer, render
        self._source, self._rows = tracer.source(self._node)
        self._passes = all_of([true(each) for each in conjuncts(self._node["where_clause"])])

    def all(self) -> Iterator[Probe]:
        """Give the probes of rows, groups, windows and joins."""
        node = self._node
        passing = list(self._passing_branches())
        if folds(node) and node["having"] is not None:
            yield from self._folded(map(self._in_group, passing), having=None)
            passing = list(map(_dropped_with_group, passing))
        yield self._probe(self._plain(self._aliased()), [*self._row_branches(), *passing], self._rows)
        if folds(node):
            yield from self._folded(self._group_branches(), having=None)
        if node["qualify"] is not None or any(map(has_window, self._values())):
            yield from self._folded(self._window_branches(), having=node["having"])
        yield from self._partnerless()

    def _plain(self, items: list[Any]) -> dict[str, Any]:
        return select(items, self._source, ctes={"map": self._ctes})

    def _probe(self, query: dict[str, Any], branches: list[Branch], rows: dict[str, Any]) -> Probe:
        flags = [{**branch.condition, "alias": f"hw {at}"} for at, branch in enumerate(branches)]
        items = [*query["select_list"], *flags, {**rows, "alias": ROWS}]
        return Probe({**query, "select_list": items}, tuple(branches))

    def _aliased(self) -> list[Any]:
        """Outputs whose names conditions may use."""
        kept = [each for each in self._node["select_list"] if each.get("alias") and is_of_row(each)]
        makers = {"unnest", "generate_subscripts"}
        return [e for e in kept if not any(str(p.get("function_name", "")).lower() in makers for p in within(e))]

    def _values(self) -> list[Any]:
        node = self._node
        return [*node["select_list"], *node["group_expressions"], *node["modifiers"]]

    def _row_branches(self) -> Iterator[Branch]:
        node = self._node
        what = "a row comes through this part" if self._is_arm else "a row comes through"
        yield Branch(what, place([node["select_list"], node["from_table"]]), self._passes)
        yield from predicates("WHERE", node["where_clause"], self._render)
        yield from choices(node["where_clause"], all_of([]), self._render, is_of_row)

    def _passing_branches(self) -> Iterator[Branch]:
        node = self._node
        yield from self._partners(node["from_table"])
        yield from judgements(node["select_list"], self._passes, self._render)
        for each in (*self._values(), node["having"], node["qualify"]):
            yield from choices(each, self._passes, self._render, is_of_row)

    def _in_group(self, branch: Branch) -> Branch:
        """A branch of a row counts best where its group comes through: its effect is seen."""
        passes = all_of([true(each) for each in conjuncts(self._node["having"])])
        return replace(branch, condition=all_of([call("bool_or", branch.condition), passes]))

    def _group_branches(self) -> Iterator[Branch]:
        having = self._node["having"]
        passes = all_of([true(each) for each in conjuncts(having)])
        if having is not None:
            yield Branch("a group passes HAVING", place(having), passes, having)
        yield from predicates("HAVING", having, self._render)
        for each in (*self._values(), self._node["qualify"]):
            yield from choices(each, passes, self._render, is_of_group)

    def _window_branches(self) -> Iterator[Branch]:
        qualify = self._node["qualify"]
        passes = all_of([true(each) for each in conjuncts(qualify)])
        if qualify is not None:
            yield Branch("a row passes QUALIFY", place(qualify), passes, qualify)
        yield from predicates("QUALIFY", qualify, self._render)
        for each in self._values():
            yield from choices(each, passes, self._render, has_window)

    def _folded(self, found: Iterator[Branch], having: Any) -> Iterator[Probe]:
        branches = list(found)
        if not branches:
            return
        items = [without_rows(each) for each in self._node["select_list"]]
        whole = {**self._node, "select_list": items, "from_table": self._source, "having": having, "qualify": None}
        whole |= {"modifiers": [], "cte_map": {"map": self._ctes}}
        rows = of_group(self._rows) if folds(self._node) else self._rows
        yield self._probe(whole, branches, with_neighbours(self._node, rows))

    def _partners(self, node: Json) -> Iterator[Branch]:
        """Hits and misses of outer joins, seen in the rows that come through."""
        if node["type"] != "JOIN":
            return
        yield from self._partners(node["left"])
        yield from self._partners(node["right"])
        kept = {"LEFT": ("right",), "RIGHT": ("left",), "OUTER": ("left", "right"), "FULL": ("left", "right")}
        for side in kept.get(node["join_type"], ()):
            parts = self._tracer.relation(node[side])[1]
            if parts:
                absent = all_of([null(each) for each in parts])
                name = f"{node['join_type']} JOIN {_named(node[side])}"
                hit = all_of([operator("OPERATOR_NOT", absent), self._passes])
                yield Branch(f"{name} finds a partner", place(node["right"]), hit)
                yield Branch(f"{name} finds no partner", place(node["right"]), all_of([absent, self._passes]))

    def _partnerless(self) -> Iterator[Probe]:
        """Rows that a join drops because they have no partner."""
        pending = [self._node["from_table"]]
        while pending:
            node = pending.pop(0)
            if node["type"] != "JOIN":
                continue
            pending += [node["left"], node["right"]]
            if (node["condition"] is None and not node["using_columns"]) or node["ref_type"] != "REGULAR":
                continue
            yield from self._dropped(node)

    def _is_input(self, node: Json) -> bool:
        """Whether a part of FROM is a table of its own: what two subqueries make of one input may always match."""
        names = {each["key"].casefold() for each in (*self._ctes, *self._node["cte_map"]["map"])}
        return node["type"] == "BASE_TABLE" and (node["schema_name"] or node["table_name"].casefold() not in names)

    def _dropped(self, node: Json) -> Iterator[Probe]:
        (left, of_left), (right, of_right) = (self._tracer.relation(node[side]) for side in ("left", "right"))
        if not of_left or not of_right:
            return
        sides = (("LEFT", of_left, of_right, "left"), ("RIGHT", of_right, of_left, "right"))
        for kind, own, other, side in sides:
            if node["join_type"] in (kind, "OUTER", "FULL") or (node["join_type"] == "ANTI" and side == "right"):
                continue
            name = f"JOIN drops a row of {_named(node[side])} without partner"
            absent = all_of([null(each) for each in other])
            is_certain = node["join_type"] == "INNER" and self._is_input(node[side])
            branch = Branch(name, place(node["right"]), absent, is_optional=not is_certain)
            joined = {**node, "left": left, "right": right, "join_type": kind}
            yield self._probe(select([], joined, ctes={"map": self._ctes}), [branch], concatenated(own))


def _dropped_with_group(branch: Branch) -> Branch:
    name = f"{branch.name}, in a group that HAVING drops"
    return replace(branch, name=name, is_optional=True, instead=branch.name)


def _named(node: Json) -> str:
    if node["type"] == "JOIN":
        return "…"
    name = ".".join(n for n in (node.get("schema_name"), node.get("table_name")) if n) or "a subquery"
    return f"`{name}`" + (f" AS {node['alias']}" if node["alias"] else "")
