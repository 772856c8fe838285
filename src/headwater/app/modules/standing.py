"""What a function stands on, for its address: its own text, the values it holds, and the functions it calls.

Whatever cannot be followed stands for all of the project's modules that the file imports, so that no change is missed.
"""

import ast
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import Any, Final

from headwater.app.modules.finding import Texts
from headwater.spec.making import NODES, Made, Seen, names_in

_OPEN_ENDED: Final = frozenset(
    {"eval", "exec", "globals", "locals", "vars", "getattr", "setattr", "compile", "__import__", "import_module"}
)
_PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes, Decimal, timedelta})
_DEEPEST: Final = 50
_NOT_SEEN: Final = Seen()


@dataclass(frozen=True, slots=True)
class Standing:
    """Name → text of each part; ``holds`` says which value in it can be no part of an address."""

    parts: Mapping[str, str]
    holds: str = ""


@dataclass(slots=True)
class _Follower:
    texts: Texts
    functions: "Functions"
    parts: dict[str, str] = field(default_factory=dict)
    holds: str = ""
    is_whole: bool = False
    _known: set[int] = field(default_factory=set)

    def function(self, function: FunctionType, seen: Seen = _NOT_SEEN) -> None:
        if id(function) in self._known:
            return
        self._known.add(id(function))
        code = function.__code__
        label = f"{self.texts.relative(code.co_filename)}:{code.co_qualname}"
        text, names = self.functions.text(code.co_filename, code.co_firstlineno, function.__name__), names_in(code)
        if text is None or names & _OPEN_ENDED or self.functions.imports_inside(code.co_filename, code.co_firstlineno):
            self.is_whole = True
        while self.parts.get(label, text) != text:
            label += "'"
        self.parts[label] = text or ""
        own = {**function.__globals__, **seen.globals}
        for name in sorted(names & own.keys()):
            self.value(f"{label} {name}", own[name], is_held=False)
        for name, value in sorted({**_cells(function), **seen.cells}.items()):
            self.value(f"{label} {name}", value, is_held=True)
        for at, value in enumerate(function.__defaults__ or ()):
            self.value(f"{label} {at}", value, is_held=False)

    def value(self, label: str, value: Any, *, is_held: bool) -> None:
        plain = canonical(value)
        if plain is not None:
            self.parts[label] = plain
        elif isinstance(value, FunctionType) and value.__code__.co_filename in self.texts.files:
            self.parts[label] = f"function {value.__qualname__}"
            self.function(value)
        elif isinstance(value, ModuleType):
            self.parts[label] = f"module {value.__name__}"
            self.is_whole |= getattr(value, "__file__", None) in self.texts.files or value.__spec__ is None
        elif isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
            self.parts[label] = f"{value.__module__}.{value.__qualname__}"
            self.is_whole |= self._is_ours(value)
        elif isinstance(value, re.Pattern):
            self.parts[label] = repr(value)
        elif is_held and not _is_record(value):
            kind = type(value)
            self.holds = f"holds `{label.rpartition(' ')[2]}`, a `{kind.__module__}.{kind.__qualname__}`"
        else:
            self.is_whole = True

    def _is_ours(self, value: Any) -> bool:
        module = getattr(value, "__module__", "") or ""
        return self.texts.holds(module)


@dataclass(slots=True)
class Functions:
    """Texts of functions, found in the syntax trees of their files, each parsed once."""

    texts: Texts
    _found: dict[str, dict[int, list[ast.FunctionDef | ast.AsyncFunctionDef]]] = field(default_factory=dict)

    def text(self, file: str, line: int, name: str) -> str | None:
        """Give a function's text in a form that comments and layout do not change; None if it is not plain to see."""
        found = [each for each in self._at(file, line) if each.name == name]
        if len(found) != 1 or any(not _makes_node(each) for each in found[0].decorator_list):
            return None
        bare = copy(found[0])
        bare.decorator_list = []
        return ast.unparse(bare)

    def imports_inside(self, file: str, line: int) -> bool:
        """Whether a function imports something of the project while it runs."""
        return any(
            self.texts.holds(name)
            for found in self._at(file, line)
            for each in ast.walk(found)
            if isinstance(each, ast.Import | ast.ImportFrom)
            for name in _imported(each)
        )

    def _at(self, file: str, line: int) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        if file not in self._found:
            by_line: dict[int, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
            self._found[file] = by_line
            for each in ast.walk(ast.parse(self.texts.files.get(file, ""))):
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                    first = min([each.lineno, *(d.lineno for d in each.decorator_list)])
                    by_line.setdefault(first, []).append(each)
        return self._found[file].get(line, [])


def standing_of(made: Made, function: FunctionType, texts: Texts, functions: Functions) -> Standing:
    """Follow a function; ``made.function`` is it, or something that wraps it."""
    follower = _Follower(texts, functions)
    follower.function(function, made.seen or _NOT_SEEN if made.function is function else _NOT_SEEN)
    if follower.is_whole or made.function is not function:
        follower.parts |= {texts.relative(file): text for file, text in texts.files.items()}
    return Standing(dict(sorted(follower.parts.items())), follower.holds)


def canonical(value: Any, depth: int = 0) -> str | None:
    """Give plain data as text that is the same for equal data in every process; None for anything else."""
    if isinstance(value, Enum) or depth > _DEEPEST:
        return None
    if type(value) in _PLAIN:
        return repr(value)
    if isinstance(value, datetime | date | time):
        return f"time({value.isoformat()})"
    if isinstance(value, PurePath):
        return f"path({value.as_posix()})"
    return _canonical_collection(value, depth + 1)


def _canonical_collection(value: Any, depth: int) -> str | None:
    kind = type(value)
    if kind not in {list, tuple, set, frozenset, dict}:
        return None
    parts = [part for pair in value.items() for part in pair] if kind is dict else value
    below = [canonical(each, depth) for each in parts]
    texts = [each for each in below if each is not None]
    if len(texts) < len(below):
        return None
    return f"{kind.__name__}({', '.join(sorted(texts) if kind in {set, frozenset} else texts)})"


def _cells(function: FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue  # never assigned: nobody can have seen it
    return found


def _is_record(value: Any) -> bool:
    """Whether a value is made of plain data under names: written by the module's text, whatever it holds."""
    if isinstance(value, Enum):
        return True
    parts = vars(value).values() if is_dataclass(value) and hasattr(value, "__dict__") else ()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = value
    return bool(parts) and all(canonical(part) is not None for part in parts)


def _makes_node(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in NODES


def _imported(statement: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return ["."] if statement.level else [statement.module or ""]
