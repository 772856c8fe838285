"""The process that runs a project's Python files: ``python -m headwater.app.modules.worker``.

It reads one request from its input, and answers a line for each file it begins and one for what the file made. Its
own output goes nowhere while files run, so that what they print disturbs nobody.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import unwrap
from pathlib import Path
from types import FrameType, FunctionType, TracebackType
from typing import Any, Final, TextIO

from headwater.app.modules.effects import EffectError, Guard
from headwater.app.modules.encoding import encode
from headwater.app.modules.finding import Texts
from headwater.app.modules.shifting import shift_clock
from headwater.app.modules.standing import Functions, standing_of
from headwater.spec.making import Made, bound, collecting

_AGAIN_S: Final = 0.2
_LARGEST: Final = 2**20
"""Bytes of a file that may be read while the project is loaded."""
_LOADING: Final = "a file that makes nodes only makes nodes: what does something belongs into their functions"


_Place = tuple[str, int, int]
"""File, line from 1, column in bytes from 0 (-1: not known)."""


class TooLongError(BaseException):
    """Ends a file that has run for too long."""


@dataclass(frozen=True, slots=True)
class _Runner:
    texts: Texts
    guard: Guard
    limit_s: float

    def run(self, path: str, modules: Mapping[str, str]) -> dict[str, Any]:
        """Run one file and give what it made."""
        self.texts.begin(path, modules)
        self.guard.effects.clear()
        self.guard.read.clear()
        mishaps: list[dict[str, Any]] = []
        with collecting() as made, self._limited():
            try:
                self.guard.is_on = True
                self.texts.main(path)
            except BaseException as problem:  # noqa: BLE001 - whatever it raises is told
                self.guard.is_on = False
                mishaps += self._told(problem, path)
            finally:
                self.guard.is_on = False
        mishaps += [self._effect(each) for each in self.guard.effects]
        own = [each for each in made if each.body == self.texts.absolute(path)]
        read, unreadable = self._read(path)
        mishaps += unreadable
        functions = Functions(self.texts)
        nodes = [] if mishaps else [self._node(each, functions) for each in own]
        return {"nodes": nodes, "mishaps": mishaps, "read": read}

    @contextmanager
    def _limited(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            if self.guard.is_on:
                raise TooLongError

        if not hasattr(signal, "setitimer"):
            yield
            return
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, self.limit_s, _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _told(self, problem: BaseException, path: str) -> list[dict[str, Any]]:
        if isinstance(problem, EffectError):
            return []
        line = self._place(problem.__traceback__) or (path, 0, -1)
        if isinstance(problem, TooLongError):
            message = f"`{path}` takes longer than {self.limit_s:g} s to load"
            hint = "is this a loop without an end? `load_timeout:` in headwater.yaml gives it longer"
            return [_mishap("HW0145", message, line, hint)]
        if isinstance(problem, SystemExit):
            hint = "a file that makes nodes is imported, not run as a program"
            return [_mishap("HW0149", f"`{path}` ends the process that loads it", line, hint)]
        if isinstance(problem, SyntaxError) and problem.filename in self.texts.files:
            where = (self.texts.relative(str(problem.filename)), problem.lineno or 0, -1)
            return [_mishap("HW0801", f"Python syntax error: {problem.msg}", where, "")]
        message = f"loading `{path}` raised {type(problem).__name__}: {_said(problem)}"
        return [_mishap("HW0140", message, line, _hint(problem))]

    def _place(self, trace: TracebackType | None) -> _Place | None:
        """Give the innermost place in the project."""
        frames = [each for each in traceback.extract_tb(trace) if each.filename in self.texts.files]
        if not frames:
            return None
        last = frames[-1]
        return self.texts.relative(last.filename), last.lineno or 0, -1 if last.colno is None else last.colno

    def _effect(self, effect: Any) -> dict[str, Any]:
        file = self.texts.relative(effect.file)
        hint = "say it with `variables:` in headwater.yaml, or with a reference such as ${env:NAME} in a setting"
        is_environment = effect.code == "HW0143"
        message = f"`{file}` {effect.what} while it is loaded"
        return _mishap(effect.code, message, (file, effect.line, effect.column), hint if is_environment else _LOADING)

    def _read(self, path: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """Give the text of the project's other files that were read: nodes depend on them."""
        read: dict[str, str] = {}
        wrong = []
        for name in sorted(self.guard.read):
            try:
                content = Path(name).read_bytes()
                text = content.decode() if len(content) <= _LARGEST else None
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError):
                text = None
            if text is None:
                message = f"`{path}` reads `{self.texts.relative(name)}`, which is no text file of at most 1 MiB"
                wrong.append(_mishap("HW0142", message, (path, 0, -1), _LOADING))
            else:
                read[self.texts.relative(name)] = text
        return read, wrong

    def _node(self, made: Made, functions: Functions) -> dict[str, Any]:
        return {
            "kind": made.kind,
            "file": self.texts.relative(made.file),
            "span": made.span,
            "settings": [(name, encode(value)) for name, value in made.settings.items()],
            "positional": made.positional,
            "function": self._function(made, functions) if made.is_decorator else None,
        }

    def _function(self, made: Made, functions: Functions) -> dict[str, Any]:
        inner = unwrap(made.function) if callable(made.function) else made.function
        if not isinstance(inner, FunctionType):
            kind = type(made.function).__name__
            return {"file": "", "name": "", "line": 0, "wrong": f"is a `{kind}`, no function"}
        file, line = inner.__code__.co_filename, inner.__code__.co_firstlineno
        if file not in self.texts.files:
            wrong = f"is `{inner.__module__}.{inner.__qualname__}`, which stands outside the project"
            return {"file": "", "name": "", "line": 0, "wrong": wrong}
        standing = standing_of(made, inner, self.texts, functions)
        return {
            "file": self.texts.relative(file),
            "name": inner.__name__,
            "line": line,
            "made_as": "" if self._is_importable(made) else made.label,
            "stands_on": standing.parts,
            "holds": standing.holds,
        }

    def _is_importable(self, made: Made) -> bool:
        name = getattr(made.function, "__name__", "")
        own = getattr(made.function, "__globals__", {})
        return made.body == made.file and own.get(name) is made.function and bound(made) is made.function


def _mishap(code: str, message: str, where: _Place, hint: str) -> dict[str, Any]:
    file, line, column = where
    return {"code": code, "message": message, "file": file, "line": line, "column": column, "hint": hint}


def _said(problem: BaseException) -> str:
    try:
        return str(problem)[:500]
    except Exception:  # noqa: BLE001 - the user's own exception may raise when it is asked what it says
        return "(it cannot be printed)"


def _hint(problem: BaseException) -> str:
    if isinstance(problem, ModuleNotFoundError):
        return "install it beside Headwater, or put it into the project, from where it is imported by its name"
    if isinstance(problem, ImportError) and "circular import" in _said(problem):
        return "two files import each other: move what both need into a third"
    return ""


def serve(request: Mapping[str, Any], answers: TextIO) -> None:
    """Run the files of a request in order."""
    root = str(request["root"])
    texts = Texts(root)
    libraries = tuple(dict.fromkeys([sys.prefix, sys.base_prefix, *(os.path.realpath(each) for each in sys.path)]))
    guard = Guard(root, lambda file: file in texts.files, libraries)
    sys.meta_path.insert(0, texts)
    if request["is_shifted"]:
        shift_clock()
    guard.install()
    runner = _Runner(texts, guard, float(request["limit_s"]))
    for file in request["files"]:
        _say(answers, {"begins": file["path"]})
        _say(answers, {"made": runner.run(file["path"], file["modules"])})


def _say(answers: TextIO, line: Mapping[str, Any]) -> None:
    answers.write(json.dumps(line) + "\n")
    answers.flush()


def _streams() -> TextIO:
    """Keep the true output for answers; whatever else is printed goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return answers


def main(arguments: Sequence[str]) -> None:
    """Read a request and serve it."""
    del arguments
    request = json.loads(sys.stdin.read())
    answers = _streams()
    sys.path[:] = [each for each in request["search"] if each]
    sys.argv[:] = ["headwater"]
    serve(request, answers)
    os._exit(0)  # what a file has left running ends here


if __name__ == "__main__":
    main(sys.argv)
