"""Rows as a source gave them, not judged yet: a relation, and each declared column as SQL over it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RawColumn:
    """A declared column as SQL over the raw rows."""

    value: str
    """The value with its declared type; NULL where what stands there does not fit."""
    shown: str
    """What stands there, as text; NULL where nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What was extracted; declared columns in their order."""

    relation: str
    columns: Mapping[str, RawColumn]
    greatest: str | None = None
    """Aggregate over raw rows that gives, as text, where the next extraction begins; None: there is no cursor."""
    boundary: str | None = None
    """Condition over raw rows: the last extraction may have had it, too (rows that share the greatest cursor)."""
    past: str | None = None
    """Condition over raw rows that no extraction may meet: rows of an earlier one (a function that goes back)."""
