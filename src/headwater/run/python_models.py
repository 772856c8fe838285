"""Performs a Python model's task in a process of its own, under a deadline and a memory limit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, Invalid, Retryable, Where
from headwater.graph.values import Graph, Node
from headwater.run.engine import Engine
from headwater.run.worker import Receipt
from headwater.spec.fills import Fill
from headwater.spec.observations import Inspection
from headwater.tasks.values import Relation, Task

_POLL_S = 0.02
_KINDS: Mapping[str, type[HeadwaterError]] = {
    "Invalid": Invalid,
    "Retryable": Retryable,
    "Broken": Broken,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the child process is told: the task, the code around it, and where rows lie."""

    task: Task
    graph: Graph
    attempt: str
    root: str
    lake: str
    temp_directory: str
    fills: Mapping[str, Fill]
    inspections: Mapping[str, Mapping[str, Inspection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What it answers: a receipt, or the kind of error and its diagnostics."""

    receipt: Receipt | None = None
    failure: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=())


def perform_in_process(request: Request, engine: Engine) -> Receipt:
    """Run the task in a child; a child that hangs, eats memory or dies ends in a diagnostic.

    The child leads a group of processes: whatever the model starts ends with it. An interrupt of the engine ends it.
    """
    node = request.task.node
    with TemporaryDirectory(prefix="headwater-") as directory:
        folder = Path(directory)
        (folder / "request").write_bytes(msgspec.msgpack.encode(request))
        with (folder / "output").open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "headwater.app.worker", directory],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=request.root,
                start_new_session=True,
            )
            try:
                with engine.stoppable(partial(_end, child)):
                    _watch(child, node)
            finally:
                _end(child)
                child.wait()
        return _answer(folder, child.returncode, node)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def needed(graph: Graph, task: Task) -> Graph:
    """Give the part of a graph that a task needs: its node and what its relations are."""
    names = {task.node.name, *_names(task.relations)}
    nodes = tuple(node for node in graph.nodes if node.name in names)
    return Graph(project=graph.project, nodes=nodes, macros=graph.macros, variables=graph.variables)


def fills_of(relations: tuple[Relation, ...]) -> set[str]:
    """Give the ids of all fills that relations read."""
    return {fill for r in relations for fill in r.fills} | {f for r in relations for f in fills_of(r.inputs)}


def _names(relations: tuple[Relation, ...]) -> set[str]:
    return {r.name for r in relations} | {name for r in relations for name in _names(r.inputs)}


def _watch(child: "subprocess.Popen[bytes]", node: Node) -> None:
    began = time.monotonic()
    while child.poll() is None:
        if time.monotonic() - began > node.timeout_s:
            raise Retryable.of(
                "HW0850",
                f"`{node.name}` did not finish within {node.timeout_s:g} s",
                _where(node),
                hint="raise `timeout:` or make it read less",
            )
        used = _resident_bytes(child.pid)
        if node.memory_bytes is not None and used > node.memory_bytes:
            raise Invalid.of(
                "HW0851",
                f"`{node.name}` used more than its {node.memory_bytes:,} bytes of memory",
                _where(node),
                hint="raise `memory:` or make it read less",
            )
        try:
            child.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()


def _answer(folder: Path, code: int, node: Node) -> Receipt:
    answer = folder / "response"
    if not answer.exists():
        tail = (folder / "output").read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        said = f"; its last words: {tail}" if tail else ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = "it must return a table, and leave its process alone"
        raise Invalid.of("HW0852", f"the process of `{node.name}` {how}{said}", _where(node), hint=hint)
    response = msgspec.msgpack.decode(answer.read_bytes(), type=Response)
    if response.receipt is None:
        raise _KINDS.get(response.failure, Invalid)(*response.diagnostics)
    return response.receipt


def _where(node: Node) -> Where:
    return Where(node.file, node.line)
