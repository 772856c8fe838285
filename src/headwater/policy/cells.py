"""Aggregates that a rule ships, as a table: one row (a cell) per group of enough units, with plain columns."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.graph.borders import PolicyNode
from headwater.policy.predicates import statement_of
from headwater.policy.tokens import canonical_text, parameter_names, token
from headwater.spec.policies import Form
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.canonical import Canonical
from headwater.sql.outline import outline
from headwater.sql.plain import plain
from headwater.sql.queries import aggregates, read_query
from headwater.sql.text import quote_identifier, quote_relation
from headwater.sql.tree import Expr, Leaf, Nested, Parameter, Ref, Select, Term, Unclear, walk

SLOT: Final = "slot"
"""The column of a cell's slot."""
COUNT: Final = "count"
"""The column of how many rows a cell holds."""
_NUMBERS: Final = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)")
_CHANGING: Final = ("volatile:", "clock:", "now:")
_NOW: Final = "TIMESTAMPTZ '2000-01-01 00:00:00+00'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What an aggregates rule grants of a relation."""

    relation: str
    columns: Relation
    query: str
    """Selects them from the relation; ``$now`` and the key's parameters stay."""
    by: Mapping[str, str]
    """Column → canonical text of the expression over the relation that it holds (the slot is not among them)."""
    terms: Mapping[str, Expr]
    """Column → that expression itself."""
    shipped: Mapping[str, frozenset[str]]
    """Shipped column → which of ``sum``, ``count``, ``squares``, ``distinct`` there are of it."""
    time: str = ""
    """The relation's time column, whose slots ``slot`` holds; empty: there is no such column."""
    reads: frozenset[str]
    """Columns of the relation that decide about groups: those of ``by`` and ``unit``."""
    made_of: Mapping[str, frozenset[str]]
    """Column → columns of the relation from which it is computed."""
    keys: tuple[str, ...] = ()
    name: str = ""
    """The rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The reader's cut of time: the relation's time column, and its slot as an expression over the relation."""

    time: str
    expression: str


def cells_of(
    rule: PolicyNode, relation: str, columns: Relation, bind: Bind, *, slots: Slots | None = None
) -> Cells | Diagnostic:
    """Give the cells of a rule on a relation, in groups of each slot, too, where the reader cuts time.

    Every measure of a shipped column is NULL where fewer units than ``min_group`` have a value in it.
    """
    return _Making(rule, relation, columns, bind, slots).cells()


class _Wrong(Exception):
    """Why there are no cells; never leaves this module."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class _Making:
    def __init__(self, rule: PolicyNode, relation: str, columns: Relation, bind: Bind, slots: Slots | None) -> None:
        self._rule = rule
        self._form = rule.form or Form()
        self._relation = relation
        self._columns = {name.casefold(): (name, type_) for name, type_ in columns}
        self._all = columns
        self._bind = bind
        self._slots = slots
        self._canonical = Canonical()

    def cells(self) -> Cells | Diagnostic:
        try:
            return self._cells()
        except _Wrong as wrong:
            where = Where(self._rule.file, self._rule.line) if self._rule.file else None
            return error("HW1274", f"`{self._rule.name}`: {wrong}", where, hint=wrong.hint)

    def _cells(self) -> Cells:
        form = self._form
        if form.min_group < 2:  # noqa: PLR2004 - a group of one is a row
            raise _Wrong(f"`min_group: {form.min_group}` lets single rows through")
        unit = self._column(form.unit)[0] if form.unit else ""
        terms = {name: self._term(name, text) for name, text in form.by.items()}
        measures = {name: found for name in self._ship() for found in [self._measures(name)]}
        groups = {name: f"(\n{text}\n)" for name, text in form.by.items()}
        if self._slots:
            groups[SLOT] = f"(\n{self._slots.expression}\n)"
        items = [*groups.items(), (COUNT, "count(*)"), *(i for name in measures for i in self._items(name, unit))]
        _check_names(name for name, _ in items)
        query = self._text(items, len(groups), unit)
        by = {name: self._canonical.expr(term) for name, term in terms.items()}
        made_of = {name: _columns_of(term) for name, term in terms.items()}
        time = self._column(self._slots.time)[0] if self._slots else ""
        if time:
            made_of[SLOT] = frozenset({time})
        return Cells(
            relation=self._relation,
            columns=self._bound(query),
            query=query,
            by=by,
            terms=terms,
            shipped=measures,
            time=time,
            reads=frozenset[str]().union(*made_of.values(), {unit} if unit else ()),
            made_of=made_of
            | {f"{kind}_{name}": frozenset({name}) for name, kinds in measures.items() for kind in kinds},
            keys=(form.key,) if form.key else (),
            name=self._rule.name,
        )

    def _column(self, name: str) -> tuple[str, str]:
        found = self._columns.get(name.casefold())
        if found is None:
            raise _Wrong(f"`{self._relation}` has no column `{name}`")
        return found

    def _ship(self) -> list[str]:
        return [self._column(name)[0] for name in self._rule.ship]

    def _measures(self, name: str) -> frozenset[str]:
        """Which measures the functions need; numbers only can be added."""
        wanted = self._form.aggregates
        kinds = {"count"}
        if {"sum", "avg", "variance"} & set(wanted):
            kinds.add("sum")
        if "variance" in wanted:
            kinds.add("squares")
        if "approx_distinct" in wanted:
            kinds.add("distinct")
        type_ = self._column(name)[1]
        if "sum" in kinds and not _NUMBERS.fullmatch(type_):
            hint = "ship numbers for `sum`, `avg` and `variance`; `count` takes any column"
            raise _Wrong(f"`{name}` is of type {type_}, which cannot be added", hint)
        if "distinct" in kinds and canonical_text(name, type_) is None:
            raise _Wrong(f"`{name}` is of type {type_}, of which no tokens are made")
        if "distinct" in kinds and not self._form.key:
            raise _Wrong("`approx_distinct` counts tokens, and there is no key", "name one from `keys:` as `key:`")
        return frozenset(kinds)

    def _term(self, name: str, text: str) -> Expr:
        """Read one ``by`` expression: of the relation's columns only, and the same at every call."""
        found = self._read(text)
        strange = next((part for part in walk(found) if _is_strange(part)), None) if found is not None else None
        if found is None or strange is not None or aggregates(found):
            hint = "a column, or functions of columns and constants that always give the same"
            raise _Wrong(f"the group `{name}` is no expression over `{self._relation}` that is sure", hint)
        return found

    def _read(self, text: str) -> Expr | None:
        statement = f"SELECT (\n{text}\n) AS value FROM {quote_relation(self._relation)}"
        node = statement_of(self._bind.parse(statement))
        if node is None or [each.name for each in outline(node).tables] != [self._relation]:
            return None
        try:
            query, stars = read_query(node, {self._relation.casefold(): (self._relation, self._all)})
        except (Unclear, RecursionError):
            return None
        query = plain(query)
        whole = isinstance(query, Select) and isinstance(query.tree, Leaf) and not stars and _selects_only(query)
        return query.outputs[0].value if whole else None

    def _items(self, name: str, unit: str) -> Iterator[tuple[str, str]]:
        """The measures of a column, where enough units have a value in it."""
        column, type_ = quote_identifier(name), self._column(name)[1]
        has = f"{column} IS NOT NULL"
        units = f"count(DISTINCT {quote_identifier(unit)}) FILTER ({has})" if unit else f"count({column})"
        found = self._measures(name)
        made = {"count": f"count({column})", "sum": f"sum({column})", "squares": f"var_pop({column}) * count({column})"}
        if "distinct" in found:
            text = canonical_text(column, type_) or ("", "")
            made["distinct"] = f"approx_count_distinct({token(self._form.key, *text)})"
        for kind in ("count", "sum", "squares", "distinct"):
            if kind in found:
                yield f"{kind}_{name}", f"CASE WHEN {units} >= {self._form.min_group} THEN {made[kind]} END"

    def _text(self, items: list[tuple[str, str]], groups: int, unit: str) -> str:
        columns = ", ".join(f"{text} AS {quote_identifier(name)}" for name, text in items)
        where = f" WHERE (\n{self._rule.predicate}\n)" if self._rule.predicate else ""
        group = f" GROUP BY {', '.join(str(at + 1) for at in range(groups))}" if groups else ""
        counted = f"count(DISTINCT {quote_identifier(unit)})" if unit else "count(*)"
        enough = f"{counted} >= {self._form.min_group}"
        return f"SELECT {columns} FROM {quote_relation(self._relation)}{where}{group} HAVING {enough}"

    def _bound(self, query: str) -> Relation:
        parameters = {"now": _NOW, "start": _NOW, "end": _NOW}
        if self._form.key:
            parameters |= dict.fromkeys(parameter_names(self._form.key), "CAST('' AS BLOB)")
        found = self._bind(query, {self._relation: self._all}, parameters=parameters)
        if isinstance(found, BindError):
            raise _Wrong(f"its groups or its `where` cannot be: {found.message.splitlines()[0]}")
        return found


def _selects_only(query: Select) -> bool:
    decides = (query.where, query.groups, query.group_sets, query.having, query.qualify, query.aggregated)
    return not any(
        (*decides, query.unnests, query.sample, query.limits.cuts, query.limits.order, len(query.outputs) > 1)
    )


def _is_strange(part: Expr) -> bool:
    if isinstance(part, Nested | Parameter):
        return True
    return isinstance(part, Term) and (part.kind.startswith(_CHANGING) or part.kind == "either")


def _columns_of(term: Expr) -> frozenset[str]:
    return frozenset(part.source.columns[part.index] for part in walk(term) if isinstance(part, Ref))


def _check_names(names: Iterator[str]) -> None:
    seen = set[str]()
    for name in names:
        if name.casefold() in seen:
            raise _Wrong(f"two columns of the cells would be called `{name}`", "give the group another name")
        seen.add(name.casefold())
