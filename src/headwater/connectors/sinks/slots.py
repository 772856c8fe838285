"""Which slots a load must take: those whose fill is not the one that the ledger names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.connect.sinks import Load, SinkSlot
from headwater.diagnostics import Diagnostic, Invalid, Where, error
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

Key = tuple[str, str]
"""(site, slot)"""
SITE: Final = "_headwater_site"
SLOT: Final = "_headwater_slot"
"""The stamp: columns that name the slot a row came with, where rows of many slots lie together."""
STAMPS: Final = ((SITE, "VARCHAR"), (SLOT, "VARCHAR"))


@dataclass(frozen=True, slots=True)
class Difference:
    """What must be taken in, in the order of slots, and what must go."""

    taken: tuple[SinkSlot, ...]
    gone: frozenset[Key]

    @property
    def is_empty(self) -> bool:
        """Whether the target holds what it should."""
        return not self.taken and not self.gone


def difference(held: Mapping[Key, str], load: Load) -> Difference:
    """Compare a ledger with a load.

    ``replace`` drops slots that are no longer there; ``append`` and ``merge`` keep what they once took.
    """
    keeps = load.mode == "append" and load.restate == "ignore"
    taken = tuple(
        slot
        for slot in in_order(load.slots)
        if held.get(key_of(slot)) != slot.fill and not (keeps and key_of(slot) in held)
    )
    wanted = {key_of(slot) for slot in load.slots}
    gone = frozenset(key for key in held if key not in wanted) if load.mode == "replace" else frozenset()
    return Difference(taken, gone)


def key_of(slot: SinkSlot) -> Key:
    """Give (site, slot)."""
    return slot.site, slot.slot


def in_order(slots: Sequence[SinkSlot]) -> list[SinkSlot]:
    """Sort by slot, then site: later ones win a merge."""
    return sorted(slots, key=lambda slot: (slot.slot, slot.site))


def stamped(slot: SinkSlot, columns: Sequence[tuple[str, str]]) -> str:
    """Write the SELECT of a slot's rows with its stamp."""
    return (
        f"SELECT {names(columns)}, {quote_literal(slot.site)} AS {SITE}, {quote_literal(slot.slot)} AS {SLOT}"
        f" FROM (\n{slot.sql}\n) AS _hw_slot"
    )


def names(columns: Sequence[tuple[str, str]], table: str = "") -> str:
    """Write a list of column names."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + quote_identifier(name) for name, _ in columns)


def check_columns(load: Load, partition_by: Sequence[str], where: Where | None) -> None:
    """Raise Invalid for keys and partitions that are no columns (HW0701), and for names that are ours (HW0709)."""
    known = {name.casefold(): name for name, _ in load.columns}
    found: list[Diagnostic] = []
    for setting, wanted in (("key", load.key if load.mode == "merge" else ()), ("partition_by", partition_by)):
        listed = ", ".join(f"`{name}`" for name in known.values())
        found += [
            error("HW0701", f"`{setting}` names `{name}`, which is not a column", where, hint=f"it has {listed}")
            for name in wanted
            if name.casefold() not in known
        ]
    if load.mode == "merge" and not load.key:
        found.append(error("HW0701", "a sink with `mode: merge` needs a `key`", where, hint="for example `key: [id]`"))
    if partition_by and len(set(map(str.casefold, partition_by))) >= len(known):
        message = "`partition_by` names every column: nothing is left to write into the files"
        found.append(error("HW0701", message, where, hint="leave at least one column out"))
    if load.mode != "replace":
        found += [
            error("HW0709", f"the sink itself needs a column `{name}`", where, hint="rename the column in the model")
            for name in (SITE, SLOT)
            if name in known
        ]
    if found:
        raise Invalid.from_all(found)


def check_keys(connection: "duckdb.DuckDBPyConnection", rows: str, key: Sequence[str], where: Where | None) -> None:
    """Raise Invalid if a stamped row has no key (HW0702) or two of one slot have the same (HW0703)."""
    key_names = [quote_identifier(name) for name in key]
    listed = ", ".join(key)
    missing = " OR ".join(f"{name} IS NULL" for name in key_names)
    found: list[Diagnostic] = []
    row = connection.execute(f"SELECT count(*), min({SLOT}) FROM ({rows}) WHERE {missing}").fetchone()
    if row and row[0]:
        message = f"{row[0]} rows (first in slot {row[1]}) have no value in the merge key ({listed})"
        found.append(error("HW0702", message, where, hint="add a `not_null` check to the model, or choose another key"))
    keys = ", ".join(key_names)
    repeated = f"SELECT {SLOT} FROM ({rows}) WHERE NOT ({missing}) GROUP BY {SITE}, {SLOT}, {keys} HAVING count(*) > 1"
    row = connection.execute(f"SELECT count(*), min({SLOT}) FROM ({repeated})").fetchone()
    if row and row[0]:
        message = f"{row[0]} keys ({listed}) stand in more than one row of a slot (first in slot {row[1]})"
        found.append(error("HW0703", message, where, hint="add `grain` or a `unique` check to the model"))
    if found:
        raise Invalid.from_all(found)
