"""What passes hand on to each other: everything known of a project so far, and everything found wrong with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from headwater.diagnostics import Diagnostic, Severity, Where
from headwater.graph.borders import Borders
from headwater.graph.caching import AnalysisCache
from headwater.graph.grant_addresses import Behind, GrantAddress, stated_address, unchanged
from headwater.graph.values import Check, Deprecation, Node, SinkNode, TimeCut
from headwater.spec.discoveries import Discovered
from headwater.spec.nodes import Model
from headwater.spec.project import Macro as MacroStatement
from headwater.spec.project import Project, Variable
from headwater.sql.analysis import Analysis
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.macros import Macro, relevant
from headwater.sql.text import position


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a query, at an offset in characters."""

    name: str
    offset: int
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a model's text mentions (macros expanded); cached by the text."""

    tables: tuple[Named, ...] = ()
    outside: tuple[Named, ...] = ()
    """Table functions that read something that is not a node."""
    volatile: tuple[Named, ...] = ()
    clocks: tuple[Named, ...] = ()
    problem: BindError | None = None
    unclear: str = ""
    """Why macros could not be expanded."""


@dataclass(frozen=True, slots=True)
class Macros:
    """The project's macros, by folded name."""

    statements: Mapping[str, str]
    """Each after those that it may call."""
    places: Mapping[str, Where] = field(default_factory=dict)
    read: dict[str, Macro | None] = field(default_factory=dict)
    """Those read so far (a memory, filled when needed)."""

    @classmethod
    def of(cls, macros: Mapping[str, MacroStatement]) -> "Macros":
        """Put macros in an order in which each finds those it calls."""
        statements = {each.name.casefold(): each.statement for each in macros.values()}
        ordered: dict[str, str] = {}

        def add(name: str, above: frozenset[str]) -> None:
            body = statements[name].casefold()
            for other in statements:
                if other not in ordered and other not in above and other != name and other in body:
                    add(other, above | {name})
            ordered[name] = statements[name]

        for name in statements:
            if name not in ordered:
                add(name, frozenset())
        return cls(ordered, {each.name.casefold(): each.at.where for each in macros.values()})

    def used_by(self, text: str) -> tuple[str, ...]:
        """Give the statements that a text may use, each after those it calls."""
        if not self.statements:
            return ()
        used = relevant(text, self.statements)
        return tuple(statement for name, statement in self.statements.items() if name in used)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A project on its way to a graph."""

    project: Project
    variables: Mapping[str, Variable]
    bind: Bind
    cache: AnalysisCache
    macros: Macros
    parses: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parsed queries of models, macros expanded: a memory, filled when needed."""
    mentions: Mapping[str, Mentions] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    """Sources and models, each after those it reads."""
    relations: Mapping[str, Relation] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """Cache keys of analyses, by model."""
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    read_once: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Links → inputs of which each file is read by one link only."""
    times: Mapping[str, TimeCut] = field(default_factory=dict)
    slotwise: frozenset[str] = frozenset()
    """Models of which one query may fill several slots."""
    checks: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    previous: Callable[[], Mapping[str, Node]] = dict
    """The nodes that the environment runs now: what forward changes start from."""
    discovered: Mapping[str, tuple[Discovered, ...]] = field(default_factory=dict)
    """Source → columns that its files were found to have beyond its contract."""
    added: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Source → names of those of them that are its columns now."""
    grant_address: GrantAddress = stated_address
    behind: Behind = unchanged
    borders: Borders = Borders()
    through: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Model → its inputs that it reads through policies."""
    granted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Model → those of them that are lossy, with the address of what comes through."""
    deprecations: tuple[Deprecation, ...] = ()
    nodes: tuple[Node, ...] = ()
    sinks: tuple[SinkNode, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: frozenset[str] = frozenset()
    """Models that cannot be compiled: whatever reads them is passed over in silence."""

    def noting(self, found: Mapping[str, Iterable[Diagnostic]], **changes: Any) -> "Draft":
        """Give the draft with changes and findings by node; a node with an error has failed."""
        listed = {name: list(each) for name, each in found.items()}
        failed = {n for n, each in listed.items() if any(d.severity is Severity.ERROR for d in each)}
        return replace(
            self,
            diagnostics=(*self.diagnostics, *(d for each in listed.values() for d in each)),
            failed=self.failed | failed,
            **changes,
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """All sources and models by folded name."""
        return {name.casefold(): name for name in (*self.project.sources, *self.project.models)}


def place(model: Model, offset: int) -> Where:
    """Where a character of a model's query stands in its file."""
    if not model.query_is_exact:
        return Where(model.at.where.file, model.query_line, model.query_column)
    line, column = position(model.query, offset, model.query_line, model.query_column)
    return Where(model.at.where.file, line, max(1, column))  # what we put before the user's text has no place in it
