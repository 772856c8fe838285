"""What is asked of whoever runs a project's Python files, and what comes back: values, no process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRun:
    """A file to run: every file of the project that it may import comes with it (path → text)."""

    path: str
    modules: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFunction:
    """A decorated function: where it is defined, how a worker finds it, and what its address is made of."""

    file: str
    name: str
    line: int
    """First line, decorators included."""
    made_as: str = ""
    stands_on: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    """Why it cannot be a node's function; empty if it can."""
    holds: str = ""
    """A value in it that no version can stand on; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeNode:
    """One call of a function that makes a node.

    Settings are as JSON can hold them, but for ``{"m": pairs}`` (a map), ``{"t": text}`` (a date, a duration) and
    ``{"x": what}`` (a value that is no setting).
    """

    kind: str
    file: str
    span: tuple[int, int, int, int]
    """Line and column of the call's beginning and end: lines from 1, columns in bytes from 0 (-1: not known)."""
    settings: tuple[tuple[str, Any], ...]
    positional: int = 0
    function: MadeFunction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """Why a file could not be run to its end: a diagnostic's code and parts, and where."""

    code: str
    message: str
    file: str
    line: int = 0
    column: int = -1
    """In bytes from 0; -1: not known."""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What running a file gave; ``read`` are the project's other files that it read (path → text)."""

    nodes: tuple[MadeNode, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    read: Mapping[str, str] = field(default_factory=dict)


RunFiles = Callable[[Sequence[ToRun], float], Mapping[str, Ran]]
"""Run files, each by itself and each for so many seconds at most, and give what each made by its path."""
