"""Who is to be erased: values of columns of sources, as somebody gave them; they are kept in memory only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwater.app.graphs import released_graph
from headwater.app.tombstones import erasure_key, key_id, place
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, Invalid, suggest
from headwater.graph.values import Column, Graph, Node
from headwater.policy.tokens import canonical_text
from headwater.run.erasing import ErasedColumn, domain_of, hash_of
from headwater.sql.text import quote_identifier
from headwater.state.environments import environments
from headwater.state.erasures import Tombstone
from headwater.state.heads import read_head

if TYPE_CHECKING:
    from headwater.run.engine import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A value of a column, as it was given."""

    source: str
    column: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A value of a column that exists, in the text that all values of its type are told apart by."""

    source: str
    column: str
    type: str
    place: str
    text: str = field(repr=False)

    def tombstone(self, secret: bytes) -> Tombstone:
        """Give what is recorded of it: a keyed hash."""
        found = hash_of(secret, domain_of(self.place, self.column), self.text)
        return Tombstone(id=found, key_id=key_id(secret), source=self.source, place=self.place, column=self.column)

    def filter(self, secret: bytes) -> ErasedColumn:
        """Give what its rows are found by."""
        domain = domain_of(self.place, self.column)
        hashes = (hash_of(secret, domain, self.text),)
        return ErasedColumn(name=self.column, type=self.type, domain=domain, hashes=hashes)


def asked(texts: Sequence[str]) -> tuple[Asked, ...]:
    """Read ``source.column=value``; what is wrong with one is said without its value. Raises Invalid."""
    found = []
    for number, text in enumerate(texts, 1):
        name, equals, value = text.partition("=")
        source, _, column = name.strip().rpartition(".")
        if not equals or not source or not column or not value:
            message = f"subject {number} is not SOURCE.COLUMN=VALUE"
            raise Invalid.of("HW1310", message, hint="such as customers.email=somebody@example.org")
        found.append(Asked(source=source, column=column, value=value))
    return tuple(found)


def released_graphs(workspace: Workspace) -> dict[str, Graph]:
    """Give environment → the code that it runs, of all to which something was applied."""
    db = workspace.db
    heads = {row.name: read_head(db, row.name) for row in environments(db)}
    return {name: released_graph(db, name, head.code) for name, head in heads.items() if head.code}


def subjects_of(workspace: Workspace, graphs: dict[str, Graph], wanted: Sequence[Asked]) -> tuple[Subject, ...]:
    """Look subjects up in the code of environments; raises Invalid for one that cannot be erased."""
    if not graphs:
        raise Conflict.of("HW0540", "nothing has been applied yet", hint="run `headwater apply` first")
    erasure_key(workspace.settings.home, make=True)
    found: dict[tuple[str, str, str], Subject] = {}
    with workspace.engine.session() as session:
        for each in wanted:
            for node, column in _columns(graphs, each):
                subject = Subject(
                    source=node.name,
                    column=column.name,
                    type=column.type,
                    place=place(node),
                    text=_text(session, column, each),
                )
                found[subject.place, subject.column, subject.text] = subject
    return tuple(found.values())


def _columns(graphs: dict[str, Graph], each: Asked) -> list[tuple[Node, Column]]:
    sources = [node for graph in graphs.values() for node in graph.nodes if node.source is not None]
    named = [node for node in sources if node.name.casefold() == each.source.casefold()]
    if not named:
        hint = suggest(each.source[:100], sorted({node.name for node in sources}))
        raise Invalid.of("HW1310", f"no environment reads a source `{each.source[:100]}`", hint=hint)
    found = [(n, c) for n in named for c in n.columns if c.name.casefold() == each.column.casefold()]
    if not found:
        hint = suggest(each.column[:100], sorted({column.name for node in named for column in node.columns}))
        raise Invalid.of("HW1310", f"`{named[0].name}` has no column `{each.column[:100]}`", hint=hint)
    return found


def _text(session: "Session", column: Column, each: Asked) -> str:
    text = canonical_text(quote_identifier("given"), column.type)
    if text is None:
        message = f"values of `{each.source}.{column.name}` ({column.type}) cannot be told apart by a text"
        raise Invalid.of("HW1310", message, hint="name a column of text, integers, dates, UUIDs or decimals")
    query = f"SELECT {text[0]} FROM (SELECT TRY_CAST($value AS {column.type}) AS given) AS one"
    ((found,),) = session.connection.execute(query, {"value": each.value}).fetchall()
    if found is None:
        message = f"what was given for `{each.source}.{column.name}` is no {column.type}"
        raise Invalid.of("HW1310", message, hint="write it as the source's files do")
    return str(found)
