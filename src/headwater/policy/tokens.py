"""Keyed forms as SQL: tokens (HMAC-SHA256), tokens that keep a format, and noise; the key itself is never in a text."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from headwater.sql.functions import words
from headwater.sql.text import quote_literal

BLOCK_BYTES: Final = 64
"""Of SHA-256."""
LONGEST_FORMAT: Final = 32
"""Characters of a value whose format is kept; a longer one becomes as many letters and digits of its plain token."""
MOST_SEPARATORS: Final = 8
"""Characters that are neither digits nor letters in a value whose format is kept."""
_INTEGERS: Final = words("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT")
_AS_TEXT: Final = frozenset({"VARCHAR", "UUID", "DATE", "TIMESTAMP", "BOOLEAN"})
_DECIMAL: Final = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_OTHER: Final = re.compile(r"[^a-z0-9]")


def key_parameters(key: str, secret: bytes) -> Mapping[str, bytes]:
    """Give what must be bound wherever tokens of a key are made: parameter → bytes.

    They are the two padded forms of the secret that HMAC begins its hashes with, and as secret as it.
    """
    short = hashlib.sha256(secret).digest() if len(secret) > BLOCK_BYTES else secret
    block = short.ljust(BLOCK_BYTES, b"\0")
    inner, outer = parameter_names(key)
    return {inner: bytes(each ^ 0x36 for each in block), outer: bytes(each ^ 0x5C for each in block)}


def parameter_names(key: str) -> tuple[str, str]:
    """Name the two parameters of a key; different keys never share one.

    >>> parameter_names("crm"), parameter_names("crm-2")
    (('key_crm_inner', 'key_crm_outer'), ('key_crm_2d_2_inner', 'key_crm_2d_2_outer'))
    """
    name = _OTHER.sub(lambda found: f"_{ord(found[0]):x}_", key)
    return f"key_{name}_inner", f"key_{name}_outer"


def canonical_text(column: str, type_: str) -> tuple[str, str] | None:
    """Give (text of a value, what kind of value it is) as SQL and a word; None for types without one text per value.

    Values are equal if and only if their texts are, within a kind, whatever the session's time zone.
    """
    if type_ in _INTEGERS:
        return f"CAST({column} AS VARCHAR)", "integer"
    if type_ in _AS_TEXT:
        return f"CAST({column} AS VARCHAR)", "text" if type_ == "VARCHAR" else type_.lower()
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(({column} AT TIME ZONE 'UTC') AS VARCHAR)", "moment"
    if type_ == "BLOB":
        return f"hex({column})", "bytes"
    found = _DECIMAL.fullmatch(type_)
    return (f"CAST({column} AS VARCHAR)", f"decimal {found[1]}") if found else None


def hmac(key: str, domain: str, text: str) -> str:
    """Give the HMAC-SHA256 (64 hexadecimal digits) of a text in a domain; NULL of NULL."""
    inner, outer = parameter_names(key)
    message = f"encode({quote_literal(f'headwater|{domain}|{key}|')} || {text})"
    return f"sha256(CAST(${outer} AS BLOB) || unhex(sha256(CAST(${inner} AS BLOB) || {message})))"


def token(key: str, text: str, kind: str) -> str:
    """Give the token of a value: the same wherever the same key meets the same value of the same kind."""
    return hmac(key, f"hmac|{kind}", text)


def format_token(key: str, column: str) -> str:
    """Give a text of the same length and separators, its digits and letters replaced by others that the key decides."""
    stream = f"{hmac(key, 'format 1', column)} || {hmac(key, 'format 2', column)}"
    pieces = f"regexp_extract_all({stream}, '.{{4}}')"
    shift = "CAST('0x' || z[2] AS INTEGER)"
    character = (
        f"CASE WHEN z[1] >= '0' AND z[1] <= '9' THEN chr(48 + {shift} % 10)"
        f" WHEN z[1] >= 'A' AND z[1] <= 'Z' THEN chr(65 + {shift} % 26)"
        f" WHEN z[1] >= ' ' AND z[1] <= '~' AND NOT (z[1] >= 'a' AND z[1] <= 'z') THEN z[1]"
        f" ELSE chr(97 + {shift} % 26) END"
    )
    zipped = f"list_zip(string_split({column}, ''), {pieces}, true)"
    kept = f"array_to_string(list_transform({zipped}, lambda z: {character}), '')"
    separators = f"length(regexp_replace({column}, '[0-9A-Za-z]|[^ -~]', '', 'g'))"
    return (
        f"CASE WHEN {column} = '' THEN '' WHEN length({column}) <= {LONGEST_FORMAT}"
        f" AND {separators} <= {MOST_SEPARATORS}"
        f" THEN {kept} ELSE left({hmac(key, 'format 1', column)}, {LONGEST_FORMAT}) END"
    )


def noise(key: str, column: str, text: str, law: str, scale: str) -> str:
    """Give a value with noise as a DOUBLE, in hundredths of the scale: the same for the same cell, at every asking.

    A cell is (key, law, scale, value): rows with one value get one noise, so no number of rows averages it out.
    ``law``: ``laplace`` (scale: its b) or ``gaussian`` (scale: its standard deviation).
    """
    digest = hmac(key, f"noise {law} {scale}", text)
    first, second = (
        f"((CAST('0x' || substr({digest}, {at}, 13) AS UBIGINT) + 0.5) / 4503599627370496)" for at in (1, 14)
    )
    if law == "laplace":
        unit = f"(CASE WHEN {second} < 0.5 THEN ln({first}) ELSE -ln({first}) END)"
    else:
        unit = f"(sqrt(-2 * ln({first})) * cos(2 * pi() * {second}))"
    grain = f"(CAST({scale} AS DOUBLE) / 100)"
    return f"round((CAST({column} AS DOUBLE) + {unit} * CAST({scale} AS DOUBLE)) / {grain}) * {grain}"
