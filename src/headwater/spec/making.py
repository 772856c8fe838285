"""What a Python file makes while it runs: nodes in order, each function bound to the values it saw when it was made.

A file that makes nodes in loops is run twice in its life: when the project is loaded (``headwater.app.modules``) and in
the worker that calls one of its functions. Both go through here, so that both see the same function.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any, Final

NODES: Final = ("model", "sql_model", "source", "sink", "pipeline")
"""The functions that make nodes."""
DECORATORS: Final = ("model", "source", "sink")
"""Those that may stand over a function."""


@dataclass(slots=True)
class Made:
    """One call of a function that makes a node: what it said, and where (lines from 1, columns in bytes from 0)."""

    kind: str
    settings: dict[str, Any]
    positional: int
    file: str
    span: tuple[int, int, int, int]
    """Line and column of the call's beginning and of its end; columns are -1 where Python does not keep them."""
    body: str
    """The file whose top level was running."""
    function: Any = None
    is_decorator: bool = False
    seen: "Seen | None" = None

    @property
    def name(self) -> str:
        """The node's name as said, or the name of its function."""
        said = self.settings.get("name")
        return said if isinstance(said, str) else str(getattr(self.function, "__name__", ""))

    @property
    def label(self) -> str:
        """Kind and name, by which a worker finds the function again."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The values a function could see when it was decorated: a loop goes on, but each node keeps its own."""

    cells: Mapping[str, Any] = field(default_factory=dict)
    globals: Mapping[str, Any] = field(default_factory=dict)


_collected: list[list[Made]] = []


@contextmanager
def collecting() -> Iterator[list[Made]]:
    """Collect what is made meanwhile, in order."""
    made: list[Made] = []
    _collected.append(made)
    try:
        yield made
    finally:
        _collected.remove(made)


def note(kind: str, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> Made | None:
    """Note a call of a function that makes a node, three frames up; None if nobody collects."""
    if not _collected:
        return None
    frame = sys._getframe(3)  # noqa: SLF001 - the only way to know who calls
    decorated = arguments[0] if len(arguments) == 1 and callable(arguments[0]) and not settings else None
    made = Made(
        kind=kind,
        settings=dict(settings),
        positional=0 if decorated is not None else len(arguments),
        file=frame.f_code.co_filename,
        span=span_of(frame),
        body=_body(frame),
    )
    if decorated is not None:
        decorate(made, decorated)
    _collected[-1].append(made)
    return made


def decorate(made: Made, function: Any) -> None:
    """Note the function that a call stands over, and what it sees now; one call may stand over several."""
    if made.function is not None:
        made = replace(made, function=None)
        _collected[-1].append(made)
    made.function, made.is_decorator = function, True
    if isinstance(function, FunctionType):
        made.seen = _seen(function)


def bound(made: Made) -> Callable[..., Any]:
    """Give a function as it was when it was decorated: with the values that a loop has since replaced."""
    function, seen = made.function, made.seen
    if not isinstance(function, FunctionType) or seen is None:
        return function  # type: ignore[no-any-return]  # what was decorated, whatever it is
    now = function.__globals__
    replaced = {name: value for name, value in seen.globals.items() if now.get(name, seen) is not value}
    cells = _cells(function, seen)
    if not replaced and cells == function.__closure__:
        return function
    copy = FunctionType(function.__code__, {**now, **replaced}, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__, copy.__annotations__ = function.__kwdefaults__, function.__annotations__
    return copy


def names_in(code: CodeType) -> set[str]:
    """Give the names that code and the functions inside it may look up outside of themselves."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_in(constant)
    return names


def _seen(function: FunctionType) -> Seen:
    own = function.__globals__
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return Seen(
        cells={name: cell.cell_contents for name, cell in cells if not _is_empty(cell)},
        globals={name: own[name] for name in sorted(names_in(function.__code__)) if name in own},
    )


def _cells(function: FunctionType, seen: Seen) -> tuple[CellType, ...] | None:
    if function.__closure__ is None:
        return None
    return tuple(
        CellType(seen.cells[name]) if name in seen.cells and seen.cells[name] is not cell.cell_contents else cell
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True)
    )


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return True
    return False


def span_of(frame: FrameType) -> tuple[int, int, int, int]:
    """Give the place of the call that a frame is in: lines from 1, columns in bytes from 0 (-1: not known)."""
    positions = list(frame.f_code.co_positions())
    at = frame.f_lasti // 2
    line, end_line, column, end_column = positions[at] if at < len(positions) else (None, None, None, None)
    here = frame.f_lineno
    ends = (-1 if each is None else each for each in (column, end_column))
    begin, end = ends
    return line or here, begin, end_line or here, end


def _body(frame: FrameType) -> str:
    """Give the file whose top level runs: the nearest one from here outwards."""
    walker: FrameType | None = frame
    while walker is not None and walker.f_code.co_name != "<module>":
        walker = walker.f_back
    return walker.f_code.co_filename if walker else frame.f_code.co_filename
