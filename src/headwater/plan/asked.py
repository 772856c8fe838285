"""Which slots of a node a plan is asked to look at, and which it is asked to fill though nothing of them has moved."""

from collections.abc import Callable

from headwater.graph.values import Node
from headwater.plan.calendar import Calendar, Interval, overlap
from headwater.plan.knowledge import Options
from headwater.spec.releases import SlotKey


def asks_for_all(options: Options, node: Node) -> bool:
    """Whether all slots of a node are to be looked at."""
    return options.within is None and not options.without.get(node.name)


def asked_stretch(options: Options, node: Node, wanted: Interval) -> Interval:
    """Give the part of a node's wanted stretch that is to be looked at."""
    if options.within is None:
        return wanted
    start, end = options.within.get(node.name, (wanted[0], wanted[0]))
    first = max(start, wanted[0])
    return first, max(first, min(end, wanted[1]))


def left_to_others(options: Options, node: Node, calendar: Calendar) -> Callable[[SlotKey], bool]:
    """Say of which slots somebody else takes care."""
    stretches = options.without.get(node.name, ())
    return lambda key: overlap(calendar.interval(key[1]), stretches)


def is_again(options: Options, node: Node, interval: Interval | None) -> bool:
    """Whether a slot is to be filled whether it has moved or not; what came to a chain comes only once."""
    if node.name not in options.again or node.kind == "links":
        return False
    stretch = options.again[node.name]
    return stretch is None or interval is None or overlap(interval, [stretch])
