"""How a value is looked at: as one JSON document, or as lines on a page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """What lines are written for: how wide the terminal is (None: nothing is cut), and whether more is wanted."""

    columns: int | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """Two readers of the same value: a JSON-able document, and lines (styled; stripped where colours are off)."""

    document: Callable[[T], object]
    lines: Callable[[T, Page], Iterable[str]]
