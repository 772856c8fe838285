"""A route: its path, who may take it, what it is asked and what it answers; declared once, served and described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

from headwater.app.access import Caller, Role
from headwater.app.workspace import Workspace

Query = TypeVar("Query")
Body = TypeVar("Body")
PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Query, Body]):
    """One request, read and checked: all that the function behind a route is told."""

    workspace: Workspace
    caller: Caller
    path: Mapping[str, str]
    """Parts of the path by their names."""
    query: Query
    body: Body

    @property
    def by(self) -> str:
        """Who does it, for audit entries and releases."""
        return f"token {self.caller.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path. ``answer`` gives what is sent, as a value of the type ``gives``."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    """Below ``PREFIX``; parts in braces are names."""
    name: str
    """Of the operation, for programs that are made from the description."""
    group: str
    summary: str
    needs: Role
    answer: Callable[[Call[Any, Any]], object]
    gives: Any
    query: type | None = None
    body: Any = None
    """Type of the JSON that it is sent; None: nothing is read."""
    status: int = 200
    refuses: tuple[int, ...] = ()
    """Statuses of refusals besides those that follow from what it is asked."""
    streams: bool = False
    """It answers with events, one after the other (SSE)."""

    @property
    def full_path(self) -> str:
        """The path as it is called."""
        return PREFIX + self.path

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of its path, in order."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What keeps one caller from taking everything."""

    body_bytes: int = 1 << 20
    depth: int = 64
    """How far JSON may be nested."""
    threads: int = 8
    """How many requests work at once; the others wait."""
    waiting: int = 256
    """How many may wait."""
    streams: int = 64
    """How many logs may be followed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API stands on."""

    workspace: Workspace
    limits: Limits = field(default_factory=Limits)
    hosts: frozenset[str] | None = None
    """Names under which it may be called; None: any. A page of another site cannot name itself one of these."""
    open_metrics: bool = False
    """Whether `/metrics` and `/ready` need no token."""
    is_stopping: Callable[[], bool] = lambda: False
    """Whether the server is about to end: streams end then."""
