"""Runs probes of a query over its inputs' rows: which branches rows take, on all of the data or on a few rows of it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from headwater.diagnostics import Broken, Where
from headwater.plan.calendar import Interval
from headwater.run.engine import Session
from headwater.run.relations import clip
from headwater.run.unit_tests.covering import Key, Witness
from headwater.run.unit_tests.fixtures import Fixture, rows_select
from headwater.run.unit_tests.matching import Row
from headwater.sql.branches import Branch
from headwater.sql.outline import Json
from headwater.sql.probes import Probe, probes
from headwater.sql.provenance import ROWS, select
from headwater.sql.text import bind_parameters, literal, quote_identifier, quote_literal, quote_relation
from headwater.sql.tree import Unclear
from headwater.sql.type_names import parse_type
from headwater.tasks.values import Relation

TABLES: Final = 64
"""Inputs that a query may have: the number of a row, modulo this, is that of its input."""
MOST_ROWS: Final = 1_000_000
"""Rows of an input that are looked at."""
ROW: Final = "hw row"
_NATIVE: Final = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "DOUBLE", "FLOAT"}
    | {"VARCHAR", "DECIMAL"}
)
_NESTED: Final = frozenset({"LIST", "ARRAY", "STRUCT", "MAP"})
_MOST_CLASSES: Final = 3000
_EMPTY: Final = {"type": "EMPTY", "alias": "", "sample": None, "query_location": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedInput:
    """An input: its columns that matter, and how it is clipped in time."""

    relation: Relation
    columns: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The node's name."""
        return self.relation.name


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of an input as it can be written down: its number and values."""

    number: int
    values: Row


Rows = Mapping[str, Sequence[Cell]]
"""Input → rows."""


def render(session: Session, query: Json) -> str:
    """Give a parsed query as SQL; Unclear if the engine cannot."""
    import duckdb

    document = {"error": False, "statements": [{"node": query, "named_param_map": []}]}
    try:
        return str(session.rows(f"SELECT json_deserialize_sql({quote_literal(json.dumps(document))})")[0][0])
    except duckdb.Error as problem:
        raise Unclear(str(problem).partition("\n")[0]) from None


def find_probes(session: Session, query: Json) -> list[Probe]:
    """Give the probes of a query; Unclear if it cannot be traced."""

    def shown(expression: Json) -> str:
        text = render(session, select([{**expression, "alias": ""}], _EMPTY))
        return text.removeprefix("SELECT ").strip()

    return probes(query, shown)


class Laboratory:
    """Inputs with numbered rows, and probes over them. Two scopes: all rows, and the few that are being tried."""

    def __init__(self, session: Session, inputs: Sequence[ProbedInput]) -> None:
        if len(inputs) > TABLES:
            raise Unclear(f"more than {TABLES} inputs")
        self.session, self.inputs = session, tuple(inputs)
        self.truncated: list[str] = []
        self._home = session.name
        self._probes: list[tuple[Probe, str]] = []
        for number, each in enumerate(inputs):
            self._number_rows(number, each)
        self._whole, self._few = session.attach(), session.attach()

    def _number_rows(self, number: int, each: ProbedInput) -> None:
        names = ", ".join(quote_identifier(name) for name, _ in each.columns) or "0 AS none"
        order = ", ".join(_names(each)) or "none"
        relation = quote_relation(each.name)
        count = self.session.rows(f"SELECT count(*) FROM {relation}")[0][0]
        first = f"SELECT {names} FROM {relation}"
        if count > MOST_ROWS:
            self.truncated.append(each.name)
            columns = ", ".join(quote_identifier(name) for name, _ in each.columns)
            first += f" ORDER BY hash({columns}), {columns} LIMIT {MOST_ROWS}" if columns else f" LIMIT {MOST_ROWS}"
        self.session.run(
            f"CREATE TABLE {quote_identifier(f'hw data {number}')} AS SELECT *, "
            f"row_number() OVER (ORDER BY {order}) * {TABLES} + {number} "
            f"AS {quote_identifier(ROW)} FROM ({first})"
        )

    def count(self) -> dict[str, int]:
        """Count the rows of every input."""
        tables = (quote_identifier(f"hw data {number}") for number in range(len(self.inputs)))
        counts = [self.session.rows(f"SELECT count(*) FROM {self._at_home(table)}")[0][0] for table in tables]
        return {each.name: int(n) for each, n in zip(self.inputs, counts, strict=True)}

    def _at_home(self, table: str) -> str:
        return f"{quote_identifier(self._home)}.{table}"

    def look_at(self, intervals: Mapping[str, Interval | None]) -> None:
        """Define the inputs in the scope of all rows, each clipped to an interval."""
        self._define(self._whole, "hw data", "", intervals)

    def put(self, rows: Rows, intervals: Mapping[str, Interval | None]) -> None:
        """Define the inputs in the scope of few rows; ``pick`` then says which of them count."""
        for number, each in enumerate(self.inputs):
            given = [{**cell.values, ROW: cell.number} for cell in rows.get(each.name, ())]
            columns = [*each.columns, (ROW, "BIGINT")]
            chosen, wrong = rows_select(self.session, columns, Fixture(given, lambda _, __: Where("")))
            if wrong:
                raise Broken.of("HW0676", f"a row of `{each.name}` cannot be written down: {wrong[0].message}")
            empty = ", ".join(f"CAST(NULL AS {t}) AS {quote_identifier(n)}" for n, t in columns)
            table = self._at_home(quote_identifier(f"hw few {number}"))
            self.session.run(f"CREATE OR REPLACE TABLE {table} AS {chosen or f'SELECT {empty} LIMIT 0'}")
        picked = self._at_home(quote_identifier("hw picked"))
        self.session.run(f"CREATE OR REPLACE TABLE {picked} (row BIGINT)")
        chosen = f"{quote_identifier(ROW)} IN (SELECT row FROM {picked})"
        self._define(self._few, "hw few", chosen, intervals)

    def _define(self, scope: str, table: str, condition: str, intervals: Mapping[str, Interval | None]) -> None:
        self.session.use(scope)
        for number, each in enumerate(self.inputs):
            names = [*_names(each), f"[{quote_identifier(ROW)}] AS {quote_identifier(ROWS)}"]
            cut = Relation(
                name=each.name,
                kind="table",
                version="",
                interval=intervals.get(each.name),
                time=each.relation.time,
            )
            where = clip(cut)
            where += (f" AND {condition}" if where else f" WHERE {condition}") if condition else ""
            schema = each.name.rpartition(".")[0]
            if schema:
                self.session.run(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
            self.session.run(
                f"CREATE OR REPLACE VIEW {quote_relation(each.name)} AS SELECT {', '.join(names)} "
                f"FROM {self._at_home(quote_identifier(f'{table} {number}'))}{where}"
            )
        self.session.use(self._home)

    def use_probes(self, found: Sequence[Probe], values: Mapping[str, str]) -> None:
        """Take the probes that can be run over all rows; ``values`` are literals of the query's parameters."""
        import duckdb

        self._probes = []
        self.session.use(self._whole)
        for probe in found:
            text = bind_parameters(render(self.session, probe.query), values)
            try:
                self.session.run(f"DESCRIBE {text}")
            except duckdb.Error:
                continue  # a subquery that looks out of itself, or a form that needs what we took away
            self._probes.append((probe, text))
        self.session.use(self._home)

    @property
    def branches(self) -> dict[Key, Branch]:
        """All branches of the probes in use."""
        return {
            (at, i): branch for at, (probe, _) in enumerate(self._probes) for i, branch in enumerate(probe.branches)
        }

    def witnesses(self) -> list[Witness]:
        """Give, for each combination of branches that rows take together, the smallest set of input rows that does."""
        found: list[Witness] = []
        self.session.use(self._whole)
        for at, (probe, text) in enumerate(self._probes):
            rows = f"coalesce({quote_identifier(ROWS)}, [])"
            chosen = self.session.rows(
                f"SELECT bits, arg_min(r, list_concat([len(r)], r)) FROM (SELECT {_bits(probe)} AS bits, "
                f"CAST(list_sort(list_distinct({rows})) AS BIGINT[]) AS r FROM ({text})) GROUP BY bits "
                f"ORDER BY bits LIMIT {_MOST_CLASSES}"
            )
            for bits, numbers in chosen:
                found.append(Witness(_taken(at, bits), tuple(numbers)))
        self.session.use(self._home)
        return found

    def by_slot(self, starts: Sequence[datetime], cut: Collection[str]) -> dict[int, frozenset[Key]]:
        """Give the branches that rows of each slot (by its place among ``starts``, which are in order) take.

        ``cut`` names the inputs whose rows slots see only their own of. The slot with most of these rows comes first.
        """
        where = self._put_into_slots(starts, cut)
        found: dict[int, frozenset[Key]] = {
            slot: frozenset()
            for (slot,) in self.session.rows(f"SELECT slot FROM {where} GROUP BY slot ORDER BY count(*) DESC, slot")
        }
        self.session.use(self._whole)
        for at, (probe, text) in enumerate(self._probes):
            rows = f"SELECT {_bits(probe)} AS bits, unnest({quote_identifier(ROWS)}) AS row FROM ({text})"
            query = f"SELECT DISTINCT slot, bits FROM ({rows}) AS p JOIN {where} AS w USING (row)"
            for slot, bits in self.session.rows(query):
                found[slot] = found.get(slot, frozenset()) | _taken(at, bits)
        self.session.use(self._home)
        return found

    def _put_into_slots(self, starts: Sequence[datetime], cut: Collection[str]) -> str:
        values = ", ".join(f"({at}, {literal(each)})" for at, each in enumerate(starts))
        slots = self._at_home(quote_identifier("hw slots"))
        self.session.run(f"CREATE OR REPLACE TABLE {slots} AS SELECT * FROM (VALUES {values}) AS s(slot, start)")
        row = quote_identifier(ROW)
        rows = " UNION ALL ".join(
            f"SELECT {row} AS row, CAST({quote_identifier(each.relation.time.column)} AS TIMESTAMPTZ) "
            f"AS at FROM {self._at_home(quote_identifier(f'hw data {number}'))}"
            for number, each in enumerate(self.inputs)
            if each.relation.time is not None and each.name in cut
        )
        where = self._at_home(quote_identifier("hw where"))
        self.session.run(
            f"CREATE OR REPLACE TABLE {where} AS SELECT row, slot FROM ({rows}) AS r "
            f"ASOF JOIN {slots} AS s ON r.at >= s.start"
        )
        return where

    def taken(self, numbers: Iterable[int]) -> frozenset[Key]:
        """Give the branches that some of the few rows take, all by themselves."""
        picked = self._at_home(quote_identifier("hw picked"))
        listed = ", ".join(f"({number})" for number in numbers)
        self.session.run(f"DELETE FROM {picked}")
        if listed:
            self.session.run(f"INSERT INTO {picked} VALUES {listed}")
        found: set[Key] = set()
        self.session.use(self._few)
        for at, (probe, text) in enumerate(self._probes):
            flags = ", ".join(f"bool_or({quote_identifier(f'hw {i}')})" for i in range(len(probe.branches)))
            row = self.session.rows(f"SELECT {flags} FROM ({text})")[0]
            found |= {(at, i) for i, value in enumerate(row) if value}
        self.session.use(self._home)
        return frozenset(found)

    def fetch(self, numbers: Iterable[int]) -> dict[str, list[Cell]]:
        """Give rows by their numbers, as they can be written down."""
        wanted = sorted(numbers)
        found: dict[str, list[Cell]] = {}
        for at, each in enumerate(self.inputs):
            listed = ", ".join(str(number) for number in wanted if number % TABLES == at)
            if not listed:
                continue
            columns = ", ".join(f"{_written(name, type_)} AS {quote_identifier(name)}" for name, type_ in each.columns)
            table = self._at_home(quote_identifier(f"hw data {at}"))
            row = quote_identifier(ROW)
            query = f"SELECT {row}, {columns or '0'} FROM {table} WHERE {row} IN ({listed})"
            rows = self.session.connection.sql(query).to_arrow_table().to_pylist()
            names = {name for name, _ in each.columns}
            cells = [Cell(each[ROW], {k: v for k, v in each.items() if k in names}) for each in rows]
            found[each.name] = sorted(cells, key=lambda cell: cell.number)
        return found

    def first(self, most: int) -> list[int]:
        """Give the numbers of the first rows of every input, of those that are looked at."""
        found: list[int] = []
        self.session.use(self._whole)
        for each in self.inputs:
            number = f"{quote_identifier(ROWS)}[1]"
            query = f"SELECT {number} FROM {quote_relation(each.name)} ORDER BY 1 LIMIT {most}"
            found += [row[0] for row in self.session.rows(query)]
        self.session.use(self._home)
        return found

    def span(self, name: str) -> Interval | None:
        """Give the first and last time of an input's rows; None if it has none."""
        number, each = next((n, e) for n, e in enumerate(self.inputs) if e.name == name)
        assert each.relation.time is not None  # noqa: S101 - asked by the caller
        column = f"CAST({quote_identifier(each.relation.time.column)} AS TIMESTAMPTZ)"
        table = self._at_home(quote_identifier(f"hw data {number}"))
        first, last = self.session.rows(f"SELECT epoch_us(min({column})), epoch_us(max({column})) FROM {table}")[0]
        if first is None:
            return None
        return datetime.fromtimestamp(first / 1e6, UTC), datetime.fromtimestamp(last / 1e6, UTC)


def _names(each: ProbedInput) -> list[str]:
    return [quote_identifier(name) for name, _ in each.columns]


def _bits(probe: Probe) -> str:
    flags = (f"CASE WHEN {quote_identifier(f'hw {i}')} THEN '1' ELSE '0' END" for i in range(len(probe.branches)))
    return f"concat({', '.join(flags)})"


def _taken(at: int, bits: str) -> frozenset[Key]:
    return frozenset((at, i) for i, bit in enumerate(bits) if bit == "1")


def _written(name: str, type_: str) -> str:
    """A column as a value that can be written down and read back exactly: times in UTC, odd types as text."""
    column, head = quote_identifier(name), parse_type(type_).head
    if head in _NATIVE or head in _NESTED:
        return column
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"replace(CAST(timezone('UTC', {column}) AS VARCHAR), ' ', 'T') || 'Z'"
    if type_.startswith("TIMESTAMP"):
        return f"replace(CAST({column} AS VARCHAR), ' ', 'T')"
    return f"CAST({column} AS VARCHAR)"
