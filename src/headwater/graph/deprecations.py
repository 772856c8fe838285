"""Who reads tables that nobody should read any more, or not for long."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from headwater.diagnostics import Diagnostic, Where, warning
from headwater.graph.values import Deprecation

NOTICE: Final = timedelta(days=30)
"""So long before its day a deprecated table is warned of."""


def deprecation_warnings(deprecations: Iterable[Deprecation], now: datetime) -> Iterator[Diagnostic]:
    """Warn each reader of a deprecated table, at the place where it reads, from 30 days before the day."""
    for each in deprecations:
        on = each.on if each.on.tzinfo else each.on.replace(tzinfo=UTC)
        if now < on - NOTICE:
            continue
        when = f"is deprecated since {on:%Y-%m-%d}" if now >= on else f"will be deprecated on {on:%Y-%m-%d}"
        hint = f"read `{each.instead}` instead" if each.instead else "read another table"
        for reader in each.readers:
            where = Where(reader.file, reader.line, reader.column)
            message = f"`{reader.name}` reads `{each.node}`, which {when}"
            yield warning("HW0289", message, where, hint=hint, length=len(each.node))
