"""From when on a fold is folded again: what came before then is known from the fold before, and not read."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.graph.split_chains import AT, DELETED, LINK
from headwater.graph.values import Node
from headwater.plan.calendar import start_of
from headwater.run.buckets import Key
from headwater.run.engine import Session
from headwater.run.relations import Surroundings, fills_select
from headwater.spec.addresses import Slot
from headwater.sql.text import quote_identifier, time_literal
from headwater.tasks.values import FoldBase

TOUCHED = "hw_touched"
"""Temporary table of the keys of which something came or went."""
_LOST = "hw_lost"
"""Temporary table of the touched keys of which nothing came since."""
_EXACT = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
    | {"VARCHAR", "BLOB", "BOOLEAN", "UUID", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
    | {"FLOAT", "DOUBLE"}
)
"""Types of which equal values are the same value (Parquet files tell 0.0 and -0.0 apart only by chance)."""


@dataclass(frozen=True, slots=True)
class Since:
    """A moment of a fold's past: the changes before it and those from it on."""

    changes: Node
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    start: str = ""
    """The moment as a literal of the changes' time; links have none: those that are added come after all others."""
    something_went: bool = False

    @classmethod
    def of(cls, changes: Node, base: FoldBase, fills: Sequence[str], around: Surroundings) -> "Since | None":
        """Give the moment before which nothing came or went since the fold before; None if only links can say.

        ``fills`` are those of all changes that are there now.
        """
        if changes.time is None:
            earlier = tuple(fill for fill in fills if fill not in base.added)
            return None if base.removed else cls(changes, earlier, base.added)
        slots = [around.fills[fill].slot for fill in (*base.removed, *base.added) if around.fills[fill].rows]
        first = min(slots, default=Slot(""))  # starts in UTC: as texts they sort as the times that they name
        if not first:
            return cls(changes, tuple(fills), (), "NULL")
        earlier = tuple(fill for fill in fills if around.fills[fill].slot < first)
        later = tuple(fill for fill in fills if around.fills[fill].slot >= first)
        start = time_literal(start_of(first), changes.time.type, changes.time.timezone)
        return cls(changes, earlier, later, start, any(around.fills[fill].rows for fill in base.removed))

    @property
    def was_closed(self) -> str:
        """History: whether an old row was over by then, as SQL that is never NULL. Nothing can change it any more."""
        return f"(valid_to < {self.start}) IS TRUE" if self.start else "valid_to IS NOT NULL"

    @property
    def was_open(self) -> str:
        """History: whether an old row was valid just before then, as SQL."""
        return f"valid_from < {self.start} AND NOT {self.was_closed}" if self.start else "valid_to IS NULL"

    def last(self, session: Session, key: Key, around: Surroundings) -> str:
        """Give a SELECT of the changes among which the last of each touched key is.

        A key of which something came since needs nothing from before. Of the others a merge does not say what was
        there when what they had since was taken back: their earlier changes are read.
        """
        since = self._since(key, around)
        if not self.something_went:
            return since
        session.run(
            f"CREATE OR REPLACE TEMP TABLE {_LOST} AS SELECT * FROM {TOUCHED}"
            f" ANTI JOIN ({since}) AS since USING ({key.listed})"
        )
        if not self.earlier or not session.rows(f"SELECT 1 FROM {_LOST} LIMIT 1"):
            return since
        before = f"SELECT * FROM ({fills_select(around, self.changes.name, self.earlier)}) AS earlier"
        return f"{since} UNION ALL {before} SEMI JOIN {_LOST} USING ({key.listed})"

    def steps(self, key: Key, around: Surroundings, old: str) -> str:
        """Give a SELECT of the changes that make the history of each touched key since then.

        The first of them is the row of ``old`` (a SELECT of the history before) that was valid then.
        """
        listed = ", ".join(_as_change(column.name) for column in self.changes.columns)
        return (
            f"{self._since(key, around)} UNION ALL SELECT {listed}"
            f" FROM ({old}) AS old SEMI JOIN {TOUCHED} USING ({key.listed}) WHERE {self.was_open}"
        )

    def _since(self, key: Key, around: Surroundings) -> str:
        rows = fills_select(around, self.changes.name, self.later)
        return f"SELECT * FROM ({rows}) AS later SEMI JOIN {TOUCHED} USING ({key.listed})"


def _as_change(column: str) -> str:
    """Write a column of changes as a row of their history has it; what links add is no column of that."""
    added = {LINK: "-1", AT: "valid_from", DELETED: "false"}
    return f"{added[column]} AS {column}" if column in added else quote_identifier(column)


def touched_select(changes: Node, base: FoldBase, key: Key, around: Surroundings) -> str:
    """Give a SELECT of the keys of which something came or went; a row that did both is no matter."""
    removed = [fill for fill in base.removed if around.fills[fill].rows]
    added = [fill for fill in base.added if around.fills[fill].rows]
    gone, came = (fills_select(around, changes.name, fills) for fills in (removed, added))
    compared = _compared(changes) if removed and added else ""
    if compared:
        gone, came = (f"SELECT {compared} FROM ({rows}) AS rows_of_fills" for rows in (gone, came))
        gone, came = f"{gone} EXCEPT ALL {came}", f"{came} EXCEPT ALL {gone}"
    return f"SELECT DISTINCT {key.listed} FROM (({gone}) UNION ALL ({came})) AS changes"


def _compared(changes: Node) -> str:
    """List all columns, if rows that are equal are the same: a month equals thirty days."""
    types = [column.type for column in changes.columns]
    if any(type_ not in _EXACT and not type_.startswith("DECIMAL") for type_ in types):
        return ""
    return ", ".join(quote_identifier(column.name) for column in changes.columns)
