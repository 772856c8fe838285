"""TPC-H on several sites: two layouts, and one machine beside them."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import duckdb

from headwater.placement.values import Located
from headwater.sql.binding import Relation
from tests.placement.places import held

TABLES = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")
REPLICATED = ("region", "nation", "supplier", "part", "partsupp")
REGIONS = {"amsterdam": "0, 1", "boston": "2, 3", "cairo": "4"}
"""Layout A: site → regions of the customers whose rows it holds."""
APART = {
    "lisbon": ("customer", "orders"), "madrid": ("supplier", "partsupp"), "naples": ("part",), "oslo": ("lineitem",),
    "paris": ("nation", "region"),
}  # fmt: skip
"""Layout B: site → tables that it holds."""


@dataclass(frozen=True)
class Layout:
    """Where everything lies, and the engines that hold it."""

    located: dict[str, Located]
    sites: dict[str, duckdb.DuckDBPyConnection]
    schemas: dict[str, Relation]


def _load(engine: duckdb.DuckDBPyConnection) -> None:
    spec = find_spec("duckdb_extension_tpch")
    assert spec is not None
    assert spec.origin is not None
    engine.execute(f"LOAD '{next(Path(spec.origin).parent.rglob('tpch.duckdb_extension'))}'")


@lru_cache
def one_machine(scale: float) -> duckdb.DuckDBPyConnection:
    """Give an engine that holds all of it."""
    engine = duckdb.connect()
    _load(engine)
    engine.execute(f"CALL dbgen(sf = {scale})")
    return engine


@lru_cache
def queries() -> dict[int, str]:
    """Give the 22 queries."""
    engine = duckdb.connect()
    _load(engine)
    return dict(engine.execute("SELECT query_nr, rtrim(query, chr(10) || ';') FROM tpch_queries()").fetchall())


def schemas(engine: duckdb.DuckDBPyConnection) -> dict[str, Relation]:
    """Give names and types of all tables."""
    return {name: tuple((row[0], row[1]) for row in engine.execute(f"DESCRIBE {name}").fetchall()) for name in TABLES}


def _engines(scale: float, parts: dict[str, dict[str, str]]) -> dict[str, duckdb.DuckDBPyConnection]:
    """Copy parts of tables (site → table → condition) to engines of their own."""
    source = one_machine(scale)
    engines = {site: duckdb.connect() for site in parts}
    for site, tables in parts.items():
        for table, condition in tables.items():
            rows = source.sql(f"SELECT * FROM {table} WHERE {condition}").to_arrow_table()
            engines[site].register("rows", rows)
            engines[site].execute(f"CREATE TABLE {table} AS FROM rows")
            engines[site].unregister("rows")
    return engines


@lru_cache
def layout_a(scale: float) -> Layout:
    """Customers, their orders and lines by the customer's region; everything else everywhere."""
    everywhere = dict.fromkeys(REPLICATED, "true")
    parts = {"hub": everywhere}
    for site, regions in REGIONS.items():
        customers = (
            f"SELECT c_custkey FROM customer, nation WHERE c_nationkey = n_nationkey AND n_regionkey IN ({regions})"
        )
        orders = f"SELECT o_orderkey FROM orders WHERE o_custkey IN ({customers})"
        parts[site] = {
            **everywhere,
            "customer": f"c_custkey IN ({customers})",
            "orders": f"o_custkey IN ({customers})",
            "lineitem": f"l_orderkey IN ({orders})",
        }
    engines = _engines(scale, parts)
    columns = schemas(one_machine(scale))
    partitions = {
        "customer": {"c_custkey": "customers"},
        "orders": {"o_custkey": "customers", "o_orderkey": "orders"},
        "lineitem": {"l_orderkey": "orders"},
    }
    located = {
        name: Located(
            sites=tuple(parts) if name in REPLICATED else tuple(REGIONS),
            replicated=name in REPLICATED,
            partition=partitions.get(name, {}),
            held={site: held(engines[site], name, columns[name]) for site in parts if name in parts[site]},
        )
        for name in TABLES
    }
    return Layout(located, engines, columns)


@lru_cache
def layout_b(scale: float) -> Layout:
    """Each table at one of five sites, none where the question is asked."""
    parts = {"hub": {}} | {site: dict.fromkeys(tables, "true") for site, tables in APART.items()}
    engines = _engines(scale, parts)
    columns = schemas(one_machine(scale))
    located = {
        name: Located(sites=(site,), held={site: held(engines[site], name, columns[name])})
        for site, tables in APART.items()
        for name in tables
    }
    return Layout(located, engines, columns)
