"""Tables of keys, made from the annotations that also read them: name, type, default, what it means."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from headwater.project.shapes import Key, keys_of
from headwater.spec.units import Bytes, Every, Seconds

_WORDS: Final[dict[Any, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    Any: "anything",
    object: "anything",
    Seconds: "duration",
    Bytes: "size",
    Every: "slot length",
    datetime: "time",
}
_MOST_OF_UNION: Final = 4
_DAY_S, _HOUR_S, _MINUTE_S = 86400, 3600, 60


def field_table(shape: Any, without: Any = None) -> str:
    """Give a Markdown table of a shape's keys, those of ``without`` left out; empty if nothing is left."""
    known = set(keys_of(without)) if without is not None else set()
    rows = [_row(shape, key) for name, key in keys_of(shape).items() if name not in known]
    return "\n".join(["| key | type | default | |", "|---|---|---|---|", *rows]) if rows else ""


def _row(shape: Any, key: Key) -> str:
    said = key.doc.text if key.doc else ""
    example = f". Example: `{key.doc.example}`" if key.doc and key.doc.example else ""
    return f"| `{key.name}` | {_cell(words(key.type))} | {_cell(_default(shape, key))} | {_cell(said + example)} |"


def _default(shape: Any, key: Key) -> str:
    if key.required:
        return "required"
    field = next(each for each in fields(shape) if each.name == key.field)
    factory: Any = field.default_factory
    value = field.default if field.default is not MISSING else factory()
    if value is None or value == "" or (isinstance(value, (tuple, Mapping)) and not value) or is_dataclass(value):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if key.type is Seconds:
        return f"`{_duration(float(value))}`"
    return f"`{', '.join(map(str, value)) if isinstance(value, tuple) else value}`"


def _duration(seconds: float) -> str:
    for unit, size in (("d", _DAY_S), ("h", _HOUR_S), ("m", _MINUTE_S)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def words(annotation: Any) -> str:
    """Say a type in words.

    >>> words(tuple[str, ...]), words(Literal["a", "b"] | None)
    ('list of text', '`a` or `b`')
    """
    kind, args = get_origin(annotation), get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if kind is Literal:
        return _either([f"`{value}`" for value in args])
    if kind in (Union, types.UnionType, Annotated):
        return _of_union([arg for arg in args if arg is not type(None)] if kind is not Annotated else [args[0]])
    if isinstance(kind, type):
        return _of_collection(kind, args)
    return "map" if is_dataclass(annotation) else str(getattr(annotation, "__name__", annotation))


def _of_collection(kind: type, args: tuple[Any, ...]) -> str:
    if issubclass(kind, Mapping):
        return f"map of {words(args[1])}"
    if not issubclass(kind, Sequence):
        return kind.__name__
    if len(args) > 1 and args[1] is not Ellipsis:
        return f"list of {len(args)}: {', '.join(map(words, args))}"
    return f"list of {words(args[0])}"


def _of_union(args: list[Any]) -> str:
    if len(args) > _MOST_OF_UNION and all(is_dataclass(arg) for arg in args):
        return "[checks](checks.md)"
    return _either(list(dict.fromkeys(map(words, args))))


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
