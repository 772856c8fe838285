"""The entry of a worker process: calls one function of the project and leaves a response beside the request."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from headwater.app.contexts import sources_of
from headwater.app.tombstones import without_erased
from headwater.connectors.stores.lake import Lake
from headwater.diagnostics import HeadwaterError
from headwater.run.engine import Engine, EngineLimits, Session
from headwater.run.python.calling import call
from headwater.run.python.models import Request, Response
from headwater.run.python.sinks import SinkRequest, SinkResponse, deliver
from headwater.run.python.sources import SourceRequest, SourceResponse, generate
from headwater.run.relations import Surroundings
from headwater.run.worker import perform
from headwater.tasks.values import Task


def main(directory: str, what: str = "model") -> None:
    """Answer the request in a directory; the response is written whole or not at all."""
    folder = Path(directory)
    content = (folder / "request").read_bytes()
    response = _ANSWERS[what](content, folder)
    partial = folder / "response.partial"
    partial.write_bytes(response)
    partial.replace(folder / "response")


def _model(content: bytes, folder: Path) -> bytes:
    request = msgspec.msgpack.decode(content, type=Request)
    return msgspec.msgpack.encode(_answer(request, folder))


def _source(content: bytes, folder: Path) -> bytes:
    request = msgspec.msgpack.decode(content, type=SourceRequest)
    try:
        with _copies_ended():
            response = SourceResponse(rows=generate(request, folder / "code"))
    except HeadwaterError as problem:
        response = SourceResponse(failure=type(problem).__name__, diagnostics=problem.diagnostics)
    return msgspec.msgpack.encode(response)


def _answer(request: Request, folder: Path) -> Response:
    limits = EngineLimits(
        threads=os.cpu_count() or 1,
        temp_directory=request.temp_directory,
        memory_bytes=request.task.node.memory_bytes,
    )
    store = Lake(Path(request.lake))
    around = Surroundings(
        graph=request.graph,
        store=store,
        sources=without_erased(sources_of(request.graph, Path(request.root), store), request.erased),
        inspections=request.inspections,
        fills=request.fills,
    )

    def compute(session: Session, task: Task) -> str:
        with _copies_ended():
            return call(session, task, request.graph, folder / "code")

    try:
        receipt = perform(request.task, request.attempt, Engine(limits), around, compute)
    except HeadwaterError as problem:
        return Response(failure=type(problem).__name__, diagnostics=problem.diagnostics)
    return Response(receipt=receipt)


def _sink(content: bytes, folder: Path) -> bytes:
    request = msgspec.msgpack.decode(content, type=SinkRequest)
    response = SinkResponse()
    try:
        with _copies_ended():
            deliver(request, folder / "code")
    except HeadwaterError as problem:
        response = SinkResponse(failure=type(problem).__name__, diagnostics=problem.diagnostics)
    return msgspec.msgpack.encode(response)


@contextmanager
def _copies_ended() -> Iterator[None]:
    """A copy of this process that a function has forked ends where the function does: one process answers."""
    own = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != own:
            os._exit(0)


_ANSWERS: Final = {"model": _model, "source": _source, "sink": _sink}

if __name__ == "__main__":
    main(*sys.argv[1:])
    if sys.argv[2:] != ["sink"]:  # what a sink has begun in other threads must end; the rest has nothing left to do
        os._exit(0)
