"""Which of the waiting runs may start: a pipeline has a limit of runs at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.app.graphs import released_graph
from headwater.diagnostics import HeadwaterError
from headwater.state.backfills import may_start
from headwater.state.database import Database
from headwater.state.heads import read_head
from headwater.state.requests import Request


@dataclass(slots=True)
class Limits:
    """Judges waiting runs by the code that their environments have."""

    db: Database

    def __call__(self, request: Request, running: Sequence[Request]) -> bool:
        """Whether a request may start beside those that run."""
        if request.backfill:
            return may_start(self.db, request, running)
        if not request.pipeline:
            return True
        same = [
            other
            for other in running
            if (other.environment, other.pipeline) == (request.environment, request.pipeline) and not other.backfill
        ]
        return not same or len(same) < self._most(request)

    def _most(self, request: Request) -> int:
        try:
            graph = released_graph(self.db, request.environment, read_head(self.db, request.environment).code)
        except HeadwaterError:  # it will fail by itself, and say why
            return 1
        found = (each.max_active for each in graph.pipelines if each.name == request.pipeline)
        return next(found, 1)
