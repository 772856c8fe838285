"""Which project modules a Python model stands on: followed through imports as text, nothing is executed."""

import ast
import warnings
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.names import printable

ReadText = Callable[[str], str | None]
"""Path relative to the project → text of that file, or None if there is none."""
ROOTS: Final = ("", "python", "models")
"""Folders (besides the importing file's own) in which imports are looked up, in this order."""


def parse(text: str) -> ast.Module:
    """Parse Python; SyntaxError for whatever cannot be parsed (also NUL bytes and nesting without end)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise SyntaxError(str(problem) or "nested too deep") from problem


def imported_modules(path: str, text: str, read_text: ReadText) -> tuple[dict[str, str], list[Diagnostic]]:
    """Give the file itself and every project module it imports, directly or not: path → text, sorted by path."""
    broken: list[Diagnostic] = []
    found = {path: text}
    waiting = [path]
    while waiting:
        importer = waiting.pop()
        try:
            tree = parse(found[importer])
        except SyntaxError as problem:
            broken.append(syntax_error(problem, importer))
            continue
        for candidate in _candidates(tree, importer):
            if candidate not in found and (content := read_text(candidate)) is not None:
                found[candidate] = content
                waiting.append(candidate)
    return dict(sorted(found.items())), broken


def syntax_error(problem: SyntaxError, path: str) -> Diagnostic:
    """Say what the parser could not read."""
    where = Where(path, problem.lineno or 0, max(problem.offset or 0, 0))
    return error("HW0801", f"Python syntax error: {printable(problem.msg)}", where)


def _candidates(tree: ast.Module, importer: str) -> Iterator[str]:
    folder = PurePosixPath(importer).parent
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _absolute(alias.name, folder)
        elif isinstance(node, ast.ImportFrom):
            module = f"{node.module}." if node.module else ""
            names = [f"{module}{alias.name}" for alias in node.names] + ([node.module] if node.module else [])
            for name in names:
                yield from _relative(name, folder, node.level) if node.level else _absolute(name, folder)
            if node.level and not node.module:
                yield from _relative("", folder, node.level)


def _absolute(module: str, folder: PurePosixPath) -> Iterator[str]:
    bases = dict.fromkeys((*ROOTS, "" if str(folder) == "." else str(folder)))
    for base in bases:
        yield from _files(PurePosixPath(base), module)


def _relative(module: str, folder: PurePosixPath, level: int) -> Iterator[str]:
    base = folder
    for _ in range(level - 1):
        if base == base.parent:
            return
        base = base.parent
    yield from _files(base, module)


def _files(base: PurePosixPath, module: str) -> Iterator[str]:
    """Give the files that importing a module runs: its packages' ``__init__.py`` on the way, then its own."""
    parts = module.split(".") if module else []
    for depth in range(len(parts) + 1):
        package = base.joinpath(*parts[:depth])
        if depth or not parts:
            yield str(package / "__init__.py")
    if parts:
        yield str(base.joinpath(*parts).with_name(f"{parts[-1]}.py"))
