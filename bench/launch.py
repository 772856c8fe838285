"""Run one command and write what it cost. Small on purpose: a process's peak memory begins with that of its parent."""

import json
import os
import sys
import time

_, target, *command = sys.argv
started = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, used = os.wait4(process, 0)
wall = time.perf_counter() - started
unit = 1 if sys.platform == "darwin" else 1024
written = used.ru_oublock * 512  # what it made the kernel write, sooner or later; 0 where that is not counted
with open(target, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would make this process larger
    json.dump(
        [os.waitstatus_to_exitcode(status), wall, used.ru_utime, used.ru_stime, used.ru_maxrss * unit, written], file
    )
