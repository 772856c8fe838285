"""YAML nodes → values of any annotated type: one reader per type, made from its annotations once.

A reader collects every mistake as a diagnostic and goes on; ``MISSING`` stands for a value that could not be read.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.project import scalars
from headwater.project.names import shown
from headwater.project.places import Places, Written, mark_of
from headwater.project.yaml_nodes import Node
from headwater.spec.checks import AnyCheck
from headwater.spec.fields import Doc
from headwater.spec.nodes import Column
from headwater.spec.origin import Origin
from headwater.spec.tests import Expectation, Rows
from headwater.spec.units import Bytes, Every, Seconds


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
CHECKS: Final = tuple[AnyCheck, ...]
SHORT: Final[dict[type, str]] = {Column: "type", Rows: "rows", Expectation: "rows"}
"""Shapes that may be written as one value: ``carrier: text`` is short for ``carrier: {type: text}``."""
_NAMES: Final = {"scalar": "a single value", "sequence": "a list", "mapping": "a map"}
_TYPE_NAMES: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


@dataclass(slots=True)
class Reading:
    """What readers share while they read one file: where they are and what they found."""

    written: Written
    found: list[Diagnostic]
    key: str = ""
    """The key whose value is being read, for messages."""
    read_checks: "Read | None" = None
    """How a list of checks is read (they have a syntax of their own)."""

    def where(self, node: Node) -> Where:
        """Give the place of a node."""
        return self.written.where(node)

    def wrong(self, code: str, node: Node, message: str, hint: str = "") -> _Missing:
        """Note a mistake at a node."""
        length = len(node.value) if node.id == "scalar" and "\n" not in node.value else 1
        self.found.append(error(code, message, self.where(node), hint=hint, length=max(length, 1)))
        return MISSING

    def origin(self, node: Node, *more: tuple[str, Node]) -> Origin:
        """Give the origin of a value: the node's own place and (lazily) all below it and below other (path, node)."""
        parts = [(self.written, path, mark_of(part)) for path, part in (("", node), *more)]
        return Origin(self.written.where(node), Places(*parts))


Read = Callable[[Node, Reading], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a shape: the field it fills, its reader, whether it must be there."""

    name: str
    field: str
    type: Any
    read: Read
    required: bool
    doc: Doc | None


def key_of(field: str) -> str:
    """Give the key a user writes for a field: ``from_`` is ``from``, ``at_sites`` is ``at``."""
    return "at" if field == "at_sites" else field.removesuffix("_")


@cache
def keys_of(shape: Any) -> Mapping[str, Key]:
    """Give the keys of a shape: fields with a ``Doc`` (or, where none has one, all fields)."""
    hints = get_type_hints(shape, include_extras=True)
    own = [f for f in fields(shape) if f.init]
    documented = [f for f in own if _doc(hints[f.name])]
    return {key.name: key for key in (_key(f, hints[f.name]) for f in documented or own)}


def _key(field: Field[Any], hint: Any) -> Key:
    required = field.default is NO_DEFAULT and field.default_factory is NO_DEFAULT
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return Key(key_of(field.name), field.name, bare, reader_of(bare), required, _doc(hint))


def _doc(hint: Any) -> Doc | None:
    return next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Doc)), None)


@cache
def reader_of(annotation: Any) -> Read:
    """Make the reader of a type."""
    if annotation == CHECKS:
        return _read_checks
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    kind, args = get_origin(annotation), get_args(annotation)
    if kind is Annotated:
        return reader_of(args[0])
    if kind is Literal:
        return _one_of(args)
    if kind in (Union, types.UnionType):
        return _any_of(args)
    return _collection(annotation, kind, args)


def _collection(annotation: Any, kind: Any, args: tuple[Any, ...]) -> Read:
    if kind is tuple and len(args) > 1 and args[1] is not Ellipsis:
        return _exactly(tuple(map(reader_of, args)))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return _map_of(reader_of(args[1]), is_caseless=args[1] is Column)
    if isinstance(kind, type) and issubclass(kind, Sequence | set | frozenset):
        return _list_of(reader_of(args[0]), takes_one=_is_scalar(args[0]))
    if isinstance(annotation, type) and is_dataclass(annotation):
        return lambda node, reading: read_shape(annotation, node, reading)
    raise TypeError(f"no reader for {annotation!r}")


def _is_scalar(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return all(map(_is_scalar, get_args(annotation)))
    return (annotation in _LEAVES and annotation is not Any) or get_origin(annotation) is Literal


def _read_checks(node: Node, reading: Reading) -> Any:
    return (reading.read_checks or read_any)(node, reading)


# --- leaves


def _leaf(accepts: tuple[type, ...], expected: str) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        if node.id == "scalar":
            value = scalars.plain(node)
            if type(value) in accepts:
                return float(value) if accepts == (float, int) else value
        return mismatch(node, reading, expected)

    return read


def _converted(convert: Callable[[Any], Any], expected: str) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        if node.id != "scalar":
            return mismatch(node, reading, expected)
        try:
            return convert(scalars.plain(node))
        except ValueError as problem:
            return reading.wrong("HW0110", node, f"`{reading.key}` must be {expected}", hint=str(problem))

    return read


def read_any(node: Node, reading: Reading) -> Any:
    """Read anything as plain Python values; times stay text."""
    if node.id == "scalar":
        return scalars.plain(node)
    if node.id == "sequence":
        return [read_any(item, reading) for item in node.value]
    return {key: read_any(value, reading) for key, _, value in entries(node, reading)}


def mismatch(node: Node, reading: Reading, expected: str) -> Any:
    """Note a value of the wrong type; what was found is named by its type, never by its text."""
    found = _TYPE_NAMES.get(type(scalars.plain(node)), "text") if node.id == "scalar" else _NAMES[node.id]
    hint = ""
    if found == "null":
        hint = "give it a value, or take the key out"
    elif expected == "text":
        hint = "put it in quotes" if node.id == "scalar" else ""
    elif found == "text" and node.value.lower() in {"yes", "no", "on", "off"}:
        hint = "write true or false"
    return reading.wrong("HW0110", node, f"`{shown(reading.key)}` must be {expected}, not {found}", hint)


_LEAVES: Final[dict[Any, Read]] = {
    str: _leaf((str,), "text"),
    int: _leaf((int,), "a whole number"),
    float: _leaf((float, int), "a number"),
    bool: _leaf((bool,), "true or false"),
    type(None): _leaf((type(None),), "null"),
    Seconds: _converted(scalars.duration, "a duration such as 90s, 5m, 2h or 7d"),
    Bytes: _converted(scalars.size, "a size such as 64MB or 2GiB"),
    Every: _converted(scalars.every, "a slot length such as 5m, 1h, 1d or 1mo"),
    datetime: _converted(scalars.instant, "a date or time (ISO 8601)"),
    Any: read_any,
    object: read_any,
}


# --- choices and collections


def _one_of(choices: tuple[Any, ...]) -> Read:
    listed = ", ".join(str(choice) for choice in choices)

    def read(node: Node, reading: Reading) -> Any:
        value = scalars.plain(node) if node.id == "scalar" else MISSING
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return value
        if not isinstance(value, str):
            return mismatch(node, reading, f"one of {listed}")
        hint = suggest(value, map(str, choices))
        return reading.wrong("HW0112", node, f"`{reading.key}` must be one of {listed}, not `{shown(value)}`", hint)

    return read


def _any_of(members: tuple[Any, ...]) -> Read:
    if len(members) == 2 and type(None) in members:  # noqa: PLR2004 - X | None
        present = reader_of(members[0] if members[1] is type(None) else members[1])
        return lambda node, reading: None if _is_null(node) else present(node, reading)
    if all(member in _TYPE_NAMES for member in members):
        accepted = float if float in members and int not in members else None
        expected = " or ".join(_TYPE_NAMES[member] for member in members if member is not type(None))
        return _leaf((*members, *((int,) if accepted else ())), expected)
    return _first_that_fits(tuple(map(reader_of, members)))


def _first_that_fits(readers: tuple[Read, ...]) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        for reader in readers:
            trial = replace(reading, found=[])
            value = reader(node, trial)
            if not trial.found:
                return value
        reading.found.extend(trial.found)
        return MISSING

    return read


def _is_null(node: Node) -> bool:
    return node.id == "scalar" and scalars.plain(node) is None


def _exactly(readers: tuple[Read, ...]) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        if node.id != "sequence" or len(node.value) != len(readers):
            return mismatch(node, reading, f"a list of {len(readers)} values")
        values = tuple(reader(item, reading) for reader, item in zip(readers, node.value, strict=True))
        return MISSING if MISSING in values else values

    return read


def _list_of(item: Read, *, takes_one: bool) -> Read:
    """A list of plain values may be written as one value: ``tags: ops``."""

    def read(node: Node, reading: Reading) -> Any:
        key = reading.key
        if node.id == "sequence":
            values = []
            for element in node.value:
                reading.key = key
                values.append(item(element, reading))
            return tuple(value for value in values if value is not MISSING)
        if takes_one and node.id == "scalar" and not _is_null(node):
            value = item(node, reading)
            return value if value is MISSING else (value,)
        return mismatch(node, reading, "a list")

    return read


def _map_of(item: Read, *, is_caseless: bool) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        if node.id != "mapping":
            return mismatch(node, reading, "a map")
        values: dict[str, Any] = {}
        for name, _, value_node in entries(node, reading, is_caseless=is_caseless):
            reading.key = name
            value = item(value_node, reading)
            if value is not MISSING:
                values[name] = value
        return values

    return read


def entries(node: Node, reading: Reading, *, is_caseless: bool = False) -> list[tuple[str, Node, Node]]:
    """Give a map's (key, its node, value node); a key written twice counts once and is a mistake."""
    seen: dict[str, Node] = {}
    kept = []
    for key, value in node.value:
        if key.id != "scalar":
            reading.wrong("HW0129", key, "a key must be a single value", "put lists and maps on the right of the `:`")
            continue
        text = key.value
        folded = text.casefold() if is_caseless else text
        if folded in seen:
            first = reading.where(seen[folded])
            reading.wrong("HW0108", key, f"`{shown(text)}` is written twice; first on line {first.line}")
            continue
        seen[folded] = key
        kept.append((text, key, value))
    return kept


# --- shapes


def read_shape(shape: type, node: Node, reading: Reading) -> Any:
    """Read a map (or the one value it is short for) as a dataclass; MISSING if a required key is not there."""
    short = SHORT.get(shape)
    if short and (node.id == "sequence" or (node.id == "scalar" and not _is_null(node))):
        value = keys_of(shape)[short].read(node, reading)
        values = {} if value is MISSING else {short: value}
    else:
        values = read_values(shape, node, reading)
    if missing := missing_keys(shape, values, node, reading):
        return missing
    if "at" in getattr(shape, "__dataclass_fields__", ()) and "at" not in keys_of(shape):
        values["at"] = reading.origin(node)
    return shape(**values)


def missing_keys(shape: type, values: Mapping[str, Any], node: Node, reading: Reading) -> _Missing | None:
    """Note the required keys that a map lacks (a key whose value was wrong has had its diagnostic)."""
    result = None
    written = {key.value for key, _ in node.value if key.id == "scalar"} if node.id == "mapping" else set()
    for key in keys_of(shape).values():
        if key.required and key.field not in values:
            result = MISSING
            if key.name not in written and (node.id == "mapping" or _is_null(node)):
                reading.wrong("HW0111", node, f"`{key.name}` is missing", hint=key.doc.text if key.doc else "")
    return result


def read_values(
    shape: type, node: Node, reading: Reading, *, others: Mapping[str, Read] | None = None, is_open: bool = False
) -> dict[str, Any]:
    """Read a map's values by field name.

    ``others`` are keys that the shape itself does not have; with ``is_open``, unknown keys are passed over.
    """
    if node.id != "mapping":
        if not _is_null(node):
            mismatch(node, reading, "a map")
        return {}
    keys = keys_of(shape)
    values: dict[str, Any] = {}
    for text, key_node, value_node in entries(node, reading):
        key = keys.get(text)
        reading.key = text
        if key is not None:
            value, name = key.read(value_node, reading), key.field
        elif others and text in others:
            value, name = others[text](value_node, reading), text
        elif is_open:
            continue
        else:
            unknown_key(text, key_node, reading, (*keys, *(others or ())))
            continue
        if value is not MISSING:
            values[name] = value
    return values


LATER: Final = frozenset({
    "alerts", "catch_up", "concurrency", "connections", "continuous", "deadline", "dialect", "jurisdiction", "key",
    "keys", "land", "policies", "policy_tests", "replicated", "runtime", "runtimes", "scenarios", "schedule", "through",
    "when",
})  # fmt: skip
"""Keys of the published format that this version does not read yet."""


def unknown_key(text: str, node: Node, reading: Reading, known: Sequence[str]) -> None:
    """Note a key that nobody reads, with the known key closest to it."""
    hint = "this version of Headwater does not read it yet" if text in LATER else suggest(text[:100], known)
    reading.wrong("HW0109", node, f"unknown key `{shown(text)}`", hint or f"known keys: {', '.join(sorted(known))}")
