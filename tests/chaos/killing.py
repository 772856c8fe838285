"""A real server whose processes are killed at random, one or all, and started again, while files arrive."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from headwater.app.serving.recovering import MOST_CRASHES
from headwater.state.attempts import running_attempts
from headwater.state.fills import known
from headwater.state.requests import find_request, last_requests
from headwater.state.values import stamp
from headwater.state.workers import workers
from tests.harness import Project

WAIT_S = 300.0


@dataclass(frozen=True)
class Kill:
    """A worker killed in the middle of a run."""

    run: str
    at: datetime


@dataclass
class Town:
    """Servers of one project, each in a session of its own, and all processes they have started."""

    project: Project
    workers: int = 2
    servers: list[subprocess.Popen] = field(default_factory=list)
    known: dict[int, psutil.Process] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    hits: dict[str, list[datetime]] = field(default_factory=dict)
    """Node → when workers were killed in the middle of it."""
    killed: int = 0
    started: int = 0

    def start(self) -> None:
        """Start a server."""
        self.started += 1
        command = [
            sys.executable,
            "-m",
            "headwater",
            "serve",
            "--no-api",
            "--workers",
            str(self.workers),
            "--grace",
            "5s",
        ]
        with self.log.open("ab") as log:
            server = subprocess.Popen(command, cwd=self.project.root, stderr=log, stdout=log, start_new_session=True)
        self.servers.append(server)

    @property
    def log(self) -> Path:
        """Where all servers say what they do."""
        return self.project.root / "serve.log"

    def alive(self) -> list[psutil.Process]:
        """All processes of all servers that live, found through the servers, also those whose server has died."""
        for server in self.servers:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(server.pid)
                for each in (parent, *parent.children(recursive=True)):
                    self.known[each.pid] = each
        for each in list(self.known.values()):
            with suppress(psutil.NoSuchProcess):
                for child in each.children(recursive=True):
                    self.known[child.pid] = child
        self.known = {pid: each for pid, each in self.known.items() if _lives(each)}
        return list(self.known.values())

    def busy(self) -> list[psutil.Process]:
        """The workers that are in the middle of a run."""
        pids = {each.pid for each in workers(self.project.workspace.db) if self._nodes(each.run)}
        return [each for each in self.alive() if each.pid in pids]

    def kill(self, victims: list[psutil.Process]) -> None:
        """Kill processes at once, and note the runs of those that were in the middle of one."""
        busy = {each.pid: each.run for each in workers(self.project.workspace.db) if each.run}
        hit = {node for each in victims for node in self._nodes(busy.get(each.pid, ""))}
        if any(self._in_a_row(node) + 1 >= MOST_CRASHES for node in hit):
            return  # it would be taken for a task that kills its worker, and rightly
        now = datetime.now(UTC)
        for node in hit:
            self.hits.setdefault(node, []).append(now)
        for each in victims:
            with suppress(psutil.NoSuchProcess):
                each.kill()
                self.killed += 1
                if each.pid in busy:
                    self.kills.append(Kill(busy[each.pid], now))
        for server in [each for each in self.servers if each.pid in {victim.pid for victim in victims}]:
            server.wait()
            self.servers.remove(server)

    def _nodes(self, run: str) -> list[str]:
        return [each.node for each in running_attempts(self.project.workspace.db, run)] if run else []

    def _in_a_row(self, node: str) -> int:
        query = "SELECT max(ended_at) FROM attempts WHERE node = ? AND status = 'done' AND slots > 0"
        with self.project.workspace.db.read() as connection:
            (done,) = connection.execute(query, (node,)).fetchone()
        return sum(not done or at > datetime.fromisoformat(done) for at in self.hits.get(node, ()))

    def lose_unsynced(self, chance: random.Random, since_s: float = 3.0) -> int:
        """What a machine that dies may do to files that were written just before and that no committed state names."""
        lake = self.project.workspace.settings.lake
        files = [path for path in lake.rglob("*") if path.is_file() and time.time() - path.stat().st_mtime < since_s]
        fills = [path for path in files if path.suffix in {".parquet", ".json"} and "_" not in path.parts[-3][:1]]
        names = {path: path.name.split("-")[0].split(".")[0] for path in fills}
        committed = known(self.project.workspace.db, sorted(set(names.values())))
        lost = [path for path in fills if names[path] not in committed and chance.random() < 0.5]
        for path in lost:
            if chance.random() < 0.5:
                path.unlink(missing_ok=True)
            else:
                os.truncate(path, path.stat().st_size // 2)
        return len(lost)

    def stop(self) -> None:
        """End everything that was started."""
        for each in self.alive():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        for server in self.servers:
            server.wait()
        self.servers.clear()

    def drained(self) -> bool:
        """Whether all orders have ended."""
        return not [each for each in last_requests(self.project.workspace.db, limit=1000) if not each.has_ended]

    def recovered(self, kill: Kill) -> bool:
        """Whether the run of a killed worker has begun another attempt, or has nothing left to try."""
        request = find_request(self.project.workspace.db, kill.run)
        return self.next_attempt(kill) is not None or request is None or request.has_ended

    def next_attempt(self, kill: Kill) -> datetime | None:
        """When the run of a killed worker began its next attempt."""
        query = "SELECT min(started_at) FROM attempts WHERE run = ? AND started_at > ?"
        with self.project.workspace.db.read() as connection:
            (at,) = connection.execute(query, (kill.run, stamp(kill.at))).fetchone()
        return datetime.fromisoformat(at) if at else None

    def seconds_until(self, kills: list[Kill]) -> list[float]:
        """Seconds from each kill to the next attempt of its run, where there was one, the shortest first."""
        found = [(at - kill.at).total_seconds() for kill in kills if (at := self.next_attempt(kill))]
        return sorted(found)


def until(holds, what: str, log: Path, wait_s: float = WAIT_S) -> None:
    """Wait until something holds, for as long as a slow machine may need."""
    deadline = time.monotonic() + wait_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen; the servers said last:\n{log.read_text()[-6000:]}")
        time.sleep(0.1)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def ask_to_stop(server: subprocess.Popen) -> int:
    """Tell a server to stop, and wait until it has."""
    server.send_signal(signal.SIGTERM)
    return server.wait(120)
