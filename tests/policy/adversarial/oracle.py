"""Non-interference: what leaves a site is the same in two databases that agree on all that the receivers are granted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from headwater.placement.values import Exchange, Placed, Read
from headwater.policy.tokens import key_parameters, parameter_names
from headwater.sql.text import bind_parameters, literal
from tests.placement.places import run_placed
from tests.policy.adversarial.judge import NOW, Allowed
from tests.policy.adversarial.one_machine import values_of
from tests.policy.adversarial.values import Rows, World

SECRET = b"0123456789abcdef0123456789abcdef"
Tables = Mapping[str, Mapping[str, Rows]]
"""Source → site → rows."""


@dataclass(frozen=True)
class Crossed:
    """What somebody at the border sees of one exchange from one site."""

    exchange: str
    sender: str
    to: tuple[str, ...]
    types: tuple[tuple[str, str], ...]
    rows: tuple[Any, ...]
    bytes: bytes


def tables_of(world: World, twin: Mapping[str, bool]) -> Tables:
    """Give all rows of a world; of the sources that ``twin`` names, those of the twin."""
    return {name: {**source.rows, **(source.twin if twin.get(name) else {})} for name, source in world.sources.items()}


def crossings(allowed: Allowed, world: World, tables: Tables, folder: Path) -> list[Crossed] | str:
    """Run what was allowed, and give everything that crossed from one law to another, in order.

    What the asker computes at the end is its own affair. A word instead if an engine fails before that: an outcome
    code is all that anybody learns of it.
    """
    placed = allowed.placed
    if placed is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    sites = _sites(world)
    sites.load(world, tables)
    try:
        ran = run_placed(replace(_bound(placed), final="SELECT 1 AS one"), sites.engines, folder)
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
        return type(error).__name__
    exchanges = {each.name: each for each in placed.exchanges}
    return [
        _crossed(exchanges[name], sender, path, world)
        for (name, sender), path in ran.crossed.items()
        if _foreign(exchanges[name], sender, world)
    ]


def _foreign(exchange: Exchange, sender: str, world: World) -> tuple[str, ...]:
    law = world.jurisdictions
    return tuple(site for site in exchange.to if law[site] != law[sender])


def _crossed(exchange: Exchange, sender: str, path: Path, world: World) -> Crossed:
    rows = _READER.execute("FROM read_parquet($1)", [str(path)])
    types = tuple((str(each[0]), str(each[1])) for each in rows.description)
    found = tuple(repr(row) for row in rows.fetchall())
    return Crossed(exchange.name, sender, _foreign(exchange, sender, world), types, found, path.read_bytes())


class Sites:
    """Engines of all sites of a world, kept from run to run; rows are put in anew where they differ."""

    def __init__(self, world: World) -> None:
        self.engines = {site: duckdb.connect(config={"threads": 1}) for site in world.jurisdictions}
        self._loaded: dict[tuple[str, str], Rows] = {}
        for key in world.keys:
            for name, value in key_parameters(key, SECRET).items():
                for engine in self.engines.values():
                    engine.execute(f"SET VARIABLE {name} = $1", [value])

    def load(self, world: World, tables: Tables) -> None:
        """Give every site its rows."""
        for name, source in world.sources.items():
            for site, rows in tables[name].items():
                if self._loaded.get((site, name)) != rows:
                    self.engines[site].execute(f"CREATE OR REPLACE TABLE {name} AS {values_of(source, rows)}")
                    self._loaded[site, name] = rows


_SITES: dict[str, Sites] = {}
_READER = duckdb.connect(config={"threads": 1})


def _sites(world: World) -> Sites:
    if world.name not in _SITES:
        _SITES[world.name] = Sites(world)
    return _SITES[world.name]


def _bound(placed: Placed) -> Placed:
    """Bind what grants leave open: the site's clock, and keys as variables of the session."""
    exchanges = tuple(replace(each, reads=tuple(map(_bound_read, each.reads))) for each in placed.exchanges)
    return replace(placed, exchanges=exchanges)


def _bound_read(read: Read) -> Read:
    grants = {}
    for site, grant in read.grants.items():
        names = [name for key in grant.keys for name in parameter_names(key)]
        values = {"now": literal(NOW)} | {name: f"getvariable('{name}')" for name in names}
        grants[site] = replace(grant, query=bind_parameters(grant.query, values))
    return replace(read, grants=grants)
