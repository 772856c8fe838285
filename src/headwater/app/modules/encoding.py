"""Settings as values of a running file → what JSON can hold: see ``project.python.running.MadeNode``."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from headwater.spec.checks import KINDS, Check

_KIND_OF: Final[dict[type[Check], str]] = {shape: kind for kind, shape in KINDS.items()}
_DEEPEST: Final = 100
_LONGEST: Final = 2**512
"""Whole numbers beyond it are no settings (and JSON cannot say numbers of many thousand digits)."""


def encode(value: Any, depth: int = 0) -> Any:
    """Give a setting's form; ``{"x": what}`` stands for a value that is no setting."""
    if depth > _DEEPEST:
        return {"x": "nested too deep, or holds itself"}
    if isinstance(value, Enum):
        return encode(value.value, depth + 1)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < _LONGEST else {"x": "a number that is too long"}
    if isinstance(value, str):
        return str.__str__(value)
    return _text(value) or _collection(value, depth)


def _text(value: Any) -> dict[str, str] | None:
    if isinstance(value, datetime | date | time):
        return {"t": value.isoformat()}
    if isinstance(value, timedelta):
        return {"t": f"{value.total_seconds():g}s"}
    return {"t": str(value)} if isinstance(value, Decimal) else None


def _collection(value: Any, depth: int) -> Any:
    if isinstance(value, Check):
        return _check(value, depth)
    if isinstance(value, Mapping):
        return {"m": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    if isinstance(value, set | frozenset):
        return sorted((encode(each, depth + 1) for each in value), key=repr)
    if isinstance(value, list | tuple):
        return [encode(each, depth + 1) for each in value]
    if isinstance(value, PurePath):
        return value.as_posix()
    return {"x": "a function" if callable(value) else f"a `{type(value).__name__}`"}


def _check(check: Check, depth: int) -> Any:
    """``hw.not_null("a", on_fail="warn")`` is ``{not_null: {columns: [a], on_fail: warn}}``."""
    said = []
    for each in fields(check):
        value = getattr(check, each.name)
        is_said = each.default is MISSING or value != each.default
        if each.name != "at" and is_said:
            said.append([each.name.removesuffix("_"), encode(value, depth + 1)])
    kind = _KIND_OF.get(type(check))
    return {"m": [[kind, {"m": said}]]} if kind else {"x": f"a `{type(check).__name__}`"}
