"""What analysis asks of an engine: the parse of a query, and the names and types it gives over relations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Relation = tuple[tuple[str, str], ...]
"""Columns of a relation: (name, DuckDB type)."""


@dataclass(frozen=True, slots=True)
class BindError:
    """Why the engine refuses a query, in its own words, and where: an offset in characters, None if unknown."""

    kind: str
    """``syntax``, ``not a query``, ``missing column``, ``missing table``, ``missing function``, ``ambiguous``,
    ``types``, ``macro`` (``name`` says which; the offset is in its statement) or ``other``."""
    message: str
    offset: int | None = None
    name: str = ""
    """What is missing or ambiguous, where it is a name."""
    candidates: tuple[str, ...] = ()


class Bind(Protocol):
    """An engine that holds no data and reaches nothing outside."""

    def parse(self, text: str) -> bytes | BindError:
        """Give the parse of a single query (without macros, without names resolved) as JSON."""
        ...

    def __call__(
        self,
        text: str,
        relations: Mapping[str, Relation],
        *,
        macros: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
        timezone: str = "UTC",
    ) -> Relation | BindError:
        """Give the columns of a query over relations (by node name); ``parameters`` are SQL literals by name.

        ``macros`` are the CREATE MACRO statements that it may use, each after those it calls; the tables that they read
        are among ``relations``.
        """
        ...
