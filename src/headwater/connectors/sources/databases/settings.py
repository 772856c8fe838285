"""What a user says about a table or query of a database file, checked, and the SELECT that follows from it."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from headwater.connect.sources import Contract
from headwater.connectors.sources.cursors import check_cursor, cursor_problems
from headwater.diagnostics import Diagnostic, Invalid, Where, error, suggest
from headwater.spec.fields import Doc
from headwater.sql.text import quote_identifier

PATH: Final = Doc("the database file, relative to the project; `{site}` is the site's name", "data/{site}/shop.db")
TABLE: Final = Doc("the table (or view) whose rows these are; or `query`", "orders")
QUERY: Final = Doc("a SELECT in the database's own SQL that gives the rows; or `table`")
CURSOR: Final = Doc(
    "a declared column that never goes back from row to row: only rows from its greatest landed value on are read; "
    "without it, all rows are read whenever the file has changed"
)
WHERE: Final = Doc("a condition in the database's own SQL that all rows fulfil", "status <> 'draft'")

PlaceOf = Callable[[str], Where | None]
"""Key → where it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes for any database file."""

    path: Annotated[str, PATH]
    table: Annotated[str, TABLE] = ""
    query: Annotated[str, QUERY] = ""
    cursor: Annotated[str, CURSOR] = ""
    where: Annotated[str, WHERE] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A table or query in a file, and what is wanted of it."""

    root: str
    path: str
    table: str
    query: str
    cursor: str | None
    condition: str
    contract: Contract
    where: Where | None

    @property
    def subquery(self) -> str:
        """Give the query as something to select from; a line of its own lets it end in a comment."""
        return f"({self.query}\n) AS hw_query"

    def file(self, site: str) -> Path:
        """Give the file of a site."""
        return Path(self.root, self.path.replace("{site}", site)).absolute()

    def label(self, site: str) -> str:
        """Name the place for people."""
        return f"{self.path.replace('{site}', site)}: {self.table or 'query'}"

    @property
    def names(self) -> list[str]:
        """The declared columns."""
        return [column.name for column in self.contract.columns]

    def select(self, relation: str, after: str | None) -> str:
        """Give the SELECT of declared columns; ``after`` is the condition on the cursor, where there is one.

        Rows without a cursor are always read: they are set aside, not lost.
        """
        conditions = [f"({self.condition}\n)"] if self.condition else []
        if after is not None and self.cursor:
            conditions.append(f"({after} OR {quote_identifier(self.cursor)} IS NULL)")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(map(quote_identifier, self.names))} FROM {relation}{where}"

    def invalid(self, code: str, message: str, hint: str = "") -> Invalid:
        """Say what is wrong with the place."""
        return Invalid.of(code, message, self.where, hint=hint)

    def missing_table(self, known: list[str]) -> Invalid:
        """Say that the table is not there."""
        listed = ", ".join(sorted(known)[:20]) or "no table"
        hint = suggest(self.table, known) or f"it has {listed}"
        return self.invalid("HW0642", f"`{self.path}` has no table `{self.table}`", hint)

    def refuse_missing_columns(self, known: list[str]) -> None:
        """Raise Invalid for every declared column that the table or query does not have."""
        folded = {name.casefold() for name in known}
        listed = ", ".join(known[:30])
        what = f"table `{self.table}`" if self.table else "the query"
        found = [
            error(
                "HW0642",
                f"{what} of `{self.path}` has no column `{name}`",
                self.where,
                hint=suggest(name, known) or f"it has {listed}",
            )
            for name in self.names
            if name.casefold() not in folded
        ]
        if found:
            raise Invalid.from_all(found)


def check_settings(values: Mapping[str, object], contract: Contract, place: PlaceOf) -> Iterator[Diagnostic]:
    """Judge what was written before any data is looked at; ``place``: where a key stands."""
    yield from _relation_problems(values, place)
    yield from check_cursor(values, contract, place)


def _relation_problems(values: Mapping[str, object], place: PlaceOf) -> list[Diagnostic]:
    table, query = _text(values, "table"), _text(values, "query")
    if bool(table) != bool(query):
        return []
    hint = "`table: orders`, or `query: SELECT …`" + (", not both" if table else "")
    where = place("query" if table else "connector")
    return [error("HW0644", "a database source names a table or a query, one of them", where, hint=hint)]


def _text(values: Mapping[str, object], name: str) -> str:
    return str(values.get(name) or "").strip()


def place_of(values: Mapping[str, object], contract: Contract, root: str, where: Where | None) -> Place:
    """Check what was written; raises Invalid with everything that is wrong."""

    def text(name: str) -> str:
        return _text(values, name)

    found = _relation_problems(values, lambda _: where)
    cursor = text("cursor")
    declared = {column.name.casefold(): column for column in contract.columns}
    if cursor:
        found += cursor_problems(cursor, declared, where)
    if found:
        raise Invalid.from_all(found)
    known = declared.get(cursor.casefold())
    return Place(
        root=root,
        path=text("path"),
        table=text("table"),
        query=text("query").rstrip(";"),
        cursor=known.name if known else None,
        condition=text("where"),
        contract=contract,
        where=where,
    )


def file_token(path: Path, *beside: str) -> str | None:
    """Give what changes when a database file, or a log beside it, does; None if it cannot be told.

    A log that is empty counts as none: whoever only reads a database may leave one.
    """
    parts = []
    for each in (path, *(path.with_name(path.name + suffix) for suffix in beside)):
        try:
            with each.open("rb") as file:
                found = os.fstat(file.fileno())
                known = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}:{file.read(100).hex()}"
                parts.append(known if found.st_size or each == path else "-")
        except FileNotFoundError:
            parts.append("-")
        except OSError:
            return None
    return "|".join(parts) if parts[0] != "-" else None
