"""What can be the cursor of a source that lands: a declared column whose values come in an order."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from headwater.connect.sources import Contract, ContractColumn
from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.sql.loose_values import kind_of
from headwater.sql.type_names import parse_type

_KINDS: Final = frozenset({"whole", "real", "text", "time"})


def check_cursor(
    values: Mapping[str, object], contract: Contract, place: Callable[[str], Where | None]
) -> Iterator[Diagnostic]:
    """Judge `cursor` before any data is looked at; ``place``: where a key stands."""
    cursor = str(values.get("cursor") or "").strip()
    if cursor:
        declared = {column.name.casefold(): column for column in contract.columns}
        yield from cursor_problems(cursor, declared, place("cursor"))


def cursor_problems(cursor: str, declared: Mapping[str, ContractColumn], where: Where | None) -> list[Diagnostic]:
    """Say why a column cannot be a cursor; ``declared`` by folded name."""
    column = declared.get(cursor.casefold())
    if column is None:
        names = [each.name for each in declared.values()]
        hint = suggest(cursor, names) or "declare it under `columns:`"
        return [error("HW0645", f"the cursor `{cursor}` is not among the columns", where, hint=hint)]
    if kind_of(str(parse_type(column.type))) not in _KINDS:
        hint = "a cursor is a whole number, a double, a text, a date or a time"
        return [error("HW0645", f"the cursor `{cursor}` cannot be {column.type}", where, hint=hint)]
    return []
