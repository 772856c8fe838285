"""Constants and types, from DuckDB's own parse (JSON) back to text that parses to the very same."""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from math import isfinite
from typing import Any, Final

from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.tree import Unclear

Json = Mapping[str, Any]

_PLAIN_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_ ]*")
_WHOLE: Final = frozenset({"INTEGER", "BIGINT", "HUGEINT", "UHUGEINT", "UBIGINT"})
_EXACT: Final = Context(prec=50)


def constant(value: Json) -> str:
    """Give a constant; Unclear for kinds that no literal gives."""
    type_ = value["type"]["id"]
    if value["is_null"]:
        if type_ != "NULL":
            raise Unclear("a NULL of a type")
        return "NULL"
    found = value["value"]
    if type_ in _WHOLE:
        return _signed(str(_integer(found)))
    match type_:
        case "VARCHAR" if isinstance(found, str) and "\0" not in found:
            return quote_literal(found)
        case "DOUBLE" if isfinite(found):
            text = repr(float(found))
            return _signed(text if "e" in text else f"{text}e0")
        case "DECIMAL":
            return _decimal(_integer(found), value["type"]["type_info"])
        case _:
            raise Unclear(f"a constant of type {type_}")


def is_nothing(value: Json) -> bool:
    """Whether it is the bound of a slice that says none."""
    return bool(value["type"]["id"] == "LIST" and not value["is_null"] and value["value"] == {"children": []})


def _integer(found: int | Json) -> int:
    """Large numbers come in two halves."""
    return found if isinstance(found, int) else int(found["upper"]) * 2**64 + int(found["lower"])


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _decimal(unscaled: int, info: Json) -> str:
    """As many digits as its width says, since the parser counts them."""
    width, scale = int(info["width"]), int(info["scale"])
    digits = str(abs(unscaled)).rjust(width, "0")
    text = f"{digits[: len(digits) - scale]}.{digits[len(digits) - scale :]}"
    if _EXACT.create_decimal(text) != Decimal(abs(unscaled)).scaleb(-scale, _EXACT):
        raise Unclear("a decimal that is too long")
    return _signed(text if unscaled >= 0 else f"-{text}")


def type_name(type_: Json) -> str:
    """Give a type as CAST takes it; Unclear for what it does not say plainly."""
    name, info = str(type_["id"]), type_["type_info"]
    if info is None:
        if not _PLAIN_TYPE.fullmatch(name):
            raise Unclear(f"the type {name}")
        return name
    if info.get("alias") or info.get("extension_info"):
        raise Unclear(f"a type called {info['alias']}")
    writer = _WITH_PARTS.get(name)
    if writer is None:
        raise Unclear(f"the type {name}")
    return writer(info)


def _user_type(info: Json) -> str:
    if info["catalog"] or info["schema"] or info["user_type_modifiers"]:
        raise Unclear("a type of another schema")
    return quote_identifier(info["name"])


def _fields(info: Json) -> str:
    if not all(each["first"] for each in info["child_types"]):
        raise Unclear("a struct without names")
    return ", ".join(f"{quote_identifier(each['first'])} {type_name(each['second'])}" for each in info["child_types"])


def _map(info: Json) -> str:
    key, value = info["child_type"]["type_info"]["child_types"]
    return f"MAP({type_name(key['second'])}, {type_name(value['second'])})"


_WITH_PARTS: Final = {
    "DECIMAL": lambda info: f"DECIMAL({int(info['width'])}, {int(info['scale'])})",
    "LIST": lambda info: f"{type_name(info['child_type'])}[]",
    "ARRAY": lambda info: f"{type_name(info['child_type'])}[{int(info['size'])}]",
    "STRUCT": lambda info: f"STRUCT({_fields(info)})",
    "MAP": _map,
    "UNBOUND": _user_type,
}
