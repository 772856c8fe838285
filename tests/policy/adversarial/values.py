"""What a case of the adversarial suite is: a world, a query in it, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Rows = tuple[tuple[Any, ...], ...]
US: Final = ("hub", "nyc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A source: its columns as (type, class), and its rows at each site, now and in the twin.

    The twin differs from it only in what no grant of the world releases.
    """

    columns: Mapping[str, tuple[str, str]]
    rows: Mapping[str, Rows]
    twin: Mapping[str, Rows] = field(default_factory=dict)
    """Site → rows; a site that is not here has the same rows as before."""
    replicated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Sites under laws, sources at them, and rules."""

    name: str
    jurisdictions: Mapping[str, str]
    """Site → jurisdiction; empty strings: nothing declares one."""
    sources: Mapping[str, Relation]
    policies: Mapping[str, Any]
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One query of somebody who wants what he may not have, or who only does his work."""

    name: str
    query: str
    about: str
    """The leak, or why it is none."""
    allowed: bool = False
    world: str = "weblogs"
    at: str = "hub"
    """The site that asks."""
    through: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    """Name → query, or (query, header)."""
    macros: str = ""
    policies: Mapping[str, Any] = field(default_factory=dict)
    """Laid over the world's, key by key; None takes one away."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """``source.column`` → (type, class), laid over the world's."""
    because: str = ""
    """A word that the refusal must hold."""
    silent: bool = False
    """No row differs in the twin: the leak is of another kind, which ``about`` names."""
    open: bool = False
    """It may be read over the grant, which says nothing that it should not: refused, or allowed without a leak."""
    invalid: bool = False
    """No engine would take it: what is tested is that a mistake does not open a way."""

    def __str__(self) -> str:
        return self.name


def leaks(about: str, queries: Mapping[str, str], **more: Any) -> tuple[Case, ...]:
    """Cases that must be refused."""
    return tuple(Case(name=name, query=query, about=about, **more) for name, query in queries.items())


def legal(about: str, queries: Mapping[str, str], **more: Any) -> tuple[Case, ...]:
    """Cases that must be accepted."""
    return tuple(Case(name=name, query=query, about=about, allowed=True, **more) for name, query in queries.items())
