"""Runs a function of the project in a process of its own, under a deadline and a memory limit."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol, TypeVar

import msgspec

from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, Invalid, Retryable, RowsRefused, Where, conceal
from headwater.events import Emit, Printed, silent
from headwater.run.engine import Engine
from headwater.run.metering import Meter

_POLL_S: Final = 0.01
_MOST_PRINTED: Final = 16_384
"""Bytes that are kept of what a function prints, from the beginning and from the end."""
_LAST_WORDS: Final = 2_000
_MARGIN: Final = 4_096
"""Bytes that are read beyond what is kept, so that no secret lies across the cut."""
_FAILURES: Final[dict[str, type[HeadwaterError]]] = {
    kind.__name__: kind for kind in (Invalid, RowsRefused, Retryable, Broken)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a process is for, and how much it may use."""

    what: str
    """Which of the worker's tasks: ``model``, ``source``, ``sink``."""
    name: str
    where: Where
    root: str
    timeout_s: float
    memory_bytes: int | None = None
    must: str = "it must return a table"
    emit: Emit = silent
    """Is told what the process has printed."""
    meter: Meter | None = None
    """Counts what the process uses."""


class Response(Protocol):
    """What a child answers: what was asked for, or the kind of error and its diagnostics."""

    @property
    def failure(self) -> str:
        """The kind of error; empty: all went well."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the error says."""


Answer = TypeVar("Answer", bound=Response)


def ask(errand: Errand, request: object, kind: type[Answer], engine: Engine) -> Answer:
    """Have a child do what is asked and give its answer; raises what it failed with, as if it had happened here."""
    answer = msgspec.msgpack.decode(_run_apart(errand, msgspec.msgpack.encode(request), engine), type=kind)
    if answer.failure:
        raise _FAILURES.get(answer.failure, Invalid)(*answer.diagnostics)
    return answer


def _run_apart(errand: Errand, request: bytes, engine: Engine) -> bytes:
    """Have a child do it and give its answer; one that hangs, eats memory or dies ends in a diagnostic.

    The child leads a group of processes: whatever it starts ends with it. An interrupt of the engine ends it.
    """
    with TemporaryDirectory(prefix="headwater-") as directory:
        folder = Path(directory)
        (folder / "request").write_bytes(request)
        with (folder / "output").open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "headwater.app.worker", directory, errand.what],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=errand.root,
                start_new_session=True,
            )
            used = Used()
            try:
                with engine.stoppable(partial(_end, child)):
                    _watch(child, errand, used)
            finally:
                _end(child)
                _wait(child, used, 0)
                if errand.meter:
                    errand.meter.add_process(used.cpu_s, used.peak_bytes)
                _tell(folder / "output", errand)
        return _answer(folder, child.returncode, errand)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@dataclass(slots=True)
class Used:
    """What a process has used; its peak is that of the last look at it, a hundredth of a second before its end."""

    cpu_s: float = 0.0
    peak_bytes: int = 0


def _wait(child: "subprocess.Popen[bytes]", used: Used, options: int) -> bool:
    """Take the end of a child, with what it and those it waited for have used; False if it has not ended."""
    if child.returncode is None:
        pid, status, usage = os.wait4(child.pid, options)
        if not pid:
            return False
        child.returncode = os.waitstatus_to_exitcode(status)
        used.cpu_s = usage.ru_utime + usage.ru_stime
    return True


def _watch(child: "subprocess.Popen[bytes]", errand: Errand, used: Used) -> None:
    began = time.monotonic()
    while not _wait(child, used, os.WNOHANG):
        if time.monotonic() - began > errand.timeout_s:
            raise Retryable.of(
                "HW0850",
                f"`{errand.name}` did not finish within {errand.timeout_s:g} s",
                errand.where,
                hint="raise `timeout:` or make it read less",
            )
        resident = _resident_bytes(child.pid)
        used.peak_bytes = max(used.peak_bytes, resident, _peak_bytes(child.pid))
        if errand.memory_bytes is not None and resident > errand.memory_bytes:
            raise Invalid.of(
                "HW0851",
                f"`{errand.name}` used more than its {errand.memory_bytes:,} bytes of memory",
                errand.where,
                hint="raise `memory:` or make it read less",
            )
        time.sleep(_POLL_S)


def _peak_bytes(pid: int) -> int:
    """The most that a process had resident so far; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+([0-9]+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()


def _tell(output: Path, errand: Errand) -> None:
    """Say what a process has printed: whole if it is short, else its beginning and its end."""
    length = output.stat().st_size
    if not length:
        return
    left = max(0, length - 2 * _MOST_PRINTED)
    text = f"{_begins(output)}\n…\n{_ends(output, _MOST_PRINTED)}" if left else _ends(output, length)
    errand.emit(Printed(errand.name, text.strip(), left))


def _begins(output: Path) -> str:
    with output.open("rb") as file:
        return conceal(file.read(_MOST_PRINTED + _MARGIN).decode("utf-8", "replace"))[:_MOST_PRINTED]


def _ends(output: Path, length: int) -> str:
    """Give the last characters that a process has printed; secrets are taken out before anything is cut off."""
    before = max(0, output.stat().st_size - length)
    with output.open("rb") as file:
        file.seek(max(0, before - _MARGIN))
        text = conceal(file.read().decode("utf-8", "replace"))
    return text[-length:] if before else text


def _answer(folder: Path, code: int, errand: Errand) -> bytes:
    answer = folder / "response"
    if not answer.exists():
        tail = _ends(folder / "output", _LAST_WORDS).strip()
        said = f"; its last words: {tail}" if tail else ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = f"{errand.must}, and leave its process alone"
        raise Invalid.of("HW0852", f"the process of `{errand.name}` {how}{said}", errand.where, hint=hint)
    return answer.read_bytes()
