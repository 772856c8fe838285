"""One link of a chain: what differs between what the query gives now and what the links before it came to."""

from headwater.diagnostics import RowsRefused, Where
from headwater.graph.deleted_rows import is_gone
from headwater.graph.split_chains import AT, DELETED, LINK
from headwater.graph.values import Check, Column, Node
from headwater.run.engine import Session
from headwater.run.relations import Surroundings, fills_select
from headwater.sql.text import literal, quote_identifier
from headwater.tasks.values import Task

_CAME = "hw_came"
"""Temporary table of what the query gives."""
_MOST_SHOWN = 3


def own_columns(node: Node) -> list[Column]:
    """Give the columns that a node's query or function gives: not those that a link adds."""
    return [column for column in node.columns if column.name not in _added(node)]


def with_link(node: Node, select: str) -> str:
    """Add the columns of a link to rows that do not have them, still without what only ``link_select`` knows."""
    deleted = is_gone(node.chain.deleted if node.chain else "")
    empty = f"CAST(NULL AS BIGINT) AS {LINK}, CAST(NULL AS TIMESTAMPTZ) AS {AT}"
    return f"SELECT *, {empty}, {deleted} AS {DELETED} FROM ({select}) AS rows_of_link"


def link_select(session: Session, task: Task, select: str, around: Surroundings) -> str:
    """Give a SELECT of the rows of a link: those that are new or differ, and the keys that are gone.

    A link of an ``append`` is all that the query gives.
    """
    part = task.node.chain
    if part is None or part.kind == "append":
        return select
    session.run(f"CREATE OR REPLACE TEMP TABLE {_CAME} AS {_judged(task.node, select)}")
    _refuse_unclear(session, task.node)
    number = int(task.slots[0].slot.removeprefix("#"))
    stamp = f"{number} AS {LINK}, CAST({literal(task.now)} AS TIMESTAMPTZ) AS {AT}"
    columns = [column.name for column in own_columns(task.node)]
    if not task.before:
        listed = _listed(columns, "came")
        return f"SELECT {listed}, {stamp}, {DELETED} FROM {_CAME} AS came WHERE {DELETED} IS NOT TRUE"
    return _difference(task, columns, stamp, fills_select(around, task.node.name, task.before))


def _judged(node: Node, select: str) -> str:
    """Of rows that a check sets aside it is unknown whether their key is gone: they neither change nor end it."""
    failing = _any_failing(node)
    said = f"CASE WHEN ({failing}) IS NOT TRUE THEN {DELETED} END AS {DELETED}"
    return f"SELECT * REPLACE ({said}) FROM ({select}) AS this" if failing else select


def row_predicate(node: Node) -> str:
    """Give a predicate that is true for a row which some quarantine check sets aside; empty if there is none."""
    failing = _any_failing(node)
    # In a link these are known; what it says of keys that are gone repeats rows that nobody judges again.
    return f"{DELETED} IS NULL" if failing and _added(node) else failing


def row_checks(node: Node) -> list[Check]:
    """Give the checks that look at one row alone."""
    return [check for check in node.checks if check.scope == "row"]


def _any_failing(node: Node) -> str:
    return " OR ".join(f"({check.failing}) IS TRUE" for check in row_checks(node))


def _added(node: Node) -> frozenset[str]:
    is_link = node.kind == "links" and node.chain is not None and node.chain.kind != "append"
    return frozenset({LINK, AT, DELETED}) if is_link else frozenset()


def _refuse_unclear(session: Session, node: Node) -> None:
    """Each key has one row, or such that all say that it is gone."""
    part = node.chain
    assert part is not None  # noqa: S101 - asked by the caller
    key = ", ".join(map(quote_identifier, part.key))
    gone = f"SELECT DISTINCT {key} FROM {_CAME} WHERE {DELETED}"
    refuse_keys(session, node, f"SELECT {key} FROM {_CAME} WHERE NOT {DELETED} UNION ALL {gone}")


def _difference(task: Task, columns: list[str], stamp: str, before: str) -> str:
    part = task.node.chain
    assert part is not None  # noqa: S101 - asked by the caller
    key = ", ".join(map(quote_identifier, part.key))
    known = f"SELECT * FROM ({before}) AS links QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {LINK} DESC) = 1"
    known = f"SELECT *, true AS hw_known FROM ({known}) AS latest WHERE NOT {DELETED}"
    others = [each for each in columns if each.casefold() not in {k.casefold() for k in part.key}]
    differs = " OR ".join(f"came.{name} IS DISTINCT FROM known.{name}" for name in map(quote_identifier, others))
    aside = f"SELECT {_listed(columns, 'came')}, {stamp}, NULL FROM {_CAME} AS came WHERE {DELETED} IS NULL"
    changed = (
        f"SELECT {_listed(columns, 'came')}, {stamp}, false AS {DELETED}"
        f" FROM (SELECT * FROM {_CAME} WHERE NOT {DELETED}) AS came LEFT JOIN known USING ({key})"
        f" WHERE known.hw_known IS NULL OR {differs or 'false'}"
    )
    join, of = ("ANTI", f"{DELETED} IS NOT TRUE") if part.on_missing == "delete" else ("SEMI", DELETED)
    lost = (
        f"SELECT {_listed(columns, 'known')}, {stamp}, true AS {DELETED} FROM known"
        f" {join} JOIN (SELECT * FROM {_CAME} WHERE {of}) AS came USING ({key})"
    )
    return f"WITH known AS MATERIALIZED ({known}) {changed} UNION ALL {lost} UNION ALL {aside}"


def _listed(columns: list[str], of: str) -> str:
    return ", ".join(f"{of}.{quote_identifier(name)}" for name in columns)


def refuse_keys(session: Session, node: Node, rows: str, *, time: str = "") -> None:
    """Raise RowsRefused if a row lacks a part of its key, or if two rows say something of one key (at one time)."""
    part = node.chain
    if part is None or not part.key:
        return
    key = [quote_identifier(each) for each in part.key]
    missing = " OR ".join(f"{each} IS NULL" for each in key)
    within = [*key, *([quote_identifier(time)] if time else [])]
    shown = ", ".join(f"CAST({each} AS VARCHAR)" for each in within)
    where, name = Where(node.file, node.line), node.name.partition("@")[0]
    [(nulls,)] = session.rows(f"SELECT count(*) FROM ({rows}) AS this WHERE {missing}")
    if nulls:
        message = f"`{name}` returned {nulls} row{'s' if nulls > 1 else ''} whose key ({', '.join(part.key)}) is NULL"
        hint = "filter them out, or set them aside: `not_null` with `on_fail: quarantine`"
        raise RowsRefused.of("HW0264", message, where, hint=hint)
    twice = f"SELECT {shown} FROM ({rows}) AS this GROUP BY {', '.join(within)} HAVING count(*) > 1"
    found = session.rows(f"{twice} ORDER BY ALL LIMIT {_MOST_SHOWN + 1}")
    if found:
        examples = "; ".join(", ".join(map(str, each)) for each in found[:_MOST_SHOWN])
        at = f" at the same {time}" if time else ""
        message = f"`{name}` returned several rows for one key{at}, such as {examples}"
        hint = "which of them is right? Say it in the query, such as QUALIFY row_number() OVER (…) = 1"
        raise RowsRefused.of("HW0265", message, where, hint=hint)
