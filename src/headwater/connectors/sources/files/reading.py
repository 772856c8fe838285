"""How files of one layout become rows: a relation, an expression per column, and what makes a row no row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from headwater.connect.sources import ScanItem
from headwater.spec.observations import Item
from headwater.sql.text import quote_identifier, quote_literal

FILE: Final = "__hw_file"
FLAW: Final = "__hw_flaw"
LINE: Final = "__hw_line"
KEEP: Final = "__hw_keep"
BUFFER_BYTES: Final = 32 << 20
"""Longest record that is read: a longer one is set aside. Buffers of this size are all that a scan holds in memory."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A condition on a row (over raw and typed columns) under which it does not belong to the source."""

    reason: str
    column: str
    condition: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Files that are read alike, by one relation.

    ``relation`` is a SELECT of the raw columns and ``__hw_file``; ``columns`` gives each declared column as an
    expression over it; ``carried`` are raw columns that flaws or payloads need besides.
    """

    items: tuple[ScanItem, ...]
    paths: tuple[str, ...]
    relation: str
    columns: Mapping[str, str]
    carried: Mapping[str, str] = field(default_factory=dict)
    forced: tuple[str, ...] = ()
    """Columns (of the relation) that must be read in every scan: the engine casts and validates only what it reads."""
    flaws: tuple[Flaw, ...] = ()
    rejects: str = ""
    """Name of the temporary table in which the engine's reader reports; "" if it does not."""
    is_costly: bool = False
    """Typed columns are computed: keep filters from computing them a second time."""
    key: str = "NULL"
    """Text by which a row is found again in its file, over raw and typed columns."""
    framing: Literal["lines", "records", "documents", "rows"] = "rows"
    """What is looked for: lines, quoted records, JSON values; or rows whose key begins with their number."""
    header: tuple[str, ...] = ()
    """Names of the columns in the file, in order, declared ones as declared (delimited files only)."""

    @property
    def by_path(self) -> dict[str, Item]:
        """The files by the path that the engine knows."""
        return dict(zip(self.paths, (scan.item for scan in self.items), strict=True))

    @property
    def absent(self) -> str:
        """The condition that all forced columns are absent: it cannot be answered without reading them."""
        return " AND ".join(f"{column} IS NULL" for column in self.forced)


def path_list(paths: tuple[str, ...]) -> str:
    """Give paths as a SQL list in which no character is a wildcard."""
    return "[" + ", ".join(quote_literal(_without_magic(path)) for path in paths) + "]"


def _without_magic(path: str) -> str:
    if not any(sign in path for sign in "*?["):
        return path
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def typed(reading: Reading, bounds: "Bounds", flaws: tuple[Flaw, ...]) -> str:
    """Give the SELECT of typed columns, file and flaw (a number counted from 1, or NULL for a row of the source)."""
    names = [f"{expression} AS {quote_identifier(name)}" for name, expression in reading.columns.items()]
    names += [f"{expression} AS {quote_identifier(name)}" for name, expression in reading.carried.items()]
    inner = f"SELECT {', '.join([FILE, *names, *bounds.columns])} FROM ({reading.relation}) AS raw{bounds.join}"
    cases = " ".join(f"WHEN {flaw.condition} THEN {number}" for number, flaw in enumerate(flaws, 1))
    flaw = f"CASE {cases} END" if cases else "NULL"
    return f"SELECT *, {flaw} AS {FLAW} FROM ({inner}) AS typed"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that differ from file to file: columns to select, and the join that brings them."""

    columns: tuple[str, ...] = ()
    join: str = ""
