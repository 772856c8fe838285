"""The one time zone in which a rule is read: its source's, so that no asker moves the hours that it speaks of."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.policy.charters import Charter
from headwater.policy.implication import columns_of
from headwater.policy.values import Grant

_WHOLE: Final = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
_STILL: Final = frozenset(
    {*_WHOLE, "INTEGER", "UINTEGER", "DECIMAL", "FLOAT", "DOUBLE", "BOOLEAN", "VARCHAR", "UUID", "BLOB", "DATE", "ENUM"}
)
"""Types whose values say the same in all zones."""
_COMPARISONS: Final = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "and", "or", "not", "in", "not in", "between", "is null", "is not null"}
)


def other_zones(
    charter: Charter, grants: Iterable[Grant], timezone: str, where: Where | None = None
) -> Iterator[Diagnostic]:
    """Say which grants may not be read by a query in a time zone, since their rules could mean other rows in it."""
    for grant in grants:
        zone = _zone(charter, grant)
        if zone not in ("", timezone):
            message = (
                f"`{grant.rule}` is read in {zone}, the time zone of `{grant.relation}`, and the query is in {timezone}"
            )
            hint = f"give the model `timezone: {zone}`: in another one the rule could mean other rows"
            yield error("HW1238", message, where, hint=hint)


def _zone(charter: Charter, grant: Grant) -> str:
    """Give the time zone that a grant needs; empty: it is the same in all of them."""
    node = charter.source(grant.relation)
    if node is None or node.source is None or not grant.rule:
        return ""
    if grant.shape in ("free", "raw") and (not grant.predicate or _is_still(charter, grant)):
        return ""
    return node.source.timezone


def _is_still(charter: Charter, grant: Grant) -> bool:
    """Whether a predicate only compares what no time zone changes."""
    node = charter.source(grant.relation)
    types = {column.name: column.type for column in node.columns} if node else {}
    read = (types.get(name, "").partition("(")[0] for name in columns_of(grant.predicate))
    return all(each in _STILL for each in read) and _is_plain(json.loads(grant.predicate))


def _is_plain(tree: list[Any]) -> bool:
    kind, *parts = tree
    if kind == "constant":
        return parts[0]["type"]["id"] in _STILL or bool(parts[0].get("is_null"))
    return kind == "column" or (kind in _COMPARISONS and all(map(_is_plain, parts)))
