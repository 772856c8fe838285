"""A whole project in a test's hands: write files, plan, apply, run, query, roll back, with an owned clock and tokens.

    def test_a_column_nobody_reads_rebuilds_nobody(project):
        project.source("raw", {"id": "bigint", "price": "double"}, rows=[(1, 2.5)])
        project.model("totals", "SELECT sum(price) AS total FROM raw")
        project.apply()
        assert project.query("SELECT total FROM totals") == [(2.5,)]

Everything goes through the public functions of ``headwater.app``. One workspace stays open from call to call, as in a
server; ``project.reopen()`` makes the next call begin as a new process would.
"""

import csv
import io
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from headwater.app.applying import apply
from headwater.app.checking import Checked, check
from headwater.app.compiling import compiled_for
from headwater.app.contexts import released_graph
from headwater.app.outcomes import Outcome
from headwater.app.planning import make_plan
from headwater.app.reading import read
from headwater.app.rolling_back import RolledBack, preview_rollback, rollback
from headwater.app.running import run
from headwater.app.workspace import Effects, Workspace, open_workspace
from headwater.events import CheckFinished, Event, TaskFinished
from headwater.graph.values import Graph
from headwater.plan.values import Plan
from headwater.spec.orders import Order
from headwater.spec.releases import Head, Release
from headwater.state.heads import read_head
from headwater.state.releases import history

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
"""When tests begin, unless they say otherwise."""
_FIRST_MTIME_NS = 1_700_000_000_000_000_000
_TICK_NS = 1_000_000_000


@dataclass(frozen=True)
class PlanView:
    """A plan as tests ask about it; ``plan`` is the value itself."""

    plan: Plan

    @property
    def rebuilt(self) -> list[str]:
        """Nodes that get a new version and have slots to compute."""
        return [name for name, each in self.plan.nodes.items() if each.is_new and each.build]

    @property
    def computed(self) -> dict[str, list[str]]:
        """Node → slots to compute."""
        return {name: sorted(slot for _, slot in each.build) for name, each in self.plan.nodes.items() if each.build}

    @property
    def reused(self) -> dict[str, list[str]]:
        """Node → slots taken as they are from elsewhere."""
        return {name: sorted(slot for _, slot in each.reuse) for name, each in self.plan.nodes.items() if each.reuse}

    @property
    def due(self) -> dict[str, int]:
        """Node → how many slots are due."""
        return {name: each.due for name, each in self.plan.nodes.items() if each.due}

    @property
    def why(self) -> dict[str, str]:
        """Node → why it has work."""
        return {step.node: step.because for step in self.plan.steps}

    @property
    def actions(self) -> list[tuple[str, str]]:
        """(action, node) of every step."""
        return [(step.action, step.node) for step in self.plan.steps]


class Project:
    """A project directory and what a user does in it. ``now`` is what every clock says."""

    def __init__(self, root: Path, *, now: datetime = NOON, tokens: str = "t") -> None:
        """``tokens`` begins every random word: a second process on the same files must choose another beginning."""
        self.root = root
        self._prefix = tokens
        self.now = now
        self.events: list[Event] = []
        self.slept: list[float] = []
        self._settings: dict[str, Any] = {"project": "shop"}
        self._mtimes = count(_FIRST_MTIME_NS, _TICK_NS)
        self._tokens = count(1)
        self._hooks: list[tuple[Callable[[Event], bool], Callable[[], object]]] = []
        self._open = ExitStack()
        self._workspace: Workspace | None = None
        self._lock = threading.Lock()
        if not (root / "headwater.yaml").exists():
            self._write_settings()

    # Files

    def settings(self, **keys: Any) -> "Project":
        """Set keys of headwater.yaml, such as ``variables={"late": 5}`` or ``keep="1d"``."""
        self._settings |= keys
        self._write_settings()
        self.reopen()
        return self

    def environment(self, name: str, **settings: Any) -> "Project":
        """Declare an environment."""
        return self.settings(environments={**self._settings.get("environments", {}), name: settings})

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file; its inode and modification time are always new, so a rewritten file is seen as one."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.new")
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        mtime = next(self._mtimes)
        os.utime(beside, ns=(mtime, mtime))
        beside.replace(target)
        return target

    def remove(self, path: str) -> None:
        """Delete a file."""
        (self.root / path).unlink()

    def source(
        self, name: str, columns: Mapping[str, Any], rows: Iterable[Sequence[Any]] | None = None, **settings: Any
    ) -> "Project":
        """Declare a source of CSV files below ``data/<name>/``; ``rows`` become its first file, ``1.csv``."""
        typed = {column: {"type": what} if isinstance(what, str) else what for column, what in columns.items()}
        body = {"connector": "files", "path": f"data/{name}/*.csv", "format": "csv", "columns": typed, **settings}
        self.write(f"sources/{name}.yaml", _yaml({"sources": {name: body}}))
        (self.root / "data" / name).mkdir(parents=True, exist_ok=True)
        if rows is not None:
            self.file(name, "1.csv", list(columns), rows)
        return self

    def file(self, source: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
        """Write a CSV file of a source: a header, then rows (None: an empty field)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else _cell(value) for value in row] for row in rows])
        return self.write(f"data/{source}/{name}", text.getvalue())

    def model(self, name: str, sql: str, **header: Any) -> "Project":
        """Write a SQL model; keyword arguments are its header (``kind="incremental", time="day", every="1d"``)."""
        lines = "".join(f"{key}: {_value(value)}\n" for key, value in header.items())
        text = f"/* headwater\n{lines}*/\n{sql}\n" if header else f"{sql}\n"
        self.write(f"models/{name.replace('.', '/')}.sql", text)
        return self

    def without(self, *models: str) -> "Project":
        """Delete SQL models."""
        for name in models:
            self.remove(f"models/{name.replace('.', '/')}.sql")
        return self

    def tests(self, **tests: Any) -> "Project":
        """Write unit tests: name → its settings (or one map under ``named``, for names with spaces)."""
        self.write("tests/tests.yaml", _yaml({"tests": tests.pop("named", {}) | tests}))
        return self

    # What a user does

    def check(self, environment: str | None = None, **variables: str) -> Checked:
        """Read and compile the files."""
        return check(self.root, variables=variables, environment=environment)

    @property
    def mistakes(self) -> list[str]:
        """``code file:line:column`` of everything wrong with the files."""
        return [f"{d.code} {d.where}" if d.where else d.code for d in self.check().diagnostics]

    def graph(self, environment: str = "dev") -> Graph:
        """Compile the files for an environment."""
        graph = compiled_for(self.workspace, environment).graph
        assert graph is not None
        return graph

    def plan(self, environment: str = "dev") -> PlanView:
        """Plan the files for an environment."""
        return PlanView(make_plan(self.workspace, self.graph(environment), environment))

    def due(self, environment: str = "dev") -> dict[str, int]:
        """What is due in an environment with the code that it runs."""
        head = self.head(environment)
        graph = released_graph(self.workspace.db, environment, head.code)
        return PlanView(make_plan(self.workspace, graph, environment)).due

    def apply(
        self, environment: str = "dev", *, graph: Graph | None = None, fails: bool | None = False, **more: Any
    ) -> Outcome:
        """Apply the files (or a graph compiled earlier); an AssertionError shows why it failed, unless it ``fails``."""
        outcome = apply(self.workspace, graph or self.graph(environment), environment, **more)
        return _expected(outcome, fails=fails)

    def run(self, environment: str = "dev", *, fails: bool | None = False, **more: Any) -> Outcome:
        """Fill what is due, or what is ordered: ``project.run(skip=("a",))``."""
        how = {key: more.pop(key) for key in ("wait_s", "ticket") if key in more}
        asked = {key: tuple(value) if isinstance(value, list) else value for key, value in more.items()}
        return _expected(run(self.workspace, Order(environment=environment, **asked), **how), fails=fails)

    def rollback(self, environment: str = "dev", *, to: str | None = None, data: bool = False) -> RolledBack:
        """Go back one step, or to a release."""
        return rollback(self.workspace, preview_rollback(self.workspace, environment, to=to, data=data))

    def query(self, sql: str, environment: str = "dev") -> list[tuple[Any, ...]]:
        """Query what an environment serves."""
        return [tuple(row.values()) for row in read(self.workspace, sql, environment).rows()]

    def table(self, node: str, environment: str = "dev") -> list[tuple[Any, ...]]:
        """Give all rows of a table or view, sorted."""
        return sorted(self.query(f"SELECT * FROM {node}", environment), key=repr)

    def history(self, environment: str | None = "dev") -> list[Release]:
        """List releases, newest first."""
        return list(history(self.workspace.db, environment, 1000))

    def head(self, environment: str = "dev") -> Head:
        """Give what an environment serves, as fills."""
        return read_head(self.workspace.db, environment)

    # Effects

    @property
    def workspace(self) -> Workspace:
        """The open workspace, opened when first asked for."""
        with self._lock:
            if self._workspace is None:
                self._workspace = self._open.enter_context(open_workspace(self.root, effects=self.effects))
            return self._workspace

    @property
    def effects(self) -> Effects:
        """Time, chance and observers, as this project owns them: sleeping costs no time, and chance is always 0."""
        return Effects(clock=lambda: self.now, sleep=self._sleep, random=lambda: 0.0, token=self._token, emit=self._see)

    def reopen(self) -> None:
        """Close everything, as the end of a process would; the next call opens it again."""
        self._workspace = None
        self._open.close()

    def later(self, **duration: float) -> "Project":
        """Let time pass: ``project.later(days=1)``."""
        self.now += timedelta(**duration)
        return self

    def when(self, happens: Callable[[Event], bool], do: Callable[[], object]) -> None:
        """Do something in the middle, once: when the first event comes of which ``happens`` is true."""
        self._hooks.append((happens, do))

    def computed(self) -> dict[str, int]:
        """Node → slots computed since the events were last cleared; the event log is the oracle of what ran."""
        found: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, TaskFinished):
                found[event.node] = found.get(event.node, 0) + event.slots
        return found

    def failed_checks(self) -> list[tuple[str, str, int]]:
        """(node, check, failing rows) of the checks that failed since the events were last cleared."""
        return [(e.node, e.check, e.failing) for e in self.events if isinstance(e, CheckFinished) and e.failing]

    def _see(self, event: Event) -> None:
        self.events.append(event)
        for hook in list(self._hooks):
            if hook in self._hooks and hook[0](event):
                self._hooks.remove(hook)
                hook[1]()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        threading.Event().wait(0.001)  # lets other threads and processes go on

    def _token(self) -> str:
        with self._lock:
            return f"{self._prefix}{next(self._tokens):07}"

    def _write_settings(self) -> None:
        self.write("headwater.yaml", _yaml(self._settings))


def events_of(project: Project, *kinds: type[Event]) -> list[Event]:
    """Give the events of some kinds, without what differs from run to run."""
    return [replace(e, seconds=0.0) if hasattr(e, "seconds") else e for e in project.events if isinstance(e, kinds)]


def _expected(outcome: Outcome, *, fails: bool | None) -> Outcome:
    said = "\n".join(f"{d.code} {d.where or ''}: {d.message}" for d in outcome.diagnostics)
    assert fails is None or (outcome.exit_code != 0) == fails, f"exit code {outcome.exit_code}\n{said}"
    return outcome


def _yaml(values: Mapping[str, Any]) -> str:
    """JSON is YAML; one key a line keeps positions readable."""
    return "".join(f"{_key(key)}: {_value(value)}\n" for key, value in values.items())


def _key(key: str) -> str:
    return key if key.isidentifier() else json.dumps(key)


def _value(value: Any) -> str:
    return json.dumps(value, default=_cell, ensure_ascii=False)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
