"""Coarse forms as SQL: stretches of time, bands of numbers, pooled ages, ZIP3, prefixes of addresses, constants."""

import re
from typing import Final

from headwater.sql.functions import words

INTEGERS: Final = words("TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER")
TIMES: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"})
UNITS: Final = ("hour", "day", "week", "month", "quarter", "year")
"""From fine to coarse."""
POOLED_AGE: Final = 90
_SMALL_ZIP3: Final = sorted(words("036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893"))
"""Of fewer than 20,000 people (United States, census of 2000): given as 000, as HIPAA's safe harbour says."""
_V4: Final = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_CONSTANTS: Final = {
    "VARCHAR": "'[redacted]'",
    "BOOLEAN": "false",
    "DATE": "DATE '1970-01-01'",
    "TIMESTAMP": "TIMESTAMP '1970-01-01 00:00:00'",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '1970-01-01 00:00:00+00'",
    "UUID": "CAST('00000000-0000-0000-0000-000000000000' AS UUID)",
    "BLOB": "CAST('' AS BLOB)",
}


def is_number(type_: str) -> bool:
    """Whether a type is one that can be rounded: beyond 64 bits it cannot."""
    return type_ in INTEGERS or type_ in ("FLOAT", "DOUBLE") or type_.startswith("DECIMAL(")


def number_type(type_: str) -> str:
    """The type of bands and rounded numbers: whole numbers stay whole."""
    return "BIGINT" if type_ in INTEGERS else "DOUBLE"


def stretch(column: str, type_: str, unit: str) -> str:
    """The first moment of the year, quarter, month, week, day or hour (of UTC, where the type has a zone)."""
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"(date_trunc('{unit}', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
    return f"CAST(date_trunc('{unit}', {column}) AS {type_})"


def band(column: str, type_: str, width: int) -> str:
    """The lower end of a number's band; NULL where that is no BIGINT."""
    if type_ in INTEGERS:
        wide = f"CAST({column} AS HUGEINT)"
        return f"TRY_CAST({wide} - (({wide} % {width}) + {width}) % {width} AS BIGINT)"
    return f"floor(CAST({column} AS DOUBLE) / {width}) * {width}"


def age(column: str, type_: str, width: int) -> str:
    """The lower end of an age's band; all from 90 are 90, all below 0 are 0."""
    inner = band(column, type_, width)
    return (
        f"CASE WHEN {column} >= {POOLED_AGE} THEN {POOLED_AGE} WHEN {column} < 0 THEN 0"
        f" WHEN {column} >= 0 THEN CAST({inner} AS INTEGER) END"
    )


def zip3(column: str) -> str:
    """The first three digits of a ZIP code, 000 for areas of few people; NULL for what is none."""
    small = ", ".join(f"'{each}'" for each in _SMALL_ZIP3)
    first = f"left({column}, 3)"
    return (
        f"CASE WHEN NOT regexp_full_match({column}, '[0-9]{{5}}(-[0-9]{{4}})?') THEN NULL"
        f" WHEN {first} IN ({small}) THEN '000' ELSE {first} END"
    )


def rounded(column: str, type_: str, step: str) -> str:
    """The multiple of a step that is nearest."""
    value = f"CAST({column} AS DOUBLE)"
    if type_ in INTEGERS and step.isdigit():
        wide = f"CAST({column} AS HUGEINT)"
        half = f"({wide} + {int(step) // 2})"
        return f"TRY_CAST({half} - (({half} % {step}) + {step}) % {step} AS BIGINT)"
    return f"round({value} / CAST('{step}' AS DOUBLE)) * CAST('{step}' AS DOUBLE)"


def truncated(column: str, length: int) -> str:
    """The first characters."""
    return f"left({column}, {length})"


def constant(type_: str) -> str:
    """One value for all rows, NULL included: NULL of types that have no constant here."""
    if type_ in INTEGERS or is_number(type_) or type_ in ("HUGEINT", "UBIGINT", "UHUGEINT"):
        return f"CAST(0 AS {type_})"
    return _CONSTANTS.get(type_, f"CAST(NULL AS {type_})")


def ip_prefix(column: str, bits: int) -> str:
    """The network of an address: so many bits of IPv4, twice as many of IPv6; NULL for what is no address."""
    plain = f"regexp_replace(lower(trim({column})), '^::ffff:([0-9]+[.][0-9.]+)$', '\\1')"
    is_v4 = f"regexp_full_match({plain}, '{_V4}([.]{_V4}){{3}}')"
    return f"CASE WHEN {is_v4} THEN {_v4(plain, bits)} ELSE {_v6(plain, 2 * bits)} END"


def _v4(address: str, bits: int) -> str:
    parts = f"string_split({address}, '.')"
    kept = [f"(CAST({parts}[{at + 1}] AS INTEGER) & {_mask(bits - 8 * at, 8)})" for at in range(4)]
    return " || '.' || ".join(kept) + f" || '/{bits}'"


def _v6(address: str, bits: int) -> str:
    """Eight groups of up to four hexadecimal digits; ``::`` stands once, for one group of zeros or more."""
    left, right = (_groups(f"split_part({address}, '::', {at})") for at in (1, 2))
    zeros = f"list_transform(range(8 - len({left}) - len({right})), lambda g: '0')"
    groups = (
        f"(CASE WHEN contains({address}, '::') THEN list_concat({left}, list_concat({zeros}, {right}))"
        f" ELSE {_groups(address)} END)"
    )
    needed = -(-bits // 16)
    kept = [
        f"format('{{:x}}', CAST('0x' || {groups}[{at + 1}] AS INTEGER) & {_mask(bits - 16 * at, 16)})"
        for at in range(needed)
    ]
    body = " || ':' || ".join(kept) + ("" if needed == 8 else " || '::'")  # noqa: PLR2004 - groups of an address
    group = "[0-9a-f]{1,4}"
    whole = f"regexp_full_match({address}, '{group}(:{group}){{7}}')"
    half = f"({group}(:{group})*)?"
    short = f"(regexp_full_match({address}, '{half}::{half}') AND len({left}) + len({right}) <= 7)"
    return f"CASE WHEN {whole} OR {short} THEN {body} || '/{bits}' END"


def _groups(text: str) -> str:
    return f"list_filter(string_split({text}, ':'), lambda g: g <> '')"


def _mask(bits: int, width: int) -> int:
    """The number whose first ``bits`` of ``width`` bits are set."""
    kept = min(max(bits, 0), width)
    return ((1 << kept) - 1) << (width - kept)


_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?")


def positive_number(text: str) -> str:
    """Give a step as a plain number in SQL; empty if it is none, or 0.

    >>> positive_number("0.5"), positive_number("0"), positive_number("1e3")
    ('0.5', '', '')
    """
    return text if _NUMBER.fullmatch(text) and float(text) > 0 else ""
