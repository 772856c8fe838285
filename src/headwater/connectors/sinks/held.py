"""What a database says that it holds of a sink's table: in the same words, whichever database it is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.connect.sinks import Load
from headwater.connectors.sinks.slots import Key
from headwater.connectors.sinks.tables import Columns
from headwater.diagnostics import Broken, Invalid, Where

LEDGER_FORMAT: Final = 1
"""Raised when an older Headwater could misread a ledger."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a database holds of a sink's table."""

    exists: bool = False
    mode: str = ""
    key: tuple[str, ...] = ()
    columns: Columns = ()
    """In the database's own types, without stamps."""
    slots: Mapping[Key, str] = field(default_factory=dict)

    def is_like(self, load: Load) -> bool:
        """Whether the table is kept as this load wants it."""
        return self.exists and self.mode == load.mode and (load.mode != "merge" or self.key == load.key)


def held_of(
    table: str,
    columns: Columns,
    note: tuple[int, str, str] | None,
    slots: Callable[[], Mapping[Key, str]],
    where: Where | None,
) -> Held:
    """Judge a table's columns (none: it is not there) and the note of how it is kept: (format, mode, key as JSON).

    Raises Invalid (HW0705): a table that is not ours; Broken (HW0707): a ledger that is too new.
    """
    if note and note[0] > LEDGER_FORMAT:
        hint = "upgrade Headwater"
        raise Broken.of("HW0707", f"the ledger of `{table}` was written by a newer Headwater", where, hint=hint)
    if columns and not note:
        hint = "choose another table, or drop that one"
        raise Invalid.of("HW0705", f"the table `{table}` was not written by this sink", where, hint=hint)
    if not columns or not note:
        return Held()
    return Held(True, note[1], tuple(json.loads(note[2])), columns, slots())


def note_of(load: Load) -> tuple[int, str, str]:
    """Give the note of how a load wants its table kept."""
    return LEDGER_FORMAT, load.mode, json.dumps(list(load.key), ensure_ascii=False)
