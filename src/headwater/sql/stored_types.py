"""How a DuckDB type is kept in a file that cannot hold it exactly, and how its values go there and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Invalid
from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.type_names import TypeName, parse_type


@dataclass(frozen=True, slots=True)
class Leaf:
    """How values of one scalar type are kept; without functions a CAST goes there and back exactly.

    ``there`` gets (expression, what to call the value in a message), ``back`` (expression, the type as written).
    """

    stored: str
    there: Callable[[str, str], str] | None = None
    back: Callable[[str, str], str] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Scalar types that are kept as something else (all others as they are).

    ``folds``: fixed arrays become lists and unions become structs with the tag beside all members; else both stay.
    """

    leaves: Mapping[str, Leaf]
    folds: bool


_DIGITS_38: Final = "9" * 38
_WHOLE: Final = f"{_DIGITS_38}::HUGEINT"
TOO_LARGE: Final = "HW0651: `{}` holds a whole number of more than 38 digits"


def _whole_there(value: str, label: str) -> str:
    low = f"{value} < -{_WHOLE} OR " if "UHUGE" not in label else ""
    complaint = quote_literal(TOO_LARGE.format(label.removesuffix(" UHUGE")))
    return (
        f"CASE WHEN {low}{value} > {_WHOLE} THEN CAST(error({complaint}) AS DECIMAL(38,0))"
        f" ELSE CAST({value} AS DECIMAL(38,0)) END"
    )


def _unsigned_there(value: str, label: str) -> str:
    return _whole_there(value, f"{label} UHUGE")


def _timetz_there(value: str, label: str) -> str:
    """Text, but DuckDB writes an offset of seconds without minutes (``-01:00:03``) as if they were minutes."""
    del label
    text, offset = f"CAST({value} AS VARCHAR)", f"abs(date_part('timezone', {value}))"
    return (
        f"CASE WHEN {offset} % 60 <> 0 AND ({offset} // 60) % 60 = 0"
        f" THEN left({text}, -2) || '00:' || right({text}, 2) ELSE {text} END"
    )


def _seconds_there(value: str, label: str) -> str:
    """DuckDB refuses to cast an infinite TIMESTAMP_S to TIMESTAMP."""
    del label
    arms = "".join(
        f" WHEN {value} = CAST('{end}' AS TIMESTAMP_S) THEN CAST('{end}' AS TIMESTAMP)"
        for end in ("infinity", "-infinity")
    )
    return f"CASE{arms} ELSE CAST({value} AS TIMESTAMP) END"


def _wkb_there(value: str, label: str) -> str:
    """Well-known binary: Parquet's own geometry comes back with another coordinate system, or as BLOB if empty."""
    del label
    return f"CAST(ST_AsWKB({value}) AS BLOB)"


def _wkb_back(value: str, type_: str) -> str:
    return f"CAST(ST_GeomFromWKB({value}) AS {type_})"


_PARQUET_LEAVES: Final = {
    "HUGEINT": Leaf("DECIMAL(38,0)", _whole_there),
    "UHUGEINT": Leaf("DECIMAL(38,0)", _unsigned_there),
    "BIGNUM": Leaf("VARCHAR"),
    "BIT": Leaf("VARCHAR"),
    "ENUM": Leaf("VARCHAR"),
    "INTERVAL": Leaf("VARCHAR"),
    "TIME_NS": Leaf("VARCHAR"),
    "TIME WITH TIME ZONE": Leaf("VARCHAR", _timetz_there),
    "TIMESTAMP_S": Leaf("TIMESTAMP", _seconds_there),
    "TIMESTAMP_MS": Leaf("TIMESTAMP"),
    "GEOMETRY": Leaf("BLOB", _wkb_there, _wkb_back),
    '"NULL"': Leaf("INTEGER"),
}
PARQUET: Final = Rule(_PARQUET_LEAVES, folds=True)
"""What Parquet, as DuckDB 1.5 writes it, does not give back as it was."""


def _utc_there(value: str, label: str) -> str:
    """Text of an instant in UTC, whatever the session's time zone."""
    del label
    text = f"CAST(make_timestamp(epoch_us({value})) AS VARCHAR) || '+00'"
    return f"CASE WHEN isfinite({value}) THEN {text} ELSE CAST({value} AS VARCHAR) END"


def _number_there(value: str, label: str) -> str:
    """JSON has no NaN and no infinity: they become the texts that DuckDB reads as such."""
    del label
    return f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE to_json(CAST({value} AS VARCHAR)) END"


_TEXT_LEAVES: Final = {
    "TIME WITH TIME ZONE": Leaf("VARCHAR", _timetz_there),
    "TIMESTAMP WITH TIME ZONE": Leaf("VARCHAR", _utc_there),
}
TEXT: Final = Rule(_TEXT_LEAVES, folds=False)
"""What DuckDB's own text of a value would lose, or make depend on the session."""
_JSON_LEAVES: Final = {
    **_TEXT_LEAVES,
    "FLOAT": Leaf("JSON", _number_there),
    "DOUBLE": Leaf("JSON", _number_there),
}
JSON: Final = Rule(_JSON_LEAVES, folds=False)
"""The same for JSON, in which numbers of any size are exact but not all floats can be written."""

_UNKEEPABLE: Final = frozenset({"VARIANT"})


def stored_type(column: str, type_: str, rule: Rule = PARQUET) -> str:
    """Say what a file holds for a DuckDB type. Raises Invalid (HW0656) for a type that cannot be kept exactly."""
    tree = parse_type(type_)
    stored = _stored(tree, rule)
    if (rule.folds and _holds(tree, _UNKEEPABLE)) or (stored != tree and _is_stuck(tree, rule)):
        raise Invalid.of(
            "HW0656",
            f"column `{column}` has the type {type_}, which a file cannot hold exactly",
            hint="cast it, for example to JSON, text or a STRUCT whose fields have names",
        )
    return type_ if stored == tree else str(stored)


def to_stored(value: str, type_: str, label: str, rule: Rule = PARQUET) -> str:
    """Write the expression that turns a value of a DuckDB type into what the file holds."""
    tree = parse_type(type_)
    return _convert(value, tree, _stored(tree, rule), _There(rule, label))


def from_stored(value: str, type_: str, rule: Rule = PARQUET) -> str:
    """Write the expression that turns what the file holds into a value of the DuckDB type."""
    tree = parse_type(type_)
    return _convert(value, tree, tree, _Back(rule))


def typed_null(type_: str) -> str:
    """Write an expression of a DuckDB type, also of one that has no name in SQL (a STRUCT without field names)."""
    return _typed_null(parse_type(type_))


def _stored(tree: TypeName, rule: Rule) -> TypeName:
    if tree.is_leaf:
        leaf = rule.leaves.get(tree.head)
        return parse_type(leaf.stored) if leaf else tree
    if tree.head == "UNION" and not rule.folds:
        return tree
    parts = tuple((name, _stored(part, rule)) for name, part in tree.parts)
    if tree.head == "UNION":
        return TypeName("STRUCT", ((_tag_of(tree), parse_type("VARCHAR")), *parts))
    if tree.head == "ARRAY" and rule.folds:
        return TypeName("LIST", parts)
    return TypeName(tree.head, parts, size=tree.size)


def _tag_of(union: TypeName) -> str:
    tag = "_tag"
    while tag in {name.casefold() for name, _ in union.parts}:
        tag += "_"
    return tag


def _holds(tree: TypeName, heads: frozenset[str]) -> bool:
    return tree.head in heads or any(_holds(part, heads) for _, part in tree.parts)


def _is_nameless(tree: TypeName) -> bool:
    """Whether SQL has no way to write the type."""
    return (tree.head == "STRUCT" and not tree.parts[0][0]) or any(_is_nameless(part) for _, part in tree.parts)


def _is_stuck(tree: TypeName, rule: Rule) -> bool:
    """Whether a conversion would have to name a type that SQL cannot write."""
    if tree.head in {"ARRAY", "UNION"} and _is_nameless(tree):
        return True
    return any(_is_stuck(part, rule) for _, part in tree.parts)


@dataclass(frozen=True, slots=True)
class _There:
    """The direction into the file."""

    rule: Rule
    label: str

    def leaf(self, value: str, tree: TypeName) -> str | None:
        """Give a written conversion, if a CAST will not do."""
        leaf = self.rule.leaves.get(tree.head)
        return leaf.there(value, self.label) if leaf and leaf.there else None

    def is_written(self, tree: TypeName) -> bool:
        """Whether a scalar type needs more than a CAST."""
        leaf = self.rule.leaves.get(tree.head)
        return leaf is not None and leaf.there is not None

    def union(self, value: str, tree: TypeName, member: Callable[[str, TypeName], str]) -> str:
        """Write a UNION as a STRUCT of its tag and all members."""
        tag = f"CAST(union_tag({value}) AS VARCHAR)"
        fields = "".join(
            f", {quote_identifier(name)} := {member(f'union_extract({value}, {quote_literal(name)})', part)}"
            for name, part in tree.parts
        )
        return f"CASE WHEN {tag} IS NOT NULL THEN struct_pack({_tag_of(tree)} := {tag}{fields}) END"


@dataclass(frozen=True, slots=True)
class _Back:
    """The direction out of the file."""

    rule: Rule

    def leaf(self, value: str, tree: TypeName) -> str | None:
        """Give a written conversion, if a CAST will not do."""
        leaf = self.rule.leaves.get(tree.head)
        return leaf.back(value, tree.text) if leaf and leaf.back else None

    def is_written(self, tree: TypeName) -> bool:
        """Whether a scalar type needs more than a CAST."""
        leaf = self.rule.leaves.get(tree.head)
        return leaf is not None and leaf.back is not None

    def union(self, value: str, tree: TypeName, member: Callable[[str, TypeName], str]) -> str:
        """Write the UNION that a STRUCT of tag and members stands for."""
        arms = "".join(
            f" WHEN {quote_literal(name)} THEN [CAST(union_value({quote_identifier(name)} :="
            f" {member(f'struct_extract({value}, {quote_literal(name)})', part)}) AS {tree})]"
            for name, part in tree.parts
        )
        # In a list of one, because DuckDB has no CASE over arrays or what holds them.
        return f"(CASE struct_extract({value}, {quote_literal(_tag_of(tree))}){arms} END)[1]"


def _convert(value: str, tree: TypeName, target: TypeName, way: _There | _Back, depth: int = 0) -> str:
    """Write a conversion: nothing, one CAST, or part by part where a CAST would not be exact."""
    if tree == _stored(tree, way.rule) and not _is_written(tree, way):
        return value
    if tree.is_leaf:
        return way.leaf(value, tree) or f"CAST({value} AS {target})"
    if _is_written(tree, way) or _is_nameless(tree):
        return _by_parts(value, tree, way, depth)
    return f"CAST({value} AS {target})"


def _is_written(tree: TypeName, way: _There | _Back) -> bool:
    if tree.is_leaf:
        return way.is_written(tree)
    if tree.head == "UNION":
        return way.rule.folds
    return any(_is_written(part, way) for _, part in tree.parts)


def _by_parts(value: str, tree: TypeName, way: _There | _Back, depth: int) -> str:
    def inner(expression: str, part: TypeName) -> str:
        target = _stored(part, way.rule) if isinstance(way, _There) else part
        return _convert(expression, part, target, way, depth + 1)

    match tree.head:
        case "LIST" | "ARRAY":
            return _list(value, tree, way, inner, depth)
        case "MAP":
            (_, key), (_, item) = tree.parts
            each = f"_e{depth}"
            pair = f"struct_pack(k := {inner(f'{each}.key', key)}, v := {inner(f'{each}.value', item)})"
            entries = f"list_transform(map_entries({value}), lambda {each}: {pair})"
            return f"CASE WHEN {value} IS NOT NULL THEN map_from_entries({entries}) END"
        case "UNION":
            return way.union(value, tree, inner)
        case _:
            return _struct(value, tree, inner)


def _list(value: str, tree: TypeName, way: _There | _Back, inner: Callable[[str, TypeName], str], depth: int) -> str:
    each = f"_e{depth}"
    moved = f"list_transform({value}, lambda {each}: {inner(each, tree.parts[0][1])})"
    return f"CAST({moved} AS {tree})" if tree.head == "ARRAY" and isinstance(way, _Back) else moved


def _struct(value: str, tree: TypeName, inner: Callable[[str, TypeName], str]) -> str:
    if tree.parts[0][0]:
        fields = ", ".join(
            f"{quote_identifier(name)} := {inner(f'struct_extract({value}, {quote_literal(name)})', part)}"
            for name, part in tree.parts
        )
        made = f"struct_pack({fields})"
    else:
        fields = ", ".join(
            inner(f"struct_extract({value}, {at})", part) for at, (_, part) in enumerate(tree.parts, start=1)
        )
        made = f"row({fields})"
    if _holds(tree, frozenset({"ARRAY"})):  # DuckDB has no CASE over arrays or what holds them
        return f"(CASE WHEN {value} IS NOT NULL THEN [{made}] END)[1]"
    return f"CASE WHEN {value} IS NOT NULL THEN {made} END"


def _typed_null(tree: TypeName) -> str:
    if not _is_nameless(tree):
        return "NULL" if tree.head == '"NULL"' else f"CAST(NULL AS {tree})"
    parts = [_typed_null(part) for _, part in tree.parts]
    if tree.head == "LIST":
        return f"[{parts[0]}]"
    if tree.head == "ARRAY":
        return "array_value(" + ", ".join(parts * tree.size) + ")"
    if tree.head == "MAP":
        return f"map([{parts[0]}], [{parts[1]}])"
    names = [name for name, _ in tree.parts]
    if not names[0]:
        return "row(" + ", ".join(parts) + ")"
    fields = (f"{quote_identifier(name)} := {part}" for name, part in zip(names, parts, strict=True))
    return "struct_pack(" + ", ".join(fields) + ")"
