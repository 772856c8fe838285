"""A real `headwater serve`: started in a session of its own, stopped by its id, whatever the test did."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from headwater.state.requests import Request, last_requests

PATIENCE_S = 120.0


@dataclass
class Served:
    """A project that is served."""

    project: object
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a server."""
        command = [sys.executable, "-m", "headwater", "serve", "--no-api", "--workers", "1", *arguments]
        with Path(self.project.root, f"serve-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.project.root, stderr=log, stdout=log, start_new_session=True)
        self.processes.append(process)
        return process

    def log(self, number: int = 0) -> str:
        """What a server has said."""
        return Path(self.project.root, f"serve-{number}.log").read_text()

    def requests(self, pipeline: str | None = None) -> list[Request]:
        """All orders, oldest first."""
        return list(reversed(last_requests(self.project.workspace.db, pipeline=pipeline, limit=1000)))

    def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait until something holds, for as long as a slow machine may need."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                logs = "\n".join(self.log(number) for number in range(len(self.processes)))
                raise AssertionError(f"{what or 'what was waited for'} did not happen; the servers said:\n{logs}")
            time.sleep(0.05)

    def ended(self, pipeline: str, count: int = 1) -> list[Request]:
        """Wait until so many runs of a pipeline have ended, and give them."""
        self.until(lambda: sum(r.has_ended for r in self.requests(pipeline)) >= count, f"{count} runs of {pipeline}")
        return [request for request in self.requests(pipeline) if request.has_ended]


@pytest.fixture
def served(project) -> Iterator[Served]:
    """A project to serve."""
    made = Served(project)
    yield made
    for process in made.processes:
        for one in [*_children(process.pid), process.pid]:
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
