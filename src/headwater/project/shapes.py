"""YAML nodes → values of any annotated type: one reader per type, made from its annotations once."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from headwater.project.leaves import LEAVES, exactly, first_that_fits, leaf, list_of, map_of, one_of, read_any
from headwater.project.reading import (
    MISSING,
    TYPE_NAMES,
    Missing,
    Read,
    Reading,
    entries,
    is_null,
    mismatch,
    unknown_key,
)
from headwater.project.yaml_nodes import Node
from headwater.spec.checks import AnyCheck
from headwater.spec.fields import Doc
from headwater.spec.nodes import Column, Reads
from headwater.spec.schedules import Schedule
from headwater.spec.tests import Expectation, Rows

CHECKS: Final = tuple[AnyCheck, ...]
SHORT: Final[dict[type, str]] = {Column: "type", Rows: "rows", Expectation: "rows", Reads: "rows", Schedule: "cron"}
"""Shapes that may be written as one value: ``carrier: text`` is short for ``carrier: {type: text}``."""
ONE_OR_MANY: Final = frozenset({Schedule})
"""Shapes of which a list of one may be written without the list."""
_CLOSE: Final = 0.75
"""How alike a slip and a key are, from 0 to 1."""


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
    if annotation in LEAVES:
        return LEAVES[annotation]
    kind, args = get_origin(annotation), get_args(annotation)
    if kind is Annotated:
        return reader_of(args[0])
    if kind is Literal:
        return one_of(args)
    if kind in (Union, types.UnionType):
        return _any_of(args)
    return _collection(annotation, kind, args)


def _collection(annotation: Any, kind: Any, args: tuple[Any, ...]) -> Read:
    if kind is tuple and len(args) > 1 and args[1] is not Ellipsis:
        return exactly(tuple(map(reader_of, args)))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return map_of(reader_of(args[1]), is_caseless=args[1] is Column)
    if isinstance(kind, type) and issubclass(kind, Sequence | set | frozenset):
        return list_of(reader_of(args[0]), one=one_for_many(args[0]))
    if isinstance(annotation, type) and is_dataclass(annotation):
        return lambda node, reading: read_shape(annotation, node, reading)
    raise TypeError(f"no reader for {annotation!r}")


def one_for_many(annotation: Any) -> tuple[str, ...]:
    """Give the kinds of YAML node that, alone, stand for a list of one such value."""
    if annotation in ONE_OR_MANY:
        return ("scalar", "mapping")
    return ("scalar",) if is_scalar(annotation) else ()


def is_scalar(annotation: Any) -> bool:
    """Whether values of a type are single values: a list of such may be written as one."""
    if get_origin(annotation) in (Union, types.UnionType):
        return all(map(is_scalar, get_args(annotation)))
    return (annotation in LEAVES and annotation is not Any) or get_origin(annotation) is Literal


def _any_of(members: tuple[Any, ...]) -> Read:
    if len(members) == 2 and type(None) in members:  # noqa: PLR2004 - X | None
        present = reader_of(members[0] if members[1] is type(None) else members[1])
        return lambda node, reading: None if is_null(node) else present(node, reading)
    if all(member in TYPE_NAMES for member in members):
        accepted = float if float in members and int not in members else None
        expected = " or ".join(TYPE_NAMES[member] for member in members if member is not type(None))
        return leaf((*members, *((int,) if accepted else ())), expected)
    return first_that_fits(tuple(map(reader_of, members)))


def _read_checks(node: Node, reading: Reading) -> Any:
    return (reading.read_checks or read_any)(node, reading)


def read_shape(shape: type, node: Node, reading: Reading) -> Any:
    """Read a map (or the one value it is short for) as a dataclass; MISSING if a required key is not there."""
    short = SHORT.get(shape)
    if short and (node.id == "sequence" or (node.id == "scalar" and not is_null(node))):
        value = keys_of(shape)[short].read(node, reading)
        values = {} if value is MISSING else {short: value}
    else:
        values = read_values(shape, node, reading)
    if missing := missing_keys(shape, values, node, reading):
        return missing
    if "at" in getattr(shape, "__dataclass_fields__", ()) and "at" not in keys_of(shape):
        values["at"] = reading.origin(node)
    return shape(**values)


def missing_keys(shape: type, values: Mapping[str, Any], node: Node, reading: Reading) -> Missing | None:
    """Note the required keys that a map lacks (a key whose value was wrong has had its diagnostic)."""
    result = None
    written = {key.value for key, _ in node.value if key.id == "scalar"} if node.id == "mapping" else set()
    for key in keys_of(shape).values():
        if key.required and key.field not in values:
            result = MISSING
            if (
                key.name not in written
                and not _is_slip_told(key.name, node, shape, reading)
                and (node.id == "mapping" or is_null(node))
            ):
                reading.wrong("HW0111", node, f"`{key.name}` is missing", hint=key.doc.text if key.doc else "")
    return result


def _slip(required: str, node: Node, shape: type) -> str:
    """Give the written key that is a slip of a required key which is not there ("" if there is none)."""
    written = [key.value for key, _ in node.value if key.id == "scalar"] if node.id == "mapping" else []
    strange = [] if required in written else [text for text in written if text not in keys_of(shape)]
    return next(iter(get_close_matches(required, strange, n=1, cutoff=_CLOSE)), "")


def _is_slip_told(required: str, node: Node, shape: type, reading: Reading) -> bool:
    slip = _slip(required, node, shape)
    pairs = node.value if slip else []
    places = [reading.where(key) for key, _ in pairs if key.id == "scalar" and key.value == slip]
    return any(each.code == "HW0109" and each.where in places for each in reading.found)


def read_values(
    shape: type, node: Node, reading: Reading, *, others: Mapping[str, Read] | None = None, is_open: bool = False
) -> dict[str, Any]:
    """Read a map's values by field name.

    ``others`` are keys that the shape itself does not have; with ``is_open``, unknown keys are passed over, unless they
    are slips of required ones.
    """
    if node.id != "mapping":
        if not is_null(node):
            mismatch(node, reading, "a map")
        return {}
    keys = keys_of(shape)
    slips = {_slip(key.name, node, shape) for key in keys.values() if key.required} if is_open else set()
    values: dict[str, Any] = {}
    for text, key_node, value_node in entries(node, reading):
        key = keys.get(text)
        reading.key = text
        if key is not None:
            value, name = key.read(value_node, reading), key.field
        elif others and text in others:
            value, name = others[text](value_node, reading), text
        elif is_open and text not in slips:
            continue
        else:
            unknown_key(text, key_node, reading, (*keys, *(others or ())))
            continue
        if value is not MISSING:
            values[name] = value
    return values
