"""Runtime `local`: every site is a process of its own on this machine, started when it is first asked."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

from headwater.connect.components import Component
from headwater.connect.outcomes import raised
from headwater.connect.runtimes import PROTOCOL, Runtime, SitePlace, SiteSession
from headwater.connectors.runtimes.asking import Asking
from headwater.connectors.runtimes.processes import Worker
from headwater.diagnostics import Broken, HeadwaterError
from headwater.spec.fields import Doc

_MODULE: Final = "headwater.app.site"
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""What a worker is told of this process's environment: how to run at all, and nothing that anybody keeps secret."""
Launch = Callable[[SitePlace], Sequence[str]]
"""Gives the command that starts the worker of a site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What can be said of it: nothing yet besides a site's own `root`, `lake` and `capacity`."""

    start_timeout_s: Annotated[float, Doc("how long a worker may take to start")] = 60.0


def command_of(place: SitePlace) -> list[str]:
    """Give the command that starts a site's worker; no module of its directory can take the place of ours."""
    options = ["--site", place.site, "--home", place.home, "--root", place.root, "--capacity", str(place.capacity)]
    options += ["--memory", str(place.memory_bytes)] if place.memory_bytes else []
    return [sys.executable, "-P", "-m", _MODULE, *options]


class LocalRuntime:
    """Worker processes by site; one that died is started again when it is next asked. Fulfils `Runtime`."""

    def __init__(
        self, places: Mapping[str, SitePlace], settings: Fields | None = None, launch: Launch = command_of
    ) -> None:
        self._places = dict(places)
        self._settings = settings or Fields()
        self._launch = launch
        self._workers: dict[str, Worker] = {}
        self._lock = threading.Lock()
        self._starting = {site: threading.Lock() for site in places}

    @contextmanager
    def session(self, site: str) -> Iterator[SiteSession]:
        """Open a conversation with a site: Retryable if its worker does not start, Broken if there is no such site."""
        if site not in self._places:
            hint = f"there are {', '.join(sorted(self._places)) or 'none'}"
            raise Broken.of("HW1255", f"no site `{site}` has a worker", hint=hint)
        yield Asking(site, lambda: self._worker(site))

    def process(self, site: str) -> int | None:
        """Give the process id of a site's worker; None if none runs."""
        with self._lock:
            worker = self._workers.get(site)
        return worker.process_id if worker is not None and worker.is_alive else None

    def close(self) -> None:
        """End all workers: those that are idle by themselves, others by force."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.end()

    def _worker(self, site: str) -> Worker:
        with self._starting[site]:
            with self._lock:
                worker = self._workers.get(site)
            if worker is None or not worker.is_alive:
                worker = self._started(self._places[site])
                with self._lock:
                    self._workers[site] = worker
        return worker

    def _started(self, place: SitePlace) -> Worker:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        worker = Worker(place.site, self._launch(place), {**environment, "HOME": place.home}, place.home)
        try:
            state = worker.ask("state", None, timeout_s=self._settings.start_timeout_s).body
            if state["protocol"] != PROTOCOL or state["site"] != place.site:
                raise raised("protocol", place.site)
        except HeadwaterError:
            worker.end()
            raise
        return worker


def _make(settings: Mapping[str, Any], places: Mapping[str, SitePlace]) -> Runtime:
    return LocalRuntime(places, Fields(**settings))


local: Final[Component[Runtime]] = Component(
    name="local",
    summary="A worker process for each site, on this machine.",
    fields=Fields,
    example="sites:\n  eu: {jurisdiction: eu, runtime: local, root: data/eu}\n",
    can=frozenset(),
    make=_make,
)
