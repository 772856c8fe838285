"""What crosses from site to site: a table, its sum, and a small map; of plans as estimated, of runs as measured."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean
from headwater.events.quantities import size

if TYPE_CHECKING:
    from headwater.plan.values import PlannedCrossing

_HEADER: Final = ("for", "from → to", "what", "columns", "form", "by", "estimated")


def crossing_lines(crossings: "Sequence[PlannedCrossing]", page: Page) -> Iterator[str]:
    """Give a table of what a plan lets cross, and a map of sites with the sums between them."""
    if not crossings:
        return
    yield ""
    yield click.style("What crosses from site to site:", bold=True)
    yield from table(_HEADER, [_row(each) for each in crossings], columns=page.columns)
    yield from map_lines((each.sender, each.to, each.estimated_bytes) for each in crossings)


def map_lines(moves: Iterable[tuple[str, Sequence[str], float | None]]) -> Iterator[str]:
    r"""Draw who sends how much to whom; None: nobody can tell yet.

    >>> print("\n".join(map_lines([("eu", ["hub"], 1200.0), ("us", ["hub"], None)])))
      eu ──── 1.2 kB ───▶ hub
      us ──── ? ───▶ hub
    """
    sums: dict[tuple[str, str], float | None] = defaultdict(float)
    for sender, receivers, count in moves:
        for to in receivers:
            known = sums[sender, to]
            sums[sender, to] = None if known is None or count is None else known + count
    widest = max((len(sender) for sender, _ in sums), default=0)
    for (sender, to), count in sums.items():
        yield f"  {clean(sender):<{widest}} ──── {'?' if count is None else size(round(count))} ───▶ {clean(to)}"


def _row(each: "PlannedCrossing") -> tuple[str, ...]:
    return (
        clean(each.node),
        f"{clean(each.sender)} → {', '.join(map(clean, each.to))}",
        each.because,
        ", ".join(map(clean, each.columns)),
        each.form,
        ", ".join(map(clean, each.rules)) or "-",
        "?" if each.estimated_bytes is None else size(round(each.estimated_bytes)),
    )
