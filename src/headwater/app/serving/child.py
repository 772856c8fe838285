"""The entry of a worker process: opens the project and works until its server goes away or tells it to stop."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Final, Literal

import msgspec

from headwater.app.process_logs import start_logging
from headwater.app.serving.allowing import Limits
from headwater.app.serving.machines import this_machine
from headwater.app.serving.stopping import Stop
from headwater.app.serving.working import Working
from headwater.app.workspace import Effects, open_workspace
from headwater.state.workers import Worker

MOST_RUNS: Final = 500
"""A worker process is replaced after as many runs: what libraries leak ends with it."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a server tells a worker process on its command line."""

    root: str
    worker: str
    version: str
    variables: dict[str, str] = {}
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def main(text: str) -> None:
    """Work as told; ends when standard input is closed, which it is when the server is gone."""
    told = msgspec.json.decode(text, type=Orders)
    start_logging(told.log_format, told.log_level, worker=told.worker)
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.at_once("the server stops"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server says what follows
    threading.Thread(target=_drain_at_end_of_input, args=(stop,), daemon=True).start()
    with open_workspace(Path(told.root), variables=told.variables, effects=Effects()) as workspace:
        now = workspace.effects.clock()
        worker = Worker(
            id=told.worker,
            kind="worker",
            host=socket.gethostname(),
            pid=os.getpid(),
            version=told.version,
            started_at=now,
            seen_at=now,
            machine=this_machine(),
        )
        Working(workspace, worker, stop, Limits(workspace.db)).until_stopped(MOST_RUNS)


def _drain_at_end_of_input(stop: Stop) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # past Python's buffer, whose lock would be held when this process ends
        continue
    stop.draining.set()


if __name__ == "__main__":
    main(sys.argv[1])
