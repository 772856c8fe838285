"""What crosses from site to site: a table, its sum, and a small map; of plans as estimated, of runs as measured."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean
from headwater.events.quantities import count, size

if TYPE_CHECKING:
    from headwater.plan.values import Beside, PlannedCrossing
    from headwater.run.sites.reaching import Crossing

_CROSSED: Final = ("for", "from → to", "what", "form", "by", "rows", "bytes")
_HEADER: Final = ("for", "from → to", "what", "of", "form", "by", "estimated")


def beside_document(beside: "Beside | None") -> dict[str, int] | None:
    """Give what would move otherwise; null: not told."""
    return {"columns_bytes": beside.columns_bytes, "all_bytes": beside.all_bytes} if beside else None


def crossing_lines(crossings: "Sequence[PlannedCrossing]", beside: "Beside | None", page: Page) -> Iterator[str]:
    """Give a table of what a plan lets cross, and a map of sites with the sums between them."""
    if not crossings:
        return
    yield ""
    yield click.style("What crosses from site to site:", bold=True)
    yield from table(_HEADER, [_row(each) for each in crossings], columns=page.columns)
    yield from map_lines((each.sender, each.to, each.estimated_bytes) for each in crossings)
    if beside:
        columns, sources = size(beside.columns_bytes), size(beside.all_bytes)
        yield f"  Copying the columns that are read would move {columns}, whole sources {sources} (measured there)."


def crossed_documents(crossings: "Sequence[Crossing]") -> list[dict[str, object]]:
    """Give what really crossed, summed up over the tasks of a node."""
    return [
        {
            "from": sender,
            "to": list(some[0].exchange.to),
            "node": node,
            "exchange": name,
            "columns": [column for column, _, _ in some[0].sent.certificate.columns],
            "form": some[0].sent.certificate.form,
            "policy": list(some[0].sent.certificate.rules),
            "because": some[0].exchange.because,
            "estimated_bytes": round(some[0].exchange.estimate.bytes) or None,
            "rows": sum(each.sent.rows for each in some),
            "bytes": sum(each.sent.bytes for each in some),
            "fragments": len(some),
        }
        for (node, name, sender), some in _grouped(crossings).items()
    ]


def crossed_lines(crossings: "Sequence[Crossing]", page: Page) -> Iterator[str]:
    """Give a table of what really crossed, and a map."""
    if not crossings:
        return
    yield ""
    yield click.style("What crossed from site to site, each with a certificate in the audit:", bold=True)
    rows = [_crossed_row(sender, some) for (_, _, sender), some in _grouped(crossings).items()]
    yield from table(_CROSSED, rows, columns=page.columns)
    yield from map_lines((each.sender, each.exchange.to, float(each.sent.bytes)) for each in crossings)


def _crossed_row(sender: str, some: "Sequence[Crossing]") -> tuple[str, ...]:
    first, certificate = some[0], some[0].sent.certificate
    return (
        clean(first.node),
        f"{clean(sender)} → {', '.join(map(clean, first.exchange.to))}",
        first.exchange.because,
        certificate.form,
        ", ".join(map(clean, certificate.rules)) or "-",
        count(sum(each.sent.rows for each in some), "row"),
        size(sum(each.sent.bytes for each in some)),
    )


def _grouped(crossings: "Sequence[Crossing]") -> "dict[tuple[str, str, str], list[Crossing]]":
    found: dict[tuple[str, str, str], list[Crossing]] = {}
    for each in crossings:
        found.setdefault((each.node, each.exchange.name, each.sender), []).append(each)
    return found


def map_lines(moves: Iterable[tuple[str, Sequence[str], float | None]]) -> Iterator[str]:
    r"""Draw who sends how much to whom; None: nobody can tell yet.

    >>> print("\n".join(map_lines([("eu", ["hub"], 1200.0), ("us", ["hub"], None)])))
      eu ──── 1.2 kB ───▶ hub
      us ──── ? ───▶ hub
    """
    sums: dict[tuple[str, str], float | None] = defaultdict(float)
    for sender, receivers, measured in moves:
        for to in receivers:
            known = sums[sender, to]
            sums[sender, to] = None if known is None or measured is None else known + measured
    widest = max((len(sender) for sender, _ in sums), default=0)
    for (sender, to), measured in sums.items():
        yield f"  {clean(sender):<{widest}} ──── {'?' if measured is None else size(round(measured))} ───▶ {clean(to)}"


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
