"""Numbers for Prometheus: read from the state when they are asked for, at most every two seconds."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from headwater.app.control.counting import Key, Spread, Totals
from headwater.app.watching import ALIVE
from headwater.app.workspace import Workspace
from headwater.state.counted import node_conditions, open_by_severity, queued
from headwater.state.environments import environments
from headwater.state.workers import workers
from headwater.web.endpoint import Threads
from headwater.web.health import leader
from headwater.web.reading import caller_of
from headwater.web.routing import Services

KEPT_S: Final = 2.0
_SHARE: Final = 20.0
"""Numbers are kept so many times as long as it took to read them: looking never takes more than this part of a core."""
_WORK: Final = {
    "rows": ("rows", "Rows that tasks have written."),
    "rejects": ("rejected_rows", "Rows that were set aside."),
    "bytes_read": ("bytes_read", "Bytes of the files that tasks were given to read."),
    "bytes_moved": ("bytes_moved", "Of these, those that lay at another site."),
    "bytes_written": ("bytes_written", "Bytes that tasks have written."),
    "cpu_s": ("cpu_seconds", "Processor time of tasks."),
}


@dataclass(slots=True, eq=False)  # a registry keeps it by what it is
class Metrics(Collector):
    """Answers `/metrics`."""

    services: Services
    threads: Threads
    totals: Totals = field(default_factory=Totals)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _text: bytes = b""
    _until: float = -1.0

    async def answer(self, request: Request) -> Response:
        """Give the numbers."""
        if not self.services.open_metrics:
            await self.threads(lambda: caller_of(self.services.workspace, request.headers, "viewer"))
        return Response(await self.threads(self._current), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    def collect(self) -> Iterator[Metric]:
        """Read the state."""
        workspace = self.services.workspace
        now = workspace.effects.clock()
        self.totals.look(workspace.db)
        yield from _of_servers(workspace, now)
        yield from _of_queue(workspace, now)
        yield from _of_runs(self.totals)
        yield from _of_attempts(self.totals)
        yield from _of_nodes(workspace)

    def _current(self) -> bytes:
        with self._lock:
            began = time.monotonic()
            if began >= self._until:
                registry = CollectorRegistry(auto_describe=False)
                registry.register(self)
                self._text = generate_latest(registry)
                done = time.monotonic()
                self._until = done + max(KEPT_S, _SHARE * (done - began))
            return self._text

    def describe(self) -> Iterable[Metric]:
        """Nothing is read just to be registered."""
        return ()


def _of_servers(workspace: Workspace, now: datetime) -> Iterator[Metric]:
    from headwater import __version__

    yield InfoMetricFamily("headwater", "Version of this server.", value={"version": __version__})
    yield GaugeMetricFamily("headwater_leader", "Whether a leader is alive.", value=float(bool(leader(workspace, now))))
    alive = GaugeMetricFamily("headwater_workers", "Processes that were seen lately.", labels=["kind", "busy"])
    found = [(each.kind, "yes" if each.run else "no") for each in workers(workspace.db, now - ALIVE)]
    for labels in sorted(set(found)):
        alive.add_metric(list(labels), found.count(labels))
    yield alive
    wrong = GaugeMetricFamily("headwater_incidents_open", "What is wrong now.", labels=["environment", "severity"])
    for where, count in sorted(open_by_severity(workspace.db).items()):
        wrong.add_metric(list(where), count)
    yield wrong


def _of_queue(workspace: Workspace, now: datetime) -> Iterator[Metric]:
    length = GaugeMetricFamily("headwater_runs", "Runs that wait or run.", labels=["environment", "pipeline", "status"])
    age = GaugeMetricFamily("headwater_queue_age_seconds", "Since when the first one waits.", labels=["environment"])
    oldest: dict[str, float] = {}
    for each in queued(workspace.db):
        length.add_metric([each.environment, each.pipeline, each.status], each.count)
        waits_s = max(0.0, (now - each.since).total_seconds()) if each.status == "queued" else 0.0
        oldest[each.environment] = max(waits_s, oldest.get(each.environment, 0.0))
    for environment, waits_s in sorted(oldest.items()):
        age.add_metric([environment], waits_s)
    yield length
    yield age


def _of_runs(totals: Totals) -> Iterator[Metric]:
    labels = ["environment", "pipeline"]
    ended = CounterMetricFamily("headwater_runs_ended", "Runs that have ended.", labels=[*labels, "status"])
    for key, count in sorted(totals.runs.items()):
        ended.add_metric(list(key), count)
    yield ended
    yield _spreads("headwater_run_duration_seconds", "How long runs took.", totals.durations)
    yield _spreads("headwater_run_lateness_seconds", "From a scheduled time to the start.", totals.lateness)
    last = GaugeMetricFamily(
        "headwater_run_last_success_timestamp_seconds", "When a run last went well.", labels=labels
    )
    for where, at in sorted(totals.last_success.items()):
        last.add_metric(list(where), at.timestamp())
    yield last


def _spreads(name: str, text: str, found: dict[Key, Spread]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=["environment", "pipeline"])
    for key, spread in sorted(found.items()):
        family.add_metric(list(key), spread.up_to(), spread.sum)
    return family


def _of_attempts(totals: Totals) -> Iterator[Metric]:
    labels = ["environment", "node"]
    tries = CounterMetricFamily(
        "headwater_attempts", "Tries at tasks; `retried` are repeated.", labels=[*labels, "status"]
    )
    for key, count in sorted(totals.attempts.items()):
        tries.add_metric(list(key), count)
    yield tries
    for kind, (name, text) in _WORK.items():
        work = CounterMetricFamily(f"headwater_{name}", text, labels=labels)
        for where, amount in sorted(totals.work.get(kind, {}).items()):
            work.add_metric(list(where), amount)
        yield work
    failed = CounterMetricFamily(
        "headwater_checks_failed", "Checks that found failing rows.", labels=[*labels, "on_fail"]
    )
    for key, count in sorted(totals.failed_checks.items()):
        failed.add_metric(list(key), count)
    yield failed


def _of_nodes(workspace: Workspace) -> Iterator[Metric]:
    labels = ["environment", "node"]
    withheld = GaugeMetricFamily("headwater_slots_withheld", "Slots that are not served.", labels=[*labels, "because"])
    quality = GaugeMetricFamily("headwater_quality", "How good what last came is, 0 to 100.", labels=labels)
    for each in node_conditions(workspace.db):
        withheld.add_metric([each.environment, each.node, "check"], each.blocked)
        withheld.add_metric([each.environment, each.node, "waits"], each.waiting)
        if each.score is not None:
            quality.add_metric([each.environment, each.node], each.score)
    yield withheld
    yield quality
    released = GaugeMetricFamily("headwater_release_timestamp_seconds", "When it last moved.", labels=["environment"])
    for row in environments(workspace.db):
        if row.released_at is not None:
            released.add_metric([row.name], row.released_at.timestamp())
    yield released
