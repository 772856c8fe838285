"""Every way in which a command can end: its exit code, and what the user is told. A traceback is never shown."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from headwater.cli.printing import Printer, flush_streams, prepare_streams
from headwater.cli.stops import Interrupted, Unanswered

DONE, MISTAKE, USAGE, REFUSED, CONFLICT, BROKEN, FAILED, STOPPED, CHANGES = 0, 1, 2, 3, 4, 5, 6, 7, 10
INTERRUPTED: Final = 130
_SAFE: Final = "nothing was changed: what was computed is kept, and the next apply or run goes on from there"
_COMPUTING: Final = frozenset({"apply", "run"})
"""Commands that go on from where they were interrupted."""


def ended(run: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Run a command; give its exit code once everything is said."""
    prepare_streams()
    end = _Ending(arguments)
    try:
        code = _code_of(run, end)
    except KeyboardInterrupt:  # a second Ctrl-C while the first was being answered
        code = INTERRUPTED
    flush_streams()
    return code


def _code_of(run: Callable[[], Any], end: "_Ending") -> int:
    try:
        code = run()
    except click.ClickException as problem:
        return end.misused(problem)
    except (click.Abort, KeyboardInterrupt) as stop:
        return end.interrupted(stop)
    except BrokenPipeError:
        return DONE
    except Exception as problem:  # noqa: BLE001 - nothing gets past: a diagnostic, or HW0999 with the trace in a file
        return end.stopped(problem)
    return code if isinstance(code, int) else DONE


class _Ending:
    """Says how a command ended, in the form that was asked for."""

    def __init__(self, arguments: Sequence[str]) -> None:
        own = list(arguments[: arguments.index("--")]) if "--" in arguments else list(arguments)
        self._arguments = own
        self._printer = Printer(
            json="--json" in own,
            verbose=bool({"--verbose", "-v"} & set(own)),
            color=False if "--no-color" in own or _no_color() else None,
        )

    @property
    def _project(self) -> Path:
        for index, each in enumerate(self._arguments):
            if each == "--project" and index + 1 < len(self._arguments):
                return Path(self._arguments[index + 1])
            if each.startswith("--project="):
                return Path(each.partition("=")[2])
        return Path()

    def misused(self, problem: click.ClickException) -> int:
        if isinstance(problem, click.exceptions.NoArgsIsHelpError) and not self._printer.json:
            self._printer.error_line(problem.format_message())
            return USAGE
        if not isinstance(problem, click.UsageError):
            return self.failed([("HW0903", problem.format_message(), "")], MISTAKE)
        code = "HW0902" if isinstance(problem, Unanswered) else "HW0901"
        path = problem.ctx.command_path if problem.ctx else "headwater"
        hint = "--yes answers it" if isinstance(problem, Unanswered) else f"see `{path} --help`"
        return self.failed([(code, _sentence(problem.format_message()), hint)], USAGE)

    def stopped(self, problem: Exception) -> int:
        from headwater.diagnostics import HeadwaterError

        if not isinstance(problem, HeadwaterError):
            return self.crashed(problem)
        self._say(problem.diagnostics)
        return exit_code(problem)

    def interrupted(self, stop: BaseException) -> int:
        cause = stop if isinstance(stop, Interrupted) else stop.__cause__
        releases = cause.args if isinstance(cause, Interrupted) else ()
        computes = bool(_COMPUTING & set(self._arguments))
        what = f"release {releases[0]} was made; the next run loads what sinks lack" if releases else _SAFE * computes
        return self.failed([("HW0904", f"interrupted; {what}" if what else "interrupted", "")], INTERRUPTED)

    def crashed(self, problem: BaseException) -> int:
        hint = "please report it"
        if self._printer.verbose:
            self._printer.error_line(_trace(problem))
        else:
            kept = _keep(_trace(problem), self._project)
            hint += f" with `{kept}`" if kept else "; `--verbose` shows the trace"
        name = type(problem).__name__
        return self.failed([("HW0999", f"internal error ({name}): this is a defect of Headwater", hint)], BROKEN)

    def failed(self, found: Sequence[tuple[str, str, str]], code: int) -> int:
        from headwater.diagnostics.values import error

        self._say([error(number, message, hint=hint) for number, message, hint in found])
        return code

    def _say(self, diagnostics: Sequence[Any]) -> None:
        if self._printer.json:
            self._printer.document({"diagnostics": [each.as_json() for each in diagnostics]})
        else:
            self._printer.diagnostics(diagnostics, self._project)


def exit_code(problem: BaseException) -> int:
    """Give the exit code that an error stands for."""
    from headwater.diagnostics import Broken, Cancelled, Conflict, Refused, Retryable, RowsRefused

    codes = {
        RowsRefused: FAILED,
        Refused: REFUSED,
        Conflict: CONFLICT,
        Broken: BROKEN,
        Retryable: BROKEN,
        Cancelled: STOPPED,
    }
    return next((code for kind, code in codes.items() if isinstance(problem, kind)), MISTAKE)


def _sentence(text: str) -> str:
    """Begin like all other messages: small, and without a full stop."""
    text = text.strip().removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _no_color() -> bool:
    context = click.Context(click.Command("x"))
    return click.Option(["--no-color"], envvar="NO_COLOR").resolve_envvar_value(context) is not None


def _trace(problem: BaseException) -> str:
    import traceback

    from headwater.diagnostics import conceal

    return conceal("".join(traceback.format_exception(problem)))


def _keep(trace: str, project: Path) -> Path | None:
    """Write the trace to a file named by its content; None if there is no place for it."""
    import hashlib
    import tempfile

    from headwater.app.settings import find_root
    from headwater.diagnostics.errors import HeadwaterError

    name = f"internal-error-{hashlib.sha256(trace.encode('utf-8', 'replace')).hexdigest()[:12]}.txt"
    try:
        folder = find_root(project.absolute()) / ".headwater"
    except (HeadwaterError, OSError):
        folder = Path(tempfile.gettempdir())
    try:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"{sys.version}\n{trace}", encoding="utf-8", errors="backslashreplace")
    except OSError:
        return None
    return folder / name
