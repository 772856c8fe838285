"""Which slots are left to backfills: what these have ordered and not yet done, other runs leave as it is."""

from collections.abc import Mapping

from headwater.graph.values import Graph
from headwater.plan.calendar import Interval
from headwater.plan.chunks import joined
from headwater.plan.wanted import Horizon, slots_within, wanted_ranges
from headwater.state.backfills import open_chunks
from headwater.state.database import Database


def left_to_backfills(
    db: Database, environment: str, graph: Graph, horizon: Horizon, *, besides: str = ""
) -> Mapping[str, tuple[Interval, ...]]:
    """Give node → the stretches that chunks of backfills will fill; without those of one backfill (``besides``)."""
    chunks = [each for each in open_chunks(db, environment) if each.backfill.id != besides]
    if not chunks:
        return {}
    wanted = wanted_ranges(graph, horizon)
    ordered: dict[tuple[str, ...], list[Interval]] = {}
    for each in chunks:
        if each.order.within is not None:
            ordered.setdefault(each.backfill.nodes, []).append(each.order.within)
    found: dict[str, list[Interval]] = {}
    for nodes, stretches in ordered.items():
        for stretch in joined(stretches):
            own, _ = slots_within(graph, wanted, wanted.keys() & set(nodes), stretch)
            for name, slots in own.items():
                found.setdefault(name, []).append(slots)
    return {name: joined([s for s in stretches if s[0] < s[1]]) for name, stretches in found.items()}
