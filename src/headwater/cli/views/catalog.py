"""What an environment serves, for other programs: files by node, or the DuckDB file that was written of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, moment, size

if TYPE_CHECKING:
    from headwater.app.catalogs import CatalogWritten
    from headwater.run.catalogs import Served, ServedFile, ServedNode


def document(served: "Served") -> dict[str, object]:
    """Give the files of each node, and what a reader needs to give columns their types back."""
    return _head(served) | {"base": served.base or None, "nodes": [_node(each) for each in served.nodes]}


def _head(served: "Served") -> dict[str, object]:
    return {"environment": served.environment, "release": served.release, "released_at": served.at}


def _node(each: "ServedNode") -> dict[str, object]:
    time = each.node.time
    return {
        "node": each.name,
        "kind": each.node.kind,
        "version": each.version,
        "description": each.node.description,
        "timezone": each.node.timezone,
        "time": time.column if time else None,
        "slots": each.slots,
        "rows": each.rows,
        "bytes": each.bytes,
        "filled_until": each.filled_until,
        "columns": _columns(each),
        "files": [_file(file) for file in each.files],
        "query": each.query or None,
        "reads": list(each.reads),
    }


def _columns(each: "ServedNode") -> list[dict[str, object]]:
    if each.columns:
        return [{"name": c.name, "type": c.type, "stored": c.stored} for c in each.columns]
    return [{"name": c.name, "type": c.type, "stored": None} for c in each.node.columns]


def _file(file: "ServedFile") -> dict[str, object]:
    return {
        "path": file.path,
        "rows": file.rows,
        "bytes": file.bytes,
        "slots": file.slots,
        "site": file.site,
        "slot": file.slot or None,
        "only": [list(interval) for interval in file.intervals] or None,
    }


def lines(served: "Served", page: Page) -> Iterator[str]:
    """Give a table of the nodes; with ``--verbose`` every file."""
    name = click.style(clean(served.environment), bold=True)
    yield f"{name} at release {served.release} of {moment(served.at)} serves {count(len(served.nodes), 'node')}:"
    header = ("node", "kind", "slots", "files", "rows", "bytes", "filled until")
    rows = [
        (
            each.name,
            each.node.kind,
            f"{each.slots:,}",
            f"{len(each.files):,}",
            "-" if each.rows is None else f"{each.rows:,}",
            "-" if each.bytes is None else size(each.bytes),
            moment(each.filled_until),
        )
        for each in served.nodes
    ]
    yield from table(header, rows, right=[2, 3, 4, 5], columns=page.columns)
    if page.verbose:
        yield from (clean(file.path) for each in served.nodes for file in each.files)


def written_document(written: "CatalogWritten") -> dict[str, object]:
    """Give the file, and what it shows."""
    names = [each.name for each in written.served.nodes]
    return {"file": str(written.file), **_head(written.served), "nodes": names}


def written_lines(written: "CatalogWritten", page: Page) -> Iterator[str]:
    """Say what was written."""
    del page
    served = written.served
    views = count(len(served.nodes), "view")
    mark = click.style("✓", fg="green")
    yield f"{mark} {written.file} shows {clean(served.environment)} at release {served.release}: {views}."


CATALOG: "Final[View[Served]]" = View(document, lines)
WRITTEN: "Final[View[CatalogWritten]]" = View(written_document, written_lines)
