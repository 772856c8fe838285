"""A project's function, out of the modules that a release keeps: by its name, or as its module makes it."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from headwater.diagnostics import Invalid, Where
from headwater.spec.making import bound, collecting


class Code(Protocol):
    """What is asked of a function's code (``spec.nodes.PythonCode``, or the node made of it)."""

    @property
    def path(self) -> str:
        """The file it stands in, relative to the project."""

    @property
    def function(self) -> str:
        """Its name in that file."""

    @property
    def made_as(self) -> str:
        """Kind and name of the node for which its file makes it while it runs; empty: it is a name of the file."""

    @property
    def modules(self) -> "dict[str, str] | Any":
        """Path → text of the files it stands on."""


def load_function(code: Code, folder: Path) -> Callable[..., Any]:
    """Write the modules below ``folder``, import the function's own, and give the function.

    Raises whatever the module raises; LookupError if it no longer makes the function.
    """
    for path, text in code.modules.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    own = folder / code.path
    roots = [str(folder), str(folder / "python"), str(folder / "models"), str(own.parent)]
    sys.path[:0] = [root for root in roots if root not in sys.path]
    with _inside(folder), collecting() as made:
        module = _imported(own)
    if not code.made_as:
        found: Callable[..., Any] = getattr(module, code.function)
        return found
    for each in made:
        if each.function is not None and each.label == code.made_as:
            return bound(each)
    raise LookupError(f"`{code.path}` no longer makes the {code.made_as}")


def wanted_type(function: Callable[..., Any], argument: str) -> str:
    """Give the name of the type that a function wants for an argument, as its annotation says; empty without one."""
    said = getattr(function, "__annotations__", {}).get(argument, "")
    return said if isinstance(said, str) else f"{said.__module__}.{said.__qualname__}"


def raised(code: str, name: str, problem: BaseException, folder: Path, where: Where, hint: str) -> Invalid:
    """Say what a function raised, at the line of the project's own code below ``folder``; ``where``: if it has none."""
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename.startswith(str(folder))]
    if frames:
        where = Where(str(Path(frames[-1].filename).relative_to(folder)), frames[-1].lineno or 0)
    return Invalid.of(code, f"`{name}` raised {type(problem).__name__}: {problem}", where, hint=hint)


def _imported(own: Path) -> ModuleType:
    """Import a file under its own name, or one beside it where a library has that name."""
    name = own.stem if own.stem not in sys.modules else f"project_{own.stem}"
    spec = spec_from_file_location(name, own)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it is a Python file
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """A module that reads a file of its project when it is loaded finds the copy that the release keeps."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
