"""A unit test as YAML: rows in one line each, remarks where rows were made up."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_./])?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z?)?")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_EXACT_DIGITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A test to be written. ``remarks``: (input, place of a row) → why the row is there though no data holds it."""

    name: str
    model: str
    given: Mapping[str, Sequence[Mapping[str, Any]]]
    expect: Sequence[Mapping[str, Any]] = ()
    slot: tuple[datetime, datetime] | None = None
    now: datetime | None = None
    head: Sequence[str] = ()
    """Remarks before the test."""
    remarks: Mapping[tuple[str, int], str] = field(default_factory=dict)


def section(draft: Draft) -> str:
    """Write a test as an entry of ``tests:``."""
    return "".join(f"  {line}\n" for line in _lines(draft))


def _lines(draft: Draft) -> Iterator[str]:
    yield from (f"# {_one_line(remark)}" for remark in draft.head)
    yield f"{text(draft.name)}:"
    yield f"  model: {text(draft.model)}"
    if draft.now is not None:
        yield f"  now: {_instant(draft.now)}"
    if draft.slot is not None:
        yield f"  slot: [{_instant(draft.slot[0])}, {_instant(draft.slot[1])}]"
    if draft.given:
        yield "  given:"
    for name, rows in draft.given.items():
        yield f"    {text(name)}:" if rows else f"    {text(name)}: []"
        for at, row in enumerate(rows):
            if (name, at) in draft.remarks:
                yield f"      # {_one_line(draft.remarks[name, at])}"
            yield f"      - {_flow(row)}"
    yield "  expect:"
    yield "    rows:" if draft.expect else "    rows: []"
    yield from (f"      - {_flow(row)}" for row in draft.expect)


def _one_line(remark: str) -> str:
    return " ".join(remark.split())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{text(str(name))}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:  # noqa: PLR0911 - one line for each type
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(repr(value))
        case Decimal():
            return _decimal(format(value, "f"))
        case datetime():
            return _instant(value) if value.tzinfo else text(value.isoformat())
        case date() | time():
            return text(value.isoformat())
        case timedelta():
            return text(f"{value // timedelta(microseconds=1)} microseconds")
        case bytes():
            return text("".join(f"\\x{byte:02X}" for byte in value))
        case _:
            return text(str(value))


def _number(written: str) -> str:
    """A number that YAML readers keep exactly stays one; others are written as text."""
    is_finite = written.lower() not in {"nan", "inf", "-inf"}
    return written if is_finite else json.dumps(written)


def _decimal(written: str) -> str:
    """Readers take numbers for floats, which keep fifteen digits."""
    return written if sum(map(str.isdigit, written)) <= _EXACT_DIGITS else json.dumps(written)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def text(value: str) -> str:
    """Write a text so that it is read as that text (moments stay without quotes: their readers take text)."""
    if (_PLAIN.fullmatch(value) and value.lower() not in _WORDS) or _MOMENT.fullmatch(value):
        return value
    escaped = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04X}", escaped)
