"""A component: one connector with its description, its fields, an example and its constructor."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from headwater.connect.landing import Extractor
from headwater.connect.runtimes import Runtime
from headwater.connect.sinks import Sink
from headwater.connect.sources import Source
from headwater.diagnostics import Diagnostic

T_co = TypeVar("T_co", covariant=True)


class Can(StrEnum):
    """What a connector is able to do; documentation and conformance tests read it."""

    IN_PLACE = "read in place"
    REJECTS = "rejects with position"
    LANDED = "landed"
    INCREMENTAL = "incremental"
    PUSHDOWN = "push-down"
    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Component(Generic[T_co]):
    """``fields`` is a frozen dataclass annotated with ``Doc``; ``make`` gets its validated values."""

    name: str
    summary: str
    fields: type
    example: str
    can: frozenset[Can]
    make: Callable[..., T_co]
    check: Callable[..., Iterable[Diagnostic]] | None = None
    """What is wrong with (settings, contract, place of a key), found without looking at any data; sources only."""


@dataclass(frozen=True, slots=True)
class Registry:
    """All components that this process knows, by name; an explicit list, never an import side effect."""

    sources: Mapping[str, Component[Source] | Component[Extractor]]
    """Read in place, or landed."""
    sinks: Mapping[str, Component[Sink]]
    runtimes: Mapping[str, Component[Runtime]] = field(default_factory=dict)
    """What computes at sites; ``make`` gets (settings, site → `SitePlace`)."""

    @classmethod
    def of(
        cls,
        sources: Iterable[Component[Source] | Component[Extractor]],
        sinks: Iterable[Component[Sink]],
        runtimes: Iterable[Component[Runtime]] = (),
    ) -> "Registry":
        """Index components by their names."""
        return cls({c.name: c for c in sources}, {c.name: c for c in sinks}, {c.name: c for c in runtimes})

    def fields_of(self, role: str, name: str) -> Any:
        """Give the fields of a source or sink connector, or None if there is no such connector."""
        component = (self.sources if role == "source" else self.sinks).get(name)
        return component.fields if component else None
