"""Performs a Python model's task in a process of its own, under a deadline and a memory limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.diagnostics import Diagnostic, Where
from headwater.events import Emit, silent
from headwater.graph.values import Graph
from headwater.run.engine import Engine
from headwater.run.erasing import Erased
from headwater.run.metering import Meter
from headwater.run.python.process import Errand, ask
from headwater.run.worker import Receipt
from headwater.spec.fills import Fill
from headwater.spec.observations import Inspection
from headwater.tasks.values import Task


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
    erased: Mapping[str, Erased] = field(default_factory=dict)
    """Source → who was erased of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What it answers: a receipt, or the kind of error and its diagnostics."""

    receipt: Receipt | None = None
    failure: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=())


def perform_in_process(request: Request, engine: Engine, emit: Emit = silent, meter: Meter | None = None) -> Receipt:
    """Run the task in a child (see ``run.python.process``); ``emit`` hears what it printed, ``meter`` what it used."""
    node = request.task.node
    errand = Errand(
        what="model",
        name=node.name,
        where=Where(node.file, node.line),
        root=request.root,
        timeout_s=node.timeout_s,
        memory_bytes=node.memory_bytes,
        emit=emit,
        meter=meter,
    )
    receipt = ask(errand, request, Response, engine).receipt
    assert receipt is not None  # noqa: S101 - what did not fail has one
    return receipt
