"""The code that releases run, as the state keeps it: whole, or its outline, which takes a tenth of the time to read."""

from functools import lru_cache

from headwater.diagnostics import Conflict
from headwater.graph.encoding import Outline, decode, outline
from headwater.graph.values import Graph
from headwater.state.database import Database
from headwater.state.releases import graph_of


def released_graph(db: Database, environment: str, code: str) -> Graph:
    """Give the graph that an environment runs; Conflict if nothing was ever applied to it."""
    if not code:
        hint = f"run `headwater apply --env {environment}` first"
        raise Conflict.of("HW0540", f"nothing has been applied to `{environment}` yet", hint=hint)
    return _decoded(db, code)


def previous_graph(db: Database, code: str) -> Graph | None:
    """Give the graph of some code, if there is one."""
    return _decoded(db, code) if code else None


def previous_outline(db: Database, code: str) -> Outline:
    """Give the outline of some code; of none, an empty one."""
    return outline(_body(db, code)) if code else Outline()


@lru_cache(maxsize=32)  # a server looks at every environment twice a second, each with code of its own
def _decoded(db: Database, code: str) -> Graph:
    return decode(_body(db, code))


def _body(db: Database, code: str) -> bytes:
    body = graph_of(db, code)
    if body is None:
        raise Conflict.of("HW0541", f"the code {code[:12]} is not in the state", hint="run `headwater doctor`")
    return body
