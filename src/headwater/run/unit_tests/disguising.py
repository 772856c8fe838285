"""Values that stand in for those that must not be shown: of the same type and form, the same for the same value."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from headwater.sql.type_names import TypeName, parse_type

_BITS: Final = {
    "TINYINT": 7,
    "UTINYINT": 8,
    "SMALLINT": 15,
    "USMALLINT": 16,
    "INTEGER": 31,
    "UINTEGER": 32,
    "BIGINT": 63,
}
_MOST_TRIES: Final = 100
_MOST_DAYS: Final = 365
_LABEL: Final = re.compile(r"'((?:[^']|'')*)'")


class Disguise:
    """Gives stand-ins. One of another ``salt`` gives others; one disguise never gives two values the same stand-in."""

    def __init__(self, salt: int) -> None:
        self._salt = salt
        self._given: dict[tuple[str, str], Any] = {}
        self._taken: dict[str, set[str]] = {}

    def of(self, value: Any, type_: str) -> Any:
        """Give what stands in for a value; NULL stays NULL."""
        return None if value is None else self._of(value, parse_type(type_))

    def _of(self, value: Any, type_: TypeName) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            inner = type_.parts[0][1] if type_.parts else type_
            return [tuple(map(str, each)) if isinstance(each, tuple) else self._of(each, inner) for each in value]
        if isinstance(value, Mapping):
            parts = dict(type_.parts)
            return {name: self._of(each, parts[name]) if name in parts else None for name, each in value.items()}
        family = _family(type_)
        text = str(value)
        if (family, text) not in self._given:
            self._given[family, text] = self._new(text, value, type_, family)
        return self._given[family, text]

    def _new(self, text: str, value: Any, type_: TypeName, family: str) -> Any:
        """Try until it is neither the value itself nor a stand-in of another one (small domains allow no choice)."""
        taken = self._taken.setdefault(family, set())
        found: Any = None
        for attempt in range(_MOST_TRIES):
            found = _fake(
                text, value, type_, _Stream(f"{self._salt}:{attempt}:{family}:{text}"), self._salt * 7 + attempt
            )
            if str(found) != text and str(found) not in taken:
                break
        taken.add(str(found))
        return found


class _Stream:
    """Chance that depends on a text only."""

    def __init__(self, key: str) -> None:
        self._key, self._count = key, 0

    def below(self, most: int) -> int:
        """Give the next number below ``most``."""
        self._count += 1
        digest = blake2b(f"{self._count}:{self._key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % most


def _family(type_: TypeName) -> str:
    """Texts and whole numbers share stand-ins, digit by digit: a number may be joined with its text."""
    if type_.head in _BITS or type_.head in {"VARCHAR", "HUGEINT", "UBIGINT", "UHUGEINT"}:
        return "text"
    return type_.text or type_.head


def _fake(text: str, value: Any, type_: TypeName, chance: _Stream, shift: int) -> Any:  # noqa: PLR0911 - by type
    head = type_.head
    if isinstance(value, bool):
        return bool(chance.below(2))
    if isinstance(value, int):
        return _whole(value, head, chance)
    if isinstance(value, float):
        return _number(value, chance)
    if head in {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"} or head.startswith("TIMESTAMP"):
        return _moment(text, head, shift)
    if isinstance(value, Decimal):
        return Decimal(_letters(text, chance))
    if head in {"DECIMAL", "HUGEINT", "UBIGINT", "UHUGEINT"}:
        return _letters(text, chance)
    special = {"UUID": _uuid, "JSON": _json, "ENUM": _label, "BLOB": _blob, "TIME": _time, "BIT": _bit}
    make = special.get(head.partition(" ")[0])
    if make is not None:
        return make(text, type_, chance)
    return (
        _letters(text, chance)
        if head == "VARCHAR"
        else f"{chance.below(1000) + 1} days"
        if head == "INTERVAL"
        else None
    )


def _letters(text: str, chance: _Stream) -> str:
    """Other letters for letters, other digits for digits; all else says where they stand and stays."""
    made, is_first = [], True
    for sign in text:
        if sign.isdigit():
            made.append(str(chance.below(9) + 1) if is_first and sign != "0" else str(chance.below(10)))
            is_first = False
        elif sign.isalpha():
            made.append(chr(ord("A" if sign.isupper() else "a") + chance.below(26)))
        else:
            made.append(sign)
    return "".join(made)


def _whole(value: int, head: str, chance: _Stream) -> int:
    made = int(_letters(str(abs(value)), chance)) or chance.below(9) + 1
    made = made % (1 << _BITS.get(head, 63))
    return -made if value < 0 else made


def _number(value: float, chance: _Stream) -> float:
    places = max(0, -int(Decimal(repr(value)).as_tuple().exponent)) if value == value and abs(value) < 1e15 else 0  # noqa: PLR0124, PLR2004 - not NaN; exact
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return float(chance.below(100))
    made: float = round(abs(value) * (0.5 + chance.below(1000) / 1000) + chance.below(10) / 10**places, places)
    return -made if value < 0 else made


def _moment(text: str, head: str, shift: int) -> str:
    """All moments move by the same number of days: their order and distances stay."""
    days = timedelta(days=1 + blake2b(str(shift).encode(), digest_size=2).digest()[0] % _MOST_DAYS)
    try:
        if head == "DATE":
            return (date.fromisoformat(text) - days).isoformat()
        moved = (datetime.fromisoformat(text.removesuffix("Z")) - days).isoformat()
    except (ValueError, OverflowError):
        return "2000-01-01" if head == "DATE" else "2000-01-01T00:00:00"
    return moved + ("Z" if text.endswith("Z") else "")


def _uuid(_: str, __: TypeName, chance: _Stream) -> str:
    return str(UUID(int=chance.below(1 << 63) << 64 | chance.below(1 << 63)))


def _json(text: str, _: TypeName, chance: _Stream) -> str:
    def fake(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fake(each) for name, each in value.items()}
        if isinstance(value, list):
            return [fake(each) for each in value]
        if isinstance(value, str):
            return _letters(value, chance)
        if isinstance(value, bool) or value is None:
            return value
        return _whole(value, "BIGINT", chance) if isinstance(value, int) else _number(value, chance)

    try:
        return json.dumps(fake(json.loads(text)))
    except ValueError:
        return "null"


def _label(_: str, type_: TypeName, chance: _Stream) -> str:
    labels = [label.replace("''", "'") for label in _LABEL.findall(type_.text)]
    return labels[chance.below(len(labels))] if labels else ""


def _blob(text: str, _: TypeName, chance: _Stream) -> str:
    return "".join(f"\\x{chance.below(256):02X}" for _ in range(max(1, min(len(text), 16))))


def _time(text: str, _: TypeName, chance: _Stream) -> str:
    made = f"{chance.below(24):02}:{chance.below(60):02}:{chance.below(60):02}"
    return made + text[8:] if text[8:9] in {"+", "-"} else made


def _bit(text: str, _: TypeName, chance: _Stream) -> str:
    return "".join(str(chance.below(2)) for _ in text)
