"""A server at work: from due to the first attempt, recovery after SIGKILL, a long queue, many pipelines at once, its API."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.commands import HEADWATER
from bench.measure import Cost, Row
from bench.scale import Scale
from headwater.app.serving.leading import Leader
from headwater.app.workspace import Effects, open_workspace
from headwater.graph.encoding import encode
from headwater.graph.values import Graph, PipelineNode
from headwater.spec.releases import Move
from headwater.spec.schedules import Timetable
from headwater.state.database import Database, open_database
from headwater.state.moves import move
from headwater.state.requests import Request, claim, enqueue, finish, open_requests
from headwater.state.workers import Worker, workers

LATENESS_S, RECOVERY_S = 2.0, 10.0
"""Budgets."""
PIPELINES, QUEUED_FEW, QUEUED, API_PER_S, API_S = 1000, 100, 10_000, 200, 10
LAYERS, WIDTH = 8, 10
PATIENCE_S = 120.0
ELSEWHERE = "another"
PROJECT = """\
project: served
sources:
  events: {connector: files, path: data/*.csv, format: csv, columns: {id: bigint}}
pipelines:
  often: {select: [quick], schedule: {every: 2s}}
  long: {select: ["slow*"], when: {message: go}}
"""
QUICK = "SELECT count(*) AS n, sum(id)::BIGINT AS total FROM events\n"
SLOW = "SELECT count(*) AS n, max(hash(range + e.total))::VARCHAR AS h FROM range(2000000), (SELECT sum(id)::BIGINT AS total FROM events) AS e\n"


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    yield from _served(folder / "served", scale)
    yield _many_at_once(folder / "many", scale)
    yield from _queue(folder / "queue.db")


def _served(project: Path, scale: Scale) -> Iterator[Row]:
    _write(project)
    subprocess.run([HEADWATER, "apply", "--yes"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    with open_database(project / ".headwater/state.db") as db, _serving(project, db) as served:
        yield _row("due → its first attempt begins", "headwater serve", _lateness(project, db, scale), LATENESS_S)
        yield _api(project, served)
        for what, victims in {
            "its worker is killed → its next attempt begins": lambda busy: [busy.pid],
            "all is killed, and started again → its next attempt begins": lambda _: served.pids(),
            "the same, as if on another machine (leases must expire)": lambda _: served.pids(machine=ELSEWHERE),
        }.items():
            found = [served.recovery(victims, number) for number in range(scale.starts)]
            yield _row(what, "headwater serve", found, RECOVERY_S)


def _write(project: Path) -> None:
    (project / "models").mkdir(parents=True)
    (project / "data").mkdir()
    (project / "headwater.yaml").write_text(PROJECT)
    (project / "data/0.csv").write_text("id\n0\n")
    (project / "models/quick.sql").write_text(QUICK)
    for number in range(LAYERS * WIDTH):
        (project / f"models/slow_{number:02}.sql").write_text(SLOW)


@dataclass
class _Served:
    project: Path
    db: Database
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = [HEADWATER, "serve", "--workers", "2", "--port", "0"]
        with (self.project / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.project, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def pids(self, machine: str | None = None) -> list[int]:
        """The server's process and its workers'; ``machine``: let it seem that they are elsewhere."""
        if machine:
            with self.db.write() as connection:
                connection.execute("UPDATE workers SET machine = ?", (machine,))
        return [each.pid for each in workers(self.db) if each.kind in {"server", "worker"}]

    def recovery(self, victims: Callable[[Worker], list[int]], number: int) -> float:
        """Kill in the middle of a run; give the seconds until its next attempt begins."""
        (self.project / f"data/kill{time.time_ns()}.csv").write_text(f"id\n{number}\n")
        subprocess.run([HEADWATER, "trigger", "long", "--detach"], cwd=self.project, check=True, capture_output=True)
        busy = _await(lambda: next((each for each in workers(self.db) if _attempts(self.db, each.run)), None))
        at = datetime.now(UTC)
        killed = victims(busy)
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process and self.process.pid in killed:
            self.process.wait()
            self.start()
        after = _await(lambda: [each for each in _attempts(self.db, busy.run) if each > at])
        _await(lambda: not [each for each in open_requests(self.db) if each.pipeline == "long"])
        with self.db.write() as connection:
            connection.execute("DELETE FROM workers WHERE machine = ?", (ELSEWHERE,))
        return (min(after) - at).total_seconds()


@contextmanager
def _serving(project: Path, db: Database) -> Iterator[_Served]:
    served = _Served(project, db)
    served.start()
    try:
        _await(lambda: [each for each in workers(db) if each.kind == "worker"])
        yield served
    finally:
        served.stop()


def _attempts(db: Database, run: str) -> list[datetime]:
    """When the attempts of a run at `long` began."""
    query = "SELECT started_at FROM attempts WHERE run = ? AND node LIKE 'slow%'"
    with db.read() as connection:
        return [datetime.fromisoformat(at) for (at,) in connection.execute(query, (run,))] if run else []


def _lateness(project: Path, db: Database, scale: Scale) -> list[float]:
    query = (
        "SELECT q.fire_at, min(a.started_at) FROM requests AS q JOIN attempts AS a ON a.run = q.id"
        " WHERE q.kind = 'schedule' GROUP BY q.id ORDER BY q.created_at"
    )
    for number in range(scale.starts):
        (project / f"data/{number + 1}.csv").write_text(f"id\n{number}\n")
        time.sleep(2)
    with db.read() as connection:
        found = connection.execute(query).fetchall()
    return [(datetime.fromisoformat(began) - datetime.fromisoformat(due)).total_seconds() for due, began in found]


def _api(project: Path, served: _Served) -> Row:
    """Ask as often as the budget says while it works; how long do answers take?"""
    command = [HEADWATER, "token", "create", "bench", "--role", "viewer", "--json"]
    token = json.loads(subprocess.run(command, cwd=project, check=True, capture_output=True).stdout)["secret"]
    url = next(each.url for each in workers(served.db) if each.url)
    took: list[float] = []
    began = time.perf_counter()
    threads = [threading.Thread(target=_ask, args=(url, token, took, began)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    found = sorted(took)
    facts = {"answers/s": round(len(took) / seconds), "95th ms": round(1000 * found[int(len(found) * 0.95)], 1)}
    return _row(f"API: list runs, {API_PER_S} times a second", "headwater serve", found, None, **facts)


def _ask(url: str, token: str, took: list[float], began: float) -> None:
    address = url.split("//")[1]
    with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        for number in range(API_PER_S * API_S // 4):
            time.sleep(max(0.0, began + number * 4 / API_PER_S - time.perf_counter()))
            start = time.perf_counter()
            connection.request("GET", "/api/v1/runs", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            took.append(time.perf_counter() - start)


def _many_at_once(folder: Path, scale: Scale) -> Row:
    """One look of a leader at pipelines that are all due."""
    folder.mkdir()
    (folder / "headwater.yaml").write_text("project: many\n")
    clock = [datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)]
    schedule = (Timetable(cron="* * * * *", timezone="Europe/Berlin"),)
    pipelines = tuple(PipelineNode(name=f"p{n}", select=("*",), schedule=schedule) for n in range(PIPELINES))
    code = encode(Graph(project="many", nodes=(), pipelines=pipelines, digest="c"))
    with open_workspace(folder, effects=Effects(clock=lambda: clock[0])) as workspace:
        made = Move(environment="prod", kind="apply", at=clock[0], by="bench", code="c", graph=code)
        move(workspace.db, made, "r1")
        leader = Leader(workspace, "bench")
        leader.step(clock[0])
        found, idle = [], []
        for _ in range(scale.starts):
            clock[0] += timedelta(minutes=1)
            found.append(_timed(lambda: leader.step(clock[0])))
            idle.append(_timed(lambda: leader.step(clock[0])))
            with workspace.db.write() as connection:
                connection.execute("UPDATE requests SET status = 'done' WHERE status = 'queued'")
    facts = {"orders/s": round(PIPELINES / sorted(found)[len(found) // 2]), "idle look ms": round(1000 * min(idle), 1)}
    return _row(f"{PIPELINES} pipelines due in one minute: ordered", "one look", found, None, **facts)


def _queue(path: Path) -> Iterator[Row]:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with open_database(path) as db:
        for queued in (QUEUED_FEW, QUEUED):
            with db.write():
                for number in range(queued - len(open_requests(db))):
                    request = Request(
                        id=f"{queued}.{number}",
                        environment="prod",
                        pipeline=f"p{number}",
                        created_at=now,
                        not_before=now,
                    )
                    enqueue(db, request)
            found = [_timed(lambda n=n: _take_and_finish(db, f"w/{n}", now)) for n in range(QUEUED_FEW // 2)]
            facts = {"orders/s": round(len(found) / sum(found))}
            yield _row(f"an order is taken and ended, {queued} wait", "one worker", found, None, **facts)


def _take_and_finish(db: Database, holder: str, now: datetime) -> None:
    taken = claim(db, holder, now, 7.0)
    assert taken is not None
    finish(db, taken.request.id, holder, "done", "", now)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _row(what: str, who: str, seconds: list[float], budget_s: float | None, **facts: float | str) -> Row:
    return Row(what, who, tuple(Cost(each, 0.0, 0.0, 0) for each in seconds), budget_s=budget_s, facts=facts)


def _await(find):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := find()):
        if time.monotonic() > deadline:
            sys.exit("what is measured did not happen")
        time.sleep(0.02)
    return found
