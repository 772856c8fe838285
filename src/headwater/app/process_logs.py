"""What a server and its workers write about themselves: lines of text or of JSON, without secrets."""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TextIO

from headwater.diagnostics import conceal

Form = Literal["text", "json"]
RUNS: Final = logging.getLogger("headwater.run")
"""What happens in runs."""
IDS: Final = ("environment", "run", "task", "node", "worker")
"""What a line may be about; given as ``extra`` of a record, or for the whole process."""
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_QUIET: Final = ("asyncio", "urllib3", "apprise", "watchfiles")
"""Libraries whose debug lines are of no use to an operator."""

logging.getLogger("headwater").addHandler(logging.NullHandler())  # a command's lines are its own matter


def start_logging(form: Form, level: str, *, stream: TextIO | None = None, **ids: str) -> None:
    """Write all that this process logs, and what its libraries log, to a stream (stderr); ``ids`` stand on each line.

    Exceptions that nobody catches, in any thread, and warnings go the same way.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(form, ids))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(_LEVELS[level], logging.INFO))
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def log_fact(level: str, message: str, at: datetime, ids: Mapping[str, str]) -> None:
    """Write what happened in a run, as of when it happened."""
    number = _LEVELS[level]
    if RUNS.isEnabledFor(number):
        RUNS.log(number, "%s", message, extra={"at": at, **{name: value for name, value in ids.items() if value}})


@dataclass(eq=False)
class _Lines(logging.Formatter):
    """One line a record; in text, further lines of a message are indented below it."""

    form: Form
    ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        parts = _parts(record, self.ids)
        if self.form == "json":
            return json.dumps(parts, ensure_ascii=False, default=str)
        about = " ".join(f"{name}={parts[name]}" for name in IDS if name in parts)
        trace = f"\n{parts['trace']}" if "trace" in parts else ""
        text = f"{parts['message']}{trace}".rstrip().replace("\n", "\n    ")
        return f"{parts['at']} {parts['level']:7} {f'[{about}] ' if about else ''}{text}"


def _parts(record: logging.LogRecord, ids: Mapping[str, str]) -> dict[str, str]:
    at = getattr(record, "at", None) or datetime.fromtimestamp(record.created, UTC)
    parts = {
        "at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": {"critical": "error"}.get(record.levelname.lower(), record.levelname.lower()),
        "message": conceal(_message(record)),
        "logger": record.name,
    }
    said: dict[str, Any] = {name: getattr(record, name, None) or ids.get(name) for name in IDS}
    parts |= {name: conceal(str(value)) for name, value in said.items() if value}
    if record.exc_info and record.exc_info[0] is not None:
        parts["trace"] = conceal("".join(traceback.format_exception(*record.exc_info)))
    return parts


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a library's own mistake is no reason to lose what it says
        return f"{record.msg} {record.args!r}"


def _uncaught(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("headwater").critical("ended by a defect", exc_info=(kind, problem, trace))


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None:
        _uncaught(found.exc_type, found.exc_value, found.exc_traceback)
