"""Releases of an environment, newest first."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import fit, moment

if TYPE_CHECKING:
    from headwater.app.history import Recorded

_LONGEST_LIST: Final = 40
_HEADER: Final = ("", "release", "at", "kind", "moved", "nodes", "by", "commit", "message", "")


def document(found: "Sequence[Recorded]") -> list[dict[str, object]]:
    """Give the published shape."""
    return [
        {
            "release": each.release.id,
            "environment": each.release.environment,
            "at": each.release.at,
            "by": each.release.by,
            "commit": each.release.commit,
            "kind": each.release.kind,
            "moved": each.moved,
            "nodes": list(each.release.nodes),
            "message": each.release.message,
            "can_return": each.can_return,
        }
        for each in found
    ]


def lines(found: "Sequence[Recorded]", page: Page) -> Iterator[str]:
    """Give a table: when, what kind of move, whether code moved or only data, and who did it."""
    if not found:
        yield "No release yet: `headwater apply` makes the first one."
        return
    rows = [_row(each) for each in found]
    used = [i for i in range(len(_HEADER)) if any(row[i] for row in rows)]
    yield from table([_HEADER[i] for i in used], [[row[i] for i in used] for row in rows], columns=page.columns)


def _row(each: "Recorded") -> tuple[str, ...]:
    release = each.release
    nodes = fit(", ".join(release.nodes), _LONGEST_LIST)
    return (
        "*" if each.is_current else "",
        release.id,
        moment(release.at),
        release.kind,
        each.moved,
        f"{len(release.nodes):,}: {nodes}" if release.nodes else "none",
        release.by,
        release.commit,
        release.message,
        "" if each.can_return or release.kind == "compact" else "rows are gone",
    )


HISTORY: "Final[View[Sequence[Recorded]]]" = View(document, lines)
