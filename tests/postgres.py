"""A real Postgres for tests: on a free port of this machine, with a data directory of its own, gone afterwards."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

from headwater.state.places import PostgresPlace

_QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum": "off",
}
_PREFIX = "headwater-pg-"
_PASSWORD = "only-for-tests"  # noqa: S105 - of a server that lives as long as the tests


def programs() -> Path | None:
    """Where the server's programs are; None if Postgres is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    for name in ("postgres",) if not found else ():
        on_path = shutil.which(name)
        found += [Path(on_path).parent] if on_path else []
    with_all = [path for path in found if (path / "initdb").exists()]
    return max(with_all, key=lambda path: [int(part) for part in path.parts if part.isdigit()], default=None)


@dataclass
class Postgres:
    """A server of the test's own."""

    programs: Path
    data: Path
    port: int
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"postgres://postgres:{_PASSWORD}@127.0.0.1:{self.port}/postgres"

    def place(self) -> PostgresPlace:
        """A schema that nobody has used."""
        return PostgresPlace(self.url, f"t{next(self._numbers)}_{os.getpid()}")

    def new_state(self) -> str:
        """What a project says under `state:` to have a state that nobody has used."""
        place = self.place()
        return f"{place.url}?schema={place.schema}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement beside what is tested."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [each for name, value in self.settings.items() for each in ("-c", f"{name}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]
        log = (self.data.parent / "log").open("ab")
        with log:
            in_main = threading.current_thread() is threading.main_thread()  # the signal comes with the thread's end
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent if in_main else None,  # noqa: PLW1509 - it makes one system call, and nothing else
                **_unprivileged(),
            )
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError((self.data.parent / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT ends all connections in good order, SIGQUIT at once, as a crash would."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None


@contextmanager
def running(*, safe: bool = False) -> Iterator[Postgres]:
    """Run a server. ``safe``: what is committed survives a crash of the machine; slower."""
    found = programs()
    assert found is not None
    _sweep()
    base = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    server = Postgres(found, base / "data", _free_port(), _SETTINGS if safe else _SETTINGS | _QUICK)
    try:
        if "user" in _unprivileged():
            shutil.chown(base, _unprivileged()["user"])
        (base / "password").write_text(_PASSWORD)
        make = ["initdb", "-D", str(server.data), "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
        command = [str(found / make[0]), *make[1:], "--locale=C.UTF-8", "--pwfile", str(base / "password")]
        subprocess.run(command, check=True, capture_output=True, **_unprivileged())
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)


def _sweep() -> None:
    """Remove what test processes that were killed have left."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _end_with_parent() -> None:
    """A server does not outlive the tests, even if they are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


def _unprivileged() -> dict[str, Any]:
    """Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [], "cwd": "/"}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
