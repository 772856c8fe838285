"""Runs a function of the project in a process of its own, under a deadline and a memory limit."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from headwater.diagnostics import Invalid, Retryable, Where
from headwater.run.engine import Engine

_POLL_S = 0.02


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


def run_apart(errand: Errand, request: bytes, engine: Engine) -> bytes:
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
            try:
                with engine.stoppable(partial(_end, child)):
                    _watch(child, errand)
            finally:
                _end(child)
                child.wait()
        return _answer(folder, child.returncode, errand)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _watch(child: "subprocess.Popen[bytes]", errand: Errand) -> None:
    began = time.monotonic()
    while child.poll() is None:
        if time.monotonic() - began > errand.timeout_s:
            raise Retryable.of(
                "HW0850",
                f"`{errand.name}` did not finish within {errand.timeout_s:g} s",
                errand.where,
                hint="raise `timeout:` or make it read less",
            )
        used = _resident_bytes(child.pid)
        if errand.memory_bytes is not None and used > errand.memory_bytes:
            raise Invalid.of(
                "HW0851",
                f"`{errand.name}` used more than its {errand.memory_bytes:,} bytes of memory",
                errand.where,
                hint="raise `memory:` or make it read less",
            )
        try:
            child.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()


def _answer(folder: Path, code: int, errand: Errand) -> bytes:
    answer = folder / "response"
    if not answer.exists():
        tail = (folder / "output").read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        said = f"; its last words: {tail}" if tail else ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = f"{errand.must}, and leave its process alone"
        raise Invalid.of("HW0852", f"the process of `{errand.name}` {how}{said}", errand.where, hint=hint)
    return answer.read_bytes()
