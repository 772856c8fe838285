"""The ledger of released cells at a site, as SQL that the site runs: one per rule address and destination."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headwater.graph.borders import PolicyNode
from headwater.policy.cells import SLOT, Cells, Slots
from headwater.policy.releasing import ABSENT, Decision, Standing
from headwater.policy.tokens import canonical_text, hmac
from headwater.spec.addresses import address
from headwater.spec.policies import Form
from headwater.sql.binding import Relation
from headwater.sql.text import literal, quote_identifier, quote_relation

KEY: Final = "site ledger"
"""The site's own key for hashes in its ledger, named as no project can name one; its parameters are bound as any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Statements, in the order in which they are run, inside one transaction.

    ``create`` (once), ``stage`` (the rows as they are, of the slots that are released), ``compare`` (gives the rows
    that ``standings`` reads), then those of ``statements`` for what ``decide`` says, then ``shown``.
    """

    create: tuple[str, ...]
    stage: tuple[str, ...]
    """With the parameters of ``KEY`` and those of the cells (``$now``, ``$start``, ``$end``, keys)."""
    compare: str
    shown: str
    """Gives what may leave: the cells as released, in their own columns."""
    cells: str
    units: str


def ledger_of(
    cells: Cells, rule: PolicyNode, columns: Relation, grant: str, to: str, *, slots: Slots | None = None
) -> Ledger:
    """Give the ledger of the cells of a rule (the grant's ``address``) towards a jurisdiction.

    With ``slots`` a stage speaks only of slots from ``$start`` to ``$end``: those must be complete.
    """
    name = address("ledger", grant, to)[:32]
    kept, units = (quote_identifier(f"ledger_{name}_{kind}") for kind in ("cells", "units"))
    columns_of_cells = [quote_identifier(each) for each, _ in cells.columns]
    within = f" WHERE {_within(slots, SLOT)}" if slots else ""
    parts = [f"c{at}" for at in range(len(cells.shipped) + 1)]
    hashes = ", ".join(f"{part} VARCHAR" for part in parts)
    typed = ", ".join(f"{quote_identifier(each)} {type_}" for each, type_ in cells.columns)
    versions = "ledger_cell VARCHAR, ledger_version INTEGER"
    create = (
        f"CREATE TABLE IF NOT EXISTS {kept} ({versions}, ledger_shown BOOLEAN, {typed})",
        f"CREATE TABLE IF NOT EXISTS {units} ({versions}, unit VARCHAR, {hashes})",
    )
    stage = (
        f"CREATE OR REPLACE TEMP TABLE now_cells AS {_staged_cells(cells, within)}",
        f"CREATE OR REPLACE TEMP TABLE now_units AS {_staged_units(cells, rule, dict(columns), slots)}",
    )
    shown = f"SELECT {', '.join(columns_of_cells)} FROM {kept} WHERE ledger_shown"
    return Ledger(
        create=create,
        stage=stage,
        compare=_compare(kept, units, parts, within),
        shown=shown + within.replace(" WHERE ", " AND "),
        cells=kept,
        units=units,
    )


def standings(rows: Iterable[tuple[str, int, int, int, *tuple[int, ...]]]) -> list[Standing]:
    """Read what ``compare`` gives: (cell, units now, version shown, version, changed …), by cell and version."""
    found: dict[str, Standing] = {}
    for cell, units, shown, version, *changed in rows:
        before = found[cell].changed if cell in found else ()
        known = (*before, tuple(changed)) if version != ABSENT else tuple(before)
        found[cell] = Standing(cell=cell, units=units, shown=shown, changed=known)
    return list(found.values())


def statements(ledger: Ledger, decisions: Iterable[Decision]) -> list[str]:
    """Give what writes decisions into the ledger, and nothing for what is kept."""
    found = [each for each in decisions if each.verdict != "keep"]
    if not found:
        return []
    pairs = ", ".join(f"({literal(each.cell)}, {each.version}, {literal(each.verdict)})" for each in found)
    decided = f"(VALUES {pairs}) AS d(cell, version, verdict)"
    new = "d.verdict = 'release'"
    show = f"UPDATE {ledger.cells} SET ledger_shown = (ledger_version = d.version) FROM {decided}"
    keep_cells = f"INSERT INTO {ledger.cells} SELECT n.ledger_cell, d.version, true, n.* EXCLUDE (ledger_cell)"
    keep_units = f"INSERT INTO {ledger.units} SELECT n.ledger_cell, d.version, n.* EXCLUDE (ledger_cell)"
    of_new = f"JOIN {decided} ON n.ledger_cell = d.cell WHERE {new}"
    return [
        f"{show} WHERE ledger_cell = d.cell",
        f"{keep_cells} FROM now_cells AS n {of_new}",
        f"{keep_units} FROM now_units AS n {of_new}",
    ]


def _within(slots: Slots | None, slot: str) -> str:
    return f"{quote_identifier(slot)} >= $start AND {quote_identifier(slot)} < $end" if slots else "true"


def _staged_cells(cells: Cells, within: str) -> str:
    """The cells that are large enough, each under its hash."""
    types = dict(cells.columns)
    names = [*cells.by, *([SLOT] if cells.time else [])]
    cell = _cell([(quote_identifier(each), types[each]) for each in names])
    return f"SELECT {cell} AS ledger_cell, * FROM ({cells.query}){within}"


def _cell(groups: Iterable[tuple[str, str]]) -> str:
    return hmac(KEY, "cell", _list([_text(column, type_) for column, type_ in groups]))


def _text(column: str, type_: str) -> str:
    found = canonical_text(column, type_)
    return found[0] if found else f"CAST({column} AS VARCHAR)"


def _list(texts: Iterable[str]) -> str:
    """Several texts as one, so that no two lists give the same."""
    return f"CAST(to_json(CAST([{', '.join(texts)}] AS VARCHAR[])) AS VARCHAR)"


def _staged_units(cells: Cells, rule: PolicyNode, columns: dict[str, str], slots: Slots | None) -> str:
    """Per cell and unit: a hash of how many rows, and one of the values in each shipped column (NULL: none)."""
    form, types = rule.form or Form(), dict(cells.columns)
    groups = {f"g{at}": (text, types[name]) for at, (name, text) in enumerate(form.by.items())}
    if slots:
        groups[f"g{len(groups)}"] = (slots.expression, types[SLOT])
    values = {f"v{at}": quote_identifier(name) for at, name in enumerate(cells.shipped)}
    where = f" WHERE (\n{rule.predicate}\n)" if rule.predicate else ""
    items = [*((name, f"(\n{text}\n)") for name, (text, _) in groups.items()), *values.items()]
    unit = _unit(form.unit, columns, [*groups, *values])
    rows = ", ".join(f"{text} AS {name}" for name, text in [*items, ("unit_text", unit[0])])
    read = f"SELECT {rows} FROM {quote_relation(cells.relation)}{where}"
    numbered = f"SELECT *{unit[1]} FROM ({read}) WHERE {_within(slots, f'g{len(groups) - 1}')}"
    cell = _cell([(name, type_) for name, (_, type_) in groups.items()])
    hashes = ", ".join(f"{_values(name)} AS c{at}" for at, name in enumerate(values, 1))
    listed = ", ".join(
        [
            "ledger_cell",
            "unit",
            f"{hmac(KEY, 'rows', 'CAST(count(*) AS VARCHAR)')} AS c0",
            *([hashes] if hashes else []),
        ]
    )
    hashed = f"coalesce({hmac(KEY, 'unit', 'unit_text')}, 'none')"
    named = f"SELECT {cell} AS ledger_cell, {hashed} AS unit, * FROM ({numbered})"
    return f"SELECT {listed} FROM ({named}) GROUP BY ledger_cell, unit"


def _unit(name: str, columns: dict[str, str], names: list[str]) -> tuple[str, str]:
    """(The text of a row's unit, what to change of it); where nobody is counted, each row is a unit of its own."""
    if name:
        own = next(each for each in columns if each.casefold() == name.casefold())
        return _text(quote_identifier(own), columns[own]), ""
    partition = f" PARTITION BY {', '.join(names)}" if names else ""
    alike = ", ".join(f"CAST({each} AS VARCHAR)" for each in names)
    number = f"CAST(row_number() OVER ({partition.strip()}) AS VARCHAR)"
    text = f"CAST(to_json([{', '.join(filter(None, [alike, number]))}]) AS VARCHAR)"
    return "''", f" REPLACE ({text} AS unit_text)"


def _values(name: str) -> str:
    """Hash of the values in a column; NULL without one, as of a unit that is not there."""
    texts = f"list_sort(list(CAST({name} AS VARCHAR)) FILTER ({name} IS NOT NULL))"
    return hmac(KEY, "values", f"CAST(to_json({texts}) AS VARCHAR)")


def _compare(cells: str, units: str, parts: list[str], within: str) -> str:
    """For each cell of now and of the ledger, and each version of it: how many units contribute differently."""
    versions = f"SELECT ledger_cell, ledger_version, ledger_shown FROM {cells}{within}"
    differ = ", ".join(f"count(*) FILTER (o.{part} IS DISTINCT FROM n.{part}) AS {part}" for part in parts)
    then = f"SELECT u.* FROM {units} AS u JOIN v USING (ledger_cell, ledger_version)"
    now = "SELECT v.ledger_version, u.* FROM v JOIN now_units AS u USING (ledger_cell)"
    both = (
        "SELECT coalesce(o.ledger_cell, n.ledger_cell) AS cell,"
        f" coalesce(o.ledger_version, n.ledger_version) AS version, {differ} FROM ({then}) AS o FULL JOIN ({now}) AS n"
        " ON o.ledger_cell = n.ledger_cell AND o.ledger_version = n.ledger_version AND o.unit = n.unit GROUP BY ALL"
    )
    counted = "SELECT ledger_cell AS cell, count(*) FILTER (unit <> 'none') AS units FROM now_units GROUP BY ALL"
    return (
        f"WITH v AS ({versions}), both_sides AS ({both}), counted AS ({counted}),"
        " shown AS (SELECT ledger_cell AS cell, ledger_version AS version FROM v WHERE ledger_shown),"
        " named AS (SELECT cell FROM counted UNION SELECT ledger_cell FROM v)"
        " SELECT a.cell, coalesce(c.units, 0), coalesce(s.version, 0), coalesce(b.version, 0),"
        f" {', '.join(f'coalesce(b.{part}, 0)' for part in parts)}"
        " FROM named AS a LEFT JOIN counted AS c USING (cell) LEFT JOIN shown AS s USING (cell)"
        " LEFT JOIN both_sides AS b USING (cell) ORDER BY a.cell, coalesce(b.version, 0)"
    )
