"""Columns that files of a source hold though its contract does not name them."""

from dataclasses import dataclass

Columns = tuple[tuple[str, str], ...]
"""(name, DuckDB type), in the order in which a file holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """A column that was found, with the type that holds every value found so far, and how many files have it."""

    name: str
    type: str
    files: int = 1
