"""The graph of tasks that do nothing, the same for every runner, and what a runner says of its run."""

import json
import os
import sys
import threading
import time
from pathlib import Path

LAYERS = 10
READS = 3


def designed(tasks: int) -> dict[str, list[str]]:
    """Give task → the tasks that it waits for: ten layers, each task waiting for three of the layer above."""
    found: dict[str, list[str]] = {}
    width = max(1, tasks // LAYERS)
    for number in range(tasks):
        layer, at = divmod(number, width)
        above = [f"t{(layer - 1) * width + (at + step * 7) % width:05}" for step in range(READS)] if layer else []
        found[f"t{number:05}"] = list(dict.fromkeys(above))
    return found


def since_start() -> float:
    """Seconds since this process began, as the kernel counts them (to a hundredth)."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


class Progress:
    """What has run: how many tasks, when the first began, and when the last ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.ran = 0
        self.first_s = 0.0
        self.last_s = 0.0

    def work(self) -> None:
        """Do the work of a task: nothing, but be counted."""
        with self._lock:
            self.ran += 1
            self.last_s = since_start()
            self.first_s = self.first_s or self.last_s

    def report(self, wanted: int, answer: str = "") -> None:
        """Write what has run to a file: the one that is named on the command line, or ``answer``."""
        if self.ran != wanted:
            sys.exit(f"{self.ran} tasks ran instead of {wanted}")
        found = {"first_s": self.first_s, "tasks_s": self.last_s - self.first_s, "whole_s": since_start()}
        Path(answer or sys.argv[2]).write_text(json.dumps(found))


progress = Progress()


def work(*reads: object) -> None:
    """A task for runners that send functions by name, from one thread of this process to another."""
    del reads
    progress.work()
