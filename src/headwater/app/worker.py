"""The entry of a worker process: performs one task of a Python model and leaves a response beside the request."""

import os
import sys
from pathlib import Path

import msgspec

from headwater.app.contexts import sources_of
from headwater.connectors.stores.lake import Lake
from headwater.diagnostics import HeadwaterError
from headwater.run.engine import Engine, EngineLimits, Session
from headwater.run.python_call import call
from headwater.run.python_models import Request, Response
from headwater.run.relations import Surroundings
from headwater.run.worker import perform
from headwater.tasks.values import Task


def main(directory: str) -> None:
    """Answer the request in a directory; the response is written whole or not at all."""
    folder = Path(directory)
    request = msgspec.msgpack.decode((folder / "request").read_bytes(), type=Request)
    response = _answer(request, folder)
    partial = folder / "response.partial"
    partial.write_bytes(msgspec.msgpack.encode(response))
    partial.replace(folder / "response")


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
        sources=sources_of(request.graph, Path(request.root), store),
        inspections=request.inspections,
        fills=request.fills,
    )

    own = os.getpid()

    def compute(session: Session, task: Task) -> str:
        try:
            return call(session, task, request.graph, folder / "code")
        finally:
            if os.getpid() != own:  # a copy that the model has forked: one process answers
                os._exit(0)

    try:
        receipt = perform(request.task, request.attempt, Engine(limits), around, compute)
    except HeadwaterError as problem:
        return Response(failure=type(problem).__name__, diagnostics=problem.diagnostics)
    return Response(receipt=receipt)


if __name__ == "__main__":
    main(sys.argv[1])
