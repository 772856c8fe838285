"""Proof that one query may fill several slots: its result, cut into slots, is what each slot's own query gives.

Every relation in a query is either *free* (it touches no input that is cut: the same for every slot) or *by slots*
(its rows for several slots are those of each slot, put together); of the latter, some columns are *keys*: their value
says which slot a row belongs to. Rows of different slots must never meet: joined by something else than keys, grouped,
ranked or compared without a key, counted, limited. Whatever is not proved raises ``NotProved``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.sql.traversal import conjuncts, equalities, expressions, looks_out
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Limits,
    Nested,
    Parameter,
    Query,
    Ref,
    Select,
    SetOperation,
    Table,
    Term,
    Tree,
    leaves,
    walk,
)

DATE: Final = "DATE"
TIMESTAMP: Final = "TIMESTAMP"
TIMESTAMPTZ: Final = "TIMESTAMP WITH TIME ZONE"
NAIVE: Final = "naive"
"""Need of a proof over wall time: slots shorter than a day must not see clocks change."""

_UNITS: Final = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
_BOUNDS: Final = frozenset({"start", "end"})
_NEUTRAL: Final = frozenset({(">=", "start"), ("<", "end"), ("<=", "end")})
_MIRRORED: Final = {"<=": ">=", ">": "<", ">=": "<=", "<": ">"}
_KEEPING: Final = frozenset({"aggregate:min", "aggregate:max", "aggregate:any_value"})


class NotProved(Exception):
    """Slots may not be filled together, as far as we can see; says why."""


@dataclass(frozen=True, slots=True)
class CutInput:
    """An input that is cut by time: its time column, and what its own proof needs (views and inline models)."""

    column: str
    type: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BySlots:
    """A relation whose rows fall into slots; ``keys`` are the output columns that say which, with their types."""

    keys: Mapping[int, str] = field(default_factory=dict)


FREE: Final = None
"""A relation that is the same for every slot."""
Verdict = BySlots | None


def prove(query: Query, cut: Mapping[str, CutInput], time: str) -> tuple[str, ...]:
    """Give what the proof needs of the slots (units that must not straddle them); raises NotProved."""
    prover = _Prover(cut)
    verdict = prover.query(query)
    if verdict is FREE:
        raise NotProved("it reads nothing that is cut by time")
    names = [output.name for output in query.outputs]
    at = next((i for i, name in enumerate(names) if name and name.casefold() == time.casefold()), -1)
    if at not in verdict.keys:
        raise NotProved(f"`{time}` is not the time of an input passed through")
    return tuple(sorted(prover.needs))


def fits(needs: Iterable[str], count: int, unit: str, timezone: str) -> bool:
    """Whether slots of a length can bear a proof: no unit it truncates to may straddle the border of two slots."""
    wanted = set(needs)
    if unit in ("s", "m", "h"):
        finest = {"s": 1, "m": 2, "h": 3}[unit]
        return wanted <= {*_UNITS[:finest], NAIVE} and (not wanted or timezone == "UTC")
    allowed = {*_UNITS[:4], NAIVE}
    if unit == "w":
        allowed.add("week")
    if unit == "mo":
        allowed |= {name for name, months in (("month", 1), ("quarter", 3), ("year", 12)) if count % months == 0}
    return wanted <= allowed


Place = tuple[int, int]
"""(position of a source, index of its column)."""


class _Prover:
    def __init__(self, cut: Mapping[str, CutInput]) -> None:
        self._cut = cut
        self.needs: set[str] = set()
        self._verdicts: dict[int, Verdict] = {}
        self._touched: dict[int, bool] = {}

    def query(self, query: Query) -> Verdict:
        """Judge a query; NotProved if its rows of several slots may meet."""
        if id(query) not in self._verdicts:
            self._verdicts[id(query)] = self._judged(query)
        return self._verdicts[id(query)]

    def _judged(self, query: Query) -> Verdict:
        if not self._touches(query):
            return FREE
        if isinstance(query, SetOperation):
            return self._set_operation(query)
        return _SelectProof(self, query).prove()

    def table(self, source: Table) -> Verdict:
        """A cut input is by slots, with its time column for a key; others are free."""
        if source.node not in self._cut:
            return FREE
        cut = self._cut[source.node]
        self.needs |= set(cut.needs) | _needs_of(cut.type)
        return BySlots({at: cut.type for at, name in enumerate(source.own) if name == cut.column})

    def _set_operation(self, query: SetOperation) -> BySlots:
        left, right = self.query(query.left), self.query(query.right)
        if left is FREE or right is FREE:
            raise NotProved("a set operation with rows that are in no slot")
        keys = {at: type_ for at, type_ in left.keys.items() if right.keys.get(at) == type_}
        if query.kind != "union all" and not keys:
            raise NotProved("a set operation that compares rows of different slots")
        self.limits(query.limits, has_key=bool(keys) and not query.limits.on)
        for each in query.limits.order:
            self.row_by_row(each)
        return BySlots(keys)

    def limits(self, limits: Limits, *, has_key: bool) -> None:
        """LIMIT and DISTINCT."""
        if limits.limit:
            raise NotProved("LIMIT counts rows of all slots")
        if limits.distinct and not has_key:
            raise NotProved("DISTINCT without the time")

    def row_by_row(self, expr: Expr | None) -> None:
        """An expression that may stand where rows are taken one by one."""
        for part in walk(expr) if expr is not None else ():
            if isinstance(part, Parameter) and part.name in _BOUNDS:
                raise NotProved(f"${part.name} outside of the cut")
            if isinstance(part, Nested) and self._touches(part.query):
                raise NotProved("a subquery in an expression")
            if isinstance(part, Term) and part.kind.startswith(("volatile:", "clock:")):
                raise NotProved("a volatile function")

    def _touches(self, query: Query) -> bool:
        """Whether a query depends on the slot in any way."""
        if id(query) not in self._touched:
            self._touched[id(query)] = self._finds_cut(query)
        return self._touched[id(query)]

    def _finds_cut(self, query: Query) -> bool:
        if isinstance(query, SetOperation):
            inner = self._touches(query.left) or self._touches(query.right)
            return inner or any(map(self._expr_touches, (*query.limits.order, *query.limits.limit)))
        sources = [leaf.source for leaf in leaves(query.tree)]
        return any(
            source.node in self._cut if isinstance(source, Table) else self._source_touches(source)
            for source in sources
        ) or any(map(self._expr_touches, expressions(query)))

    def _source_touches(self, source: Derived | Generated) -> bool:
        return self._touches(source.query) if isinstance(source, Derived) else self._expr_touches(source.rows)

    def _expr_touches(self, expr: Expr) -> bool:
        return any(
            (isinstance(part, Parameter) and part.name in _BOUNDS)
            or (isinstance(part, Nested) and self._touches(part.query))
            for part in walk(expr)
        )


class _SelectProof:
    """One SELECT: keys of its sources, then clause by clause."""

    def __init__(self, prover: _Prover, select: Select) -> None:
        self._prover = prover
        self._select = select
        self._keys: dict[Place, str] = {}
        self._merged: list[tuple[Expr, str]] = []
        """Left sides of full joins USING a key, with its type: what is there of both is a key."""

    def prove(self) -> BySlots:
        select, prover = self._select, self._prover
        if select.sample or any(leaf.sample for leaf in leaves(select.tree)):
            raise NotProved("a sample")
        if select.tree is None or not self._tree(select.tree):
            raise NotProved("rows that are in no slot")
        self._condition(select.where)
        for each in (*(o.value for o in select.outputs), *select.groups, select.having, select.qualify):
            prover.row_by_row(each)
        for order in select.limits.order:
            prover.row_by_row(order)
        self._grouped()
        self._windows()
        keys = {at: type_ for at, o in enumerate(select.outputs) if (type_ := self._key(o.value))}
        on = any(self._key(each) for each in select.limits.on)
        prover.limits(select.limits, has_key=on if select.limits.on else bool(keys))
        return BySlots(keys)

    def _tree(self, tree: Tree) -> bool:
        """Whether a part of FROM is by slots; notes the keys that it leaves."""
        if isinstance(tree, Leaf):
            return self._leaf(tree)
        left = self._tree(tree.left)
        left_keys = dict(self._keys)
        right = self._tree(tree.right)
        kind, _, form = tree.kind.partition(" ")
        if form == "positional" or tree.sample:
            raise NotProved("rows joined by their place")
        self._condition(tree.condition)
        if left and right:
            self._both(tree, kind, left_keys)
        elif left != right and kind not in (("inner", "left", "semi", "anti") if left else ("inner", "right")):
            raise NotProved(f"a {kind} join keeps rows that are in no slot")
        return left or right

    def _leaf(self, leaf: Leaf) -> bool:
        source = leaf.source
        if isinstance(source, Table):
            verdict = self._prover.table(source)
        elif isinstance(source, Derived):
            verdict = self._prover.query(source.query)
            if verdict is not FREE and looks_out(source.query):
                raise NotProved("a lateral subquery")
        else:
            self._prover.row_by_row(source.rows)
            verdict = FREE
        if verdict is FREE:
            return False
        self._keys |= {(leaf.position, at): type_ for at, type_ in verdict.keys.items()}
        return True

    def _both(self, tree: Join, kind: str, left_keys: dict[Place, str]) -> None:
        """Two parts by slots meet only where their keys are equal; what may be missing is no key afterwards."""
        right_keys = {place: type_ for place, type_ in self._keys.items() if place not in left_keys}
        pairs = [*tree.using, *equalities(tree.condition)]
        if not any(self._meet(a, b, left_keys, right_keys) for a, b in pairs):
            raise NotProved("inputs that are cut by time, joined by something else than their time")
        for a, b in tree.using:
            type_ = self._key(a, left_keys)
            if type_ and self._key(b, right_keys) == type_:
                self._merged.append((a, type_))
        kept = {"inner": (True, True), "left": (True, False), "right": (False, True)}
        keeps_left, keeps_right = kept.get(kind, (kind in ("semi", "anti"), False))
        self._keys = (left_keys if keeps_left else {}) | (right_keys if keeps_right else {})

    def _meet(self, a: Expr, b: Expr, left: Mapping[Place, str], right: Mapping[Place, str]) -> bool:
        return any(self._key(x, left) is not None and self._key(y, right) is not None for x, y in ((a, b), (b, a)))

    def _condition(self, expr: Expr | None) -> None:
        """WHERE and ON: the cut itself is allowed, it is true of every row that a slot sees."""
        for part in conjuncts(expr):
            if not self._is_cut(part):
                self._prover.row_by_row(part)

    def _is_cut(self, expr: Expr) -> bool:
        if not isinstance(expr, Term):
            return False
        if expr.kind == "between":
            value, low, high = expr.parts
            return self._neutral(">=", value, low) and self._neutral("<=", value, high)
        if len(expr.parts) != 2 or expr.kind not in _MIRRORED:  # noqa: PLR2004 - two sides
            return False
        left, right = expr.parts
        return self._neutral(expr.kind, left, right) or self._neutral(_MIRRORED[expr.kind], right, left)

    def _neutral(self, sign: str, value: Expr, bound: Expr) -> bool:
        is_bound = isinstance(bound, Parameter) and (sign, bound.name) in _NEUTRAL
        return is_bound and self._key(value) is not None

    def _grouped(self) -> None:
        select = self._select
        if not select.aggregated:
            return
        keys = {at for at, each in enumerate(select.groups) if self._key(each)}
        sets = [] if select.group_sets in ("", "all") else json.loads(select.group_sets)
        if not keys or any(not keys & set(each) for each in sets):
            raise NotProved("a group without the time")

    def _windows(self) -> None:
        select = self._select
        for expr in (*(o.value for o in select.outputs), select.having, select.qualify, *select.limits.order):
            for part in walk(expr) if expr is not None else ():
                if isinstance(part, Term) and part.kind.startswith("window:") and not self._partitioned(part):
                    raise NotProved("a window without the time")

    def _partitioned(self, window: Term) -> bool:
        partition = next(part for part in window.parts if isinstance(part, Term) and part.kind == "partition")
        return any(self._key(each) for each in partition.parts)

    def _key(self, expr: Expr, keys: Mapping[Place, str] | None = None) -> str | None:
        """The type of an expression whose value says which slot a row belongs to; None if it does not."""
        keys = self._keys if keys is None else keys
        if isinstance(expr, Ref):
            return keys.get((expr.position, expr.index)) if expr.depth == 0 else None
        if not isinstance(expr, Term):
            return None
        kind, _, name = expr.kind.partition(":")
        if kind == "either":
            types = [self._key(part, keys) for part in expr.parts]
            return types[0] if all(types) else None
        if expr.kind in _KEEPING and len(expr.parts) == 1:
            return self._key(expr.parts[0], keys)
        if kind in ("cast", "try cast"):
            return self._cast_key(expr, keys)
        return self._named_key(kind, name, expr, keys)

    def _named_key(self, kind: str, name: str, expr: Term, keys: Mapping[Place, str]) -> str | None:
        if kind == "merged":
            return self._merged_key(expr, keys)
        if kind == "function" and name in ("date_trunc", "datetrunc"):
            return self._truncated_key(expr, keys)
        return None

    def _merged_key(self, expr: Term, keys: Mapping[Place, str]) -> str | None:
        """What USING makes of two columns: of a full join the one that is there, else that of the side that stays."""
        left, right = expr.parts
        if expr.kind == "merged:full":
            return next((type_ for side, type_ in self._merged if side is left), None)
        return self._key(right if expr.kind == "merged:right" else left, keys)

    def _cast_key(self, expr: Term, keys: Mapping[Place, str]) -> str | None:
        before = self._key(expr.parts[0], keys)
        after = str(json.loads(expr.kind.partition(":")[2]).get("id"))
        if before is None or after not in (DATE, TIMESTAMP, TIMESTAMPTZ):
            return None
        if before != after:
            self._prover.needs |= _needs_of(after) | ({"day"} if before == TIMESTAMPTZ else set())
        return after

    def _truncated_key(self, expr: Term, keys: Mapping[Place, str]) -> str | None:
        if len(expr.parts) != 2:  # noqa: PLR2004 - unit and value
            return None
        unit, before = _text(expr.parts[0]), self._key(expr.parts[1], keys)
        if before is None or unit not in _UNITS:
            return None
        after = TIMESTAMPTZ if before == TIMESTAMPTZ else TIMESTAMP
        self._prover.needs |= {unit} | _needs_of(after)
        return after


def _needs_of(type_: str) -> set[str]:
    return {DATE: {"day"}, TIMESTAMP: {NAIVE}}.get(type_, set())


def _text(expr: Expr) -> str:
    """The text of a string constant, in lower case."""
    if not isinstance(expr, Term) or not expr.kind.startswith("constant:"):
        return ""
    value = json.loads(expr.kind.partition(":")[2]).get("value")
    return value.lower() if isinstance(value, str) else ""
