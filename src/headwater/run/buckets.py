"""Key ranges: into which file of a fold a key belongs, and where ranges are cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headwater.graph.values import Node
from headwater.run.engine import Session
from headwater.sql.text import quote_identifier, quote_literal

_MOST: Final = 512
_SAMPLE_ROWS: Final = 50_000
_ORDERED: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "VARCHAR", "DATE"}
    | {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "UUID", "BOOLEAN"}
)
"""Types whose values come back from text exactly, and sort the same way everywhere."""

Low = tuple[str, ...]
"""The lowest key of a bucket as text, one for each column of the key; empty: lower than every key."""


@dataclass(frozen=True, slots=True)
class Key:
    """The columns of a key with their types."""

    columns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, node: Node) -> "Key":
        """Give the key of a chain's node, with the names as the columns have them."""
        known = {column.name.casefold(): (column.name, column.type) for column in node.columns}
        return cls(tuple(known[name.casefold()] for name in (node.chain.key if node.chain else ())))

    @property
    def listed(self) -> str:
        """The columns, quoted, for SQL."""
        return ", ".join(quote_identifier(name) for name, _ in self.columns)

    @property
    def has_order(self) -> bool:
        """Whether ranges of it can be written down."""
        return all(type_ in _ORDERED or type_.startswith("DECIMAL") for _, type_ in self.columns)


def bucket_of(key: Key, lows: Sequence[Low]) -> str:
    """Give the SQL of a key's bucket: the number of the last low that is not above it.

    >>> print(bucket_of(Key((("id", "BIGINT"),)), [(), ("10",)]))
    CASE WHEN "id" < CAST('10' AS BIGINT) THEN 0 ELSE 1 END
    """
    return _search(key, lows, 0, len(lows) - 1)


def _search(key: Key, lows: Sequence[Low], first: int, last: int) -> str:
    if first == last:
        return str(first)
    middle = (first + last + 1) // 2
    below, above = _search(key, lows, first, middle - 1), _search(key, lows, middle, last)
    return f"CASE WHEN {_is_below(key, lows[middle])} THEN {below} ELSE {above} END"


def _is_below(key: Key, low: Low) -> str:
    (name, type_), *others = key.columns
    value = f"CAST({quote_literal(low[0])} AS {type_})"
    column = quote_identifier(name)
    if not others:
        return f"{column} < {value}"
    return f"({column} < {value} OR ({column} = {value} AND {_is_below(Key(tuple(others)), low[1:])}))"


def cut_lows(session: Session, key: Key, rows: str, count: int, target: int) -> list[Low]:
    """Cut the keys of a SELECT of ``count`` rows into ranges of about ``target``; the first low is the empty one."""
    pieces = min(_MOST, -(-count // target))
    if pieces < 2 or not key.has_order:  # noqa: PLR2004 - one bucket needs no bounds
        return [()]
    texts = ", ".join(f"CAST({quote_identifier(name)} AS VARCHAR)" for name, _ in key.columns)
    sampled = (
        f"SELECT {texts} FROM (SELECT {key.listed} FROM ({rows}) AS rows_of_fold"
        f" USING SAMPLE reservoir({_SAMPLE_ROWS} ROWS) REPEATABLE (1)) AS sampled ORDER BY {key.listed}"
    )
    found: list[Low] = list(session.rows(sampled))
    step = max(1, len(found) // pieces)
    lows = [low for low in found[step::step] if not any("\0" in part for part in low)]
    return [(), *dict.fromkeys(lows[: pieces - 1])]
