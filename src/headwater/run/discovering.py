"""Finds columns in files of sources that evolve, once per file, and says what is new to an environment."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from headwater.connect.sources import Evolving, Source
from headwater.diagnostics import Diagnostic, Invalid, Where, warning
from headwater.graph.add_discovered import key_of_node, together
from headwater.graph.values import Graph, Node
from headwater.run.engine import Engine
from headwater.spec.discoveries import Discovered
from headwater.spec.observations import Observation
from headwater.state.database import Database
from headwater.state.discoveries import discoveries, looked_into, record_discoveries


def discover(
    db: Database,
    node: Node,
    source: Source,
    observations: Iterable[Observation],
    vanished: frozenset[str],
    *,
    engine: Engine,
    now: datetime,
) -> None:
    """Look into the files of a source that evolves which nobody has looked into, and record their columns.

    Raises Invalid for a source whose connector cannot tell its columns, and what reading files raises.
    """
    if node.source is None or node.source.on_schema_change != "evolve":
        return
    if not isinstance(source, Evolving):
        where = Where(node.file, node.line)
        hint = "files in csv, tsv, json, jsonl and parquet can; declare the columns of others"
        raise Invalid.of("HW0280", f"a source of connector `{node.source.connector}` cannot evolve", where, hint=hint)
    key = key_of_node(node)
    items = {item.identity: item for seen in observations for item in seen.items if item.identity not in vanished}
    known = looked_into(db, key, items)
    new = [item for identity, item in items.items() if identity not in known]
    if not new:
        return
    with engine.session() as session:
        found = source.discover(session.connection, new)
    record_discoveries(db, key, node.name, {item.identity: found.get(item.identity, ()) for item in new}, now)


def unknown_columns(db: Database, node: Node) -> list[Discovered]:
    """Give the columns that were found in a source's files and that its node lacks, or has with another type."""
    if node.source is None or node.source.on_schema_change != "evolve":
        return []
    has = node.source.discovered
    return [each for each in together(discoveries(db, key_of_node(node))) if has.get(each.name) != each.type]


def news(db: Database, graph: Graph, served: Graph | None) -> Iterator[Diagnostic]:
    """Warn of columns that sources have gained since the code that an environment serves was applied."""
    before = {node.name: node for node in served.nodes} if served else {}
    for node in graph.nodes:
        if node.source is None or node.source.on_schema_change != "evolve":
            continue
        old = before.get(node.name)
        had = {column.name.casefold(): column.type for column in old.columns} if old else {}
        where = Where(node.file, node.source.columns_line or node.line)
        for each in together(discoveries(db, key_of_node(node))):
            type_ = had.get(each.name.casefold(), "")
            if type_ != each.type:
                yield _news(node, each, type_, where)


def _news(node: Node, found: Discovered, before: str, where: Where) -> Diagnostic:
    shown, files = shown_type(found.type), f"{found.files:,} file{'s' * (found.files != 1)}"
    declare = f"declare it in {where.file}:{where.line}: `{found.name}: {shown}`"
    if not before:
        return warning(
            "HW0281", f"source `{node.name}` gained `{found.name}` ({shown}) in {files}", where, hint=declare
        )
    is_lossy = node.source is not None and node.source.discovered.get(found.name) == before
    message = f"`{found.name}` of source `{node.name}` is {shown} now, no longer {shown_type(before)}"
    lost = f"; until the next apply values that are no {shown_type(before)} are read as NULL" if is_lossy else ""
    return warning("HW0282", message + lost, where, hint=declare)


def shown_type(type_: str) -> str:
    """Give a type as people write it.

    >>> shown_type("VARCHAR"), shown_type("TIMESTAMP WITH TIME ZONE")
    ('text', 'timestamptz')
    """
    return {"VARCHAR": "text", "TIMESTAMP WITH TIME ZONE": "timestamptz"}.get(type_, type_.lower())
