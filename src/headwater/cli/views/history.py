"""Releases of an environment, newest first."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headwater.cli.printing import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import count, fit, moment

if TYPE_CHECKING:
    from headwater.spec.releases import Release

_LONGEST_LIST: Final = 40


def document(releases: "Sequence[Release]") -> list[dict[str, object]]:
    """Give the published shape."""
    return [
        {
            "release": each.id,
            "environment": each.environment,
            "at": each.at,
            "by": each.by,
            "commit": each.commit,
            "kind": each.kind,
            "nodes": list(each.nodes),
            "message": each.message,
        }
        for each in releases
    ]


def lines(releases: "Sequence[Release]", page: Page) -> Iterator[str]:
    """Give a table: what moved (code or only data), when, and who did it."""
    if not releases:
        yield "No release yet: `headwater apply` makes the first one."
        return
    header = ("release", "at", "kind", "moved", "nodes", "by", "commit", "message")
    rows = [_row(each) for each in releases]
    used = [i for i in range(len(header)) if any(row[i] for row in rows)]
    yield from table([header[i] for i in used], [[row[i] for i in used] for row in rows], columns=page.columns)


def _row(release: "Release") -> tuple[str, ...]:
    nodes = ", ".join(release.nodes)
    moved = "code" if release.versions else "data"
    return (
        release.id,
        moment(release.at),
        release.kind,
        moved,
        f"{len(release.nodes)}: {fit(nodes, _LONGEST_LIST)}" if release.nodes else count(0),
        release.by,
        release.commit,
        release.message,
    )


HISTORY: "Final[View[Sequence[Release]]]" = View(document, lines)
