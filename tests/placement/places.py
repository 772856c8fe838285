"""Places to run placed queries at: one DuckDB for each site with its own rows only; what crosses are Parquet files."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb

from headwater.graph.resolve_references import parse
from headwater.placement.placing import place
from headwater.placement.rewriting import tables
from headwater.placement.values import EXCHANGES, GRANTS, Exchange, Held, Located, Occurrence, Placed
from headwater.policy.values import Grant, Places
from headwater.run.binding import Binder
from headwater.sql.binding import BindError, Relation
from headwater.sql.parquet import relation, stored_columns, write_statement
from headwater.sql.queries import read_query
from headwater.sql.text import quote_identifier, quote_relation
from headwater.sql.tree import Query

Sites = Mapping[str, duckdb.DuckDBPyConnection]
"""Site → an engine that holds its rows, and only those; the one that asks among them."""
BINDER = Binder()


@dataclass(frozen=True)
class Ran:
    """What came out, and what crossed on the way."""

    rows: list[tuple[Any, ...]]
    columns: Relation
    bytes: Mapping[str, int]
    """Exchange → bytes of its Parquet files, each counted once for each place that received it."""
    crossed: Mapping[tuple[str, str], Path]
    """(exchange, sender) → the file that left."""

    def crossing(self, exchange: str) -> list[tuple[Any, ...]]:
        """Give the rows that crossed in an exchange."""
        paths = [str(path) for (name, _), path in self.crossed.items() if name == exchange]
        return duckdb.connect().execute("FROM read_parquet($1)", [paths]).fetchall() if paths else []


def run_placed(placed: Placed, sites: Sites, folder: Path | None = None) -> Ran:
    """Run a placed query exactly as it is written."""
    folder = folder or Path(mkdtemp(prefix="placed-"))
    received: dict[str, dict[str, list[Path]]] = {site: {} for site in sites}
    moved: dict[str, int] = {}
    crossed: dict[tuple[str, str], Path] = {}
    for exchange in placed.exchanges:
        moved[exchange.name] = 0
        for sender in exchange.senders:
            path = folder / f"{exchange.name} {sender}.parquet"
            _send(placed, exchange, sender, sites[sender], path, received[sender])
            for receiver in exchange.to:
                received[receiver].setdefault(exchange.name, []).append(path)
                moved[exchange.name] += path.stat().st_size if receiver != sender else 0
            crossed[exchange.name, sender] = path
        for receiver in exchange.to:
            _receive(exchange, sites[receiver], received[receiver][exchange.name])
    rows = sites[placed.at].execute(placed.final)
    return Ran(rows.fetchall(), described(sites[placed.at], placed.final), moved, crossed)


def _send(
    placed: Placed,
    exchange: Exchange,
    sender: str,
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    received: Mapping[str, object],
) -> None:
    assert set(exchange.needs) <= received.keys(), "it reads what its sender has not received"
    engine.execute(f"CREATE SCHEMA IF NOT EXISTS {GRANTS}")
    seen: dict[str, Relation] = {
        f"{EXCHANGES}.{each.name}": each.columns for each in placed.exchanges if each.name in exchange.needs
    }
    for read in exchange.reads:
        grant = read.grants[sender]
        names = ", ".join(quote_identifier(name) for name, _ in read.columns)
        engine.execute(f"CREATE OR REPLACE VIEW {GRANTS}.{read.name} AS SELECT {names} FROM ({grant.query})")
        seen[f"{GRANTS}.{read.name}"] = read.columns
    if sender != placed.at:
        bound = BINDER(exchange.query, seen)
        assert bound == exchange.columns, (bound, exchange)
    engine.execute(write_statement(exchange.query, stored_columns(exchange.columns), str(path)))


def _receive(exchange: Exchange, engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    rows = relation(stored_columns(exchange.columns), [str(path) for path in paths])
    engine.execute(f"CREATE SCHEMA IF NOT EXISTS {EXCHANGES}")
    engine.execute(f"CREATE OR REPLACE VIEW {EXCHANGES}.{exchange.name} AS {rows}")


def described(engine: duckdb.DuckDBPyConnection, text: str) -> Relation:
    """Give names and types of what a query gives."""
    return tuple((row[0], row[1]) for row in engine.execute(f"DESCRIBE {text}").fetchall())


def placed(
    text: str,
    located: Mapping[str, Located],
    schemas: Mapping[str, Relation],
    *,
    at: str = "hub",
    places: Places | None = None,
    grants: Mapping[str, Mapping[str, Grant | None]] | None = None,
) -> Placed:
    """Parse, bind and place a query over relations that lie at sites; each grants all of it unless said otherwise."""
    places = places or Places(jurisdictions={})
    query, columns = read(text, schemas)
    given = grants or {name: raw(name, each, schemas[name], at, places) for name, each in located.items()}
    found = occurrences(query, located, schemas, given)
    return place(query, columns, found, at=at, places=places, bind=BINDER, parse=partial(parse, BINDER))


def read(text: str, schemas: Mapping[str, Relation]) -> tuple[Query, Relation]:
    """Give the tree of a query, and the names and types of what it gives."""
    node = parse(BINDER, text)
    assert not isinstance(node, BindError), node
    columns = BINDER(text, schemas)
    assert not isinstance(columns, BindError), columns
    query, _ = read_query(node, {name.casefold(): (name, each) for name, each in schemas.items()})
    return query, columns


def occurrences(
    query: Query,
    located: Mapping[str, Located],
    schemas: Mapping[str, Relation],
    grants: Mapping[str, Mapping[str, Grant | None]],
) -> list[Occurrence]:
    """Say of each place where a relation is read where that lies."""
    found = dict.fromkeys(table for table in tables(query) if table.node in located)
    return [
        Occurrence(table=each, located=located[each.node], columns=schemas[each.node], grants=grants[each.node])
        for each in found
    ]


def raw(name: str, located: Located, columns: Relation, at: str, places: Places) -> dict[str, Grant | None]:
    """Grant all of a relation, to everyone, at each of its sites."""
    everyone = frozenset(places.jurisdictions.values()) or frozenset({""})
    query = f"SELECT {', '.join(quote_identifier(column) for column, _ in columns)} FROM {quote_relation(name)}"
    return {
        site: None
        if site == at
        else Grant(
            rule="", relation=name, site=site, to=everyone, shape="free", columns=columns, labels={}, query=query
        )
        for site in located.sites
    }


def held(engine: duckdb.DuckDBPyConnection, name: str, columns: Relation) -> Held:
    """Say what is known of a relation at a site: two digits, from a thousand rows up."""
    counts = ", ".join(f"approx_count_distinct({quote_identifier(column)})" for column, _ in columns)
    rows, *distinct = engine.execute(f"SELECT count(*), {counts} FROM {quote_relation(name)}").fetchall()[0]
    if rows < 1000:
        return Held()
    sizes = {column: _rounded(number) for (column, _), number in zip(columns, distinct, strict=True)}
    return Held(rows=_rounded(rows), distinct=sizes)


def _rounded(number: int) -> int:
    return number if number < 100 else round(number, 2 - len(str(number)))


def assert_same(
    one: tuple[list[tuple[Any, ...]], Relation], other: tuple[list[tuple[Any, ...]], Relation], *, ordered: bool
) -> None:
    """Compare results: names and types exactly, floats to nine digits, the order of rows where a query says it."""
    assert one[1] == other[1]
    rows = [[_comparable(row) for row in each] for each in (one[0], other[0])]
    if not ordered:
        rows = [sorted(each, key=repr) for each in rows]
    assert len(rows[0]) == len(rows[1]), (len(rows[0]), len(rows[1]))
    for left, right in zip(*rows, strict=True):
        assert len(left) == len(right)
        assert all(map(_alike, left, right)), (left, right)


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_Float(value) if isinstance(value, float) else value for value in row)


class _Float(float):
    def __repr__(self) -> str:
        return f"{float(self):.6g}"


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return one == other


def crossings(ran: Ran) -> Counter[str]:
    """Count the rows that crossed, by exchange."""
    return Counter({name: len(ran.crossing(name)) for name in ran.bytes})
