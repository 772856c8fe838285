"""Random queries over random rows at random places: joins, nested queries, aggregates, NULLs, duplicates, empty sites."""

from dataclasses import dataclass, replace
from random import Random

import duckdb

from headwater.placement.values import Held, Located
from headwater.sql.binding import Relation

SITES = ("lima", "quito", "sucre")
COLUMNS: Relation = (
    ("k", "INTEGER"), ("g", "INTEGER"), ("m", "DECIMAL(9,2)"), ("s", "VARCHAR"), ("d", "DOUBLE"), ("b", "BIGINT"),
)  # fmt: skip
SPLIT = {"people": {"k": "people"}, "visits": {"g": "people", "k": "visits"}, "notes": {}}
"""Cut between the sites; ``notes`` anyhow."""
EVERYWHERE = ("places",)
ALONE = {"lamps": "quito", "coins": "lima"}
HERE = ("mine",)
TABLES = (*SPLIT, *EVERYWHERE, *ALONE, *HERE)
NUMBERS = ("k", "g", "m", "d", "b")


@dataclass(frozen=True)
class World:
    """Engines that hold the parts, one that holds everything, and where things lie."""

    one: duckdb.DuckDBPyConnection
    sites: dict[str, duckdb.DuckDBPyConnection]
    located: dict[str, Located]
    schemas: dict[str, Relation]


def world(random: Random) -> World:
    """Make rows, and spread them."""
    one, *others = (_engine() for _ in ("one", "hub", *SITES))
    sites = dict(zip(("hub", *SITES), others, strict=True))
    located = {name: Located(sites=SITES, partition=partition) for name, partition in SPLIT.items()}
    located |= {name: Located(sites=("hub", *SITES), replicated=True) for name in EVERYWHERE}
    located |= {name: Located(sites=(site,)) for name, site in ALONE.items()}
    for name, each in located.items():  # what is believed of sizes decides only how, never what
        believed = {site: Held(rows=random.choice((0, 1_000, 1_000_000))) for site in each.sites}
        located[name] = replace(each, held=believed)
    homes = {value: random.choice(SITES) for value in (None, *range(8))}
    if random.random() < 0.2:
        homes = dict.fromkeys(homes, random.choice(SITES))
    for name in TABLES:
        body = ", ".join(f"{column} {type_}" for column, type_ in COLUMNS)
        for engine in (one, *sites.values()):
            engine.execute(f"CREATE TABLE {name} ({body})")
        for row in _rows(random, name):
            for engine in (one, *(sites[site] for site in _homes(random, name, row, homes))):
                engine.execute(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?)", row)
    return World(one, sites, located, dict.fromkeys(TABLES, COLUMNS))


def _engine() -> duckdb.DuckDBPyConnection:
    """DuckDB 1.5.5 pushes what it learns of a join's keys below the LIMIT of a subquery, which then has other rows."""
    engine = duckdb.connect()
    engine.execute("SET disabled_optimizers = 'join_filter_pushdown'")
    engine.execute("SET threads = 1")
    return engine


def _rows(random: Random, name: str) -> list[list[object]]:
    def maybe(value: object) -> object:
        return None if random.random() < 0.15 else value

    rows = []
    for number in range(random.choice((0, 1, 5, 12))):
        key = number % 7 if name in ("people", "places") else random.randrange(8)
        rows.append(
            [
                maybe(key), maybe(random.randrange(8)), maybe(random.randrange(400) / 4), maybe(random.choice("abc")),
                maybe(random.randrange(64) / 8), maybe(random.choice((1, 2, 3, 2**40))),
            ]
        )  # fmt: skip
    return rows


def _homes(random: Random, name: str, row: list[object], homes: dict[object, str]) -> list[str]:
    if name in EVERYWHERE:
        return ["hub", *SITES]
    if name in HERE:
        return ["hub"]
    if name in ALONE:
        return [ALONE[name]]
    if name == "people":
        return [homes[row[0]]]
    if name == "visits":
        row[0] = None if row[1] is None else (row[1] if isinstance(row[1], int) else 0)
        return [homes[row[1]]]
    return [random.choice(SITES)]


class Question:
    """Writes one random query."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._aliases = 0

    def text(self) -> str:
        """Give a query."""
        if self.random.random() < 0.15:
            kind = self.random.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL"))
            left, right = (f"SELECT {c} FROM {self._table()} AS t" for c in ("k, s", self._pick("k, s", "g, s")))
            return f"{left} {kind} {right} ORDER BY ALL"
        return self.select(2)

    def _pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def _often(self, share: float) -> bool:
        return self.random.random() < share

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def _table(self) -> str:
        return self.random.choice((*TABLES, *SPLIT))

    def _source(self, depth: int) -> tuple[str, str]:
        alias = self._alias()
        if depth and self._often(0.25):
            return f"({self._derived(depth - 1)}) AS {alias}", alias
        return f"{self._table()} AS {alias}", alias

    def _derived(self, depth: int) -> str:
        """A query with the columns of every table."""
        source, alias = self._source(0)
        where = self._where([alias], depth)
        plain = ", ".join(f"{alias}.{name}" for name, _ in COLUMNS)
        key = self._pick("k", "g")
        folded = f"max({alias}.m) AS m, min({alias}.s) AS s, sum({alias}.d) AS d, count(*) AS b"
        other = "g" if key == "k" else "k"
        return self._pick(
            f"SELECT {plain} FROM {source}{where}",
            f"SELECT DISTINCT {plain} FROM {source}{where}",
            f"SELECT {alias}.{key} AS {key}, max({alias}.{other}) AS {other}, {folded} FROM {source}{where} GROUP BY 1",
            f"SELECT {plain} FROM {source}{where} UNION ALL SELECT * FROM {self._table()}",
            f"SELECT {plain} FROM {source}{where} ORDER BY ALL LIMIT 3",
        )

    def _from(self, depth: int) -> tuple[str, list[str], list[str]]:
        text, alias = self._source(depth)
        aliases, conditions = [alias], []
        for _ in range(self.random.choice((0, 1, 1, 2, 2))):
            source, new = self._source(depth)
            old = self.random.choice(aliases)
            on = self._pick(f"{old}.k = {new}.k", f"{old}.k = {new}.g", f"{old}.g = {new}.g", f"{old}.g = {new}.k")
            kind = self._pick(
                ",", ",", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "USING"
            )
            if kind == ",":
                text = f"{text} CROSS JOIN {source}"
                conditions.append(on)
            elif kind == "USING":
                text = f"{text} {self._pick('JOIN', 'LEFT JOIN', 'FULL JOIN')} {source} ON {old}.k = {new}.k"
            else:
                extra = f" AND {self._simple(new)}" if self._often(0.3) else ""
                text = f"{text} {kind} {source} ON {on}{extra}"
            if kind not in ("SEMI JOIN", "ANTI JOIN"):
                aliases.append(new)
        return text, aliases, conditions

    def _simple(self, alias: str) -> str:
        number = self.random.randrange(6)
        return self._pick(
            f"{alias}.m > {number * 10}", f"{alias}.s = 'a'", f"{alias}.g IN (1, {number})", f"{alias}.d IS NOT NULL",
            f"{alias}.k BETWEEN 1 AND {number}", f"({alias}.s <> 'b' OR {alias}.b = 2)", f"substring({alias}.s, 1, 1) = 'c'",
        )  # fmt: skip

    def _nested(self, alias: str, depth: int) -> str:
        inner = self._alias()
        table, key, other = f"{self._table()} AS {inner}", self._pick("k", "g"), self._pick("k", "g")
        also = f" AND {self._simple(inner)}" if self._often(0.5) else ""
        only = f" WHERE {self._simple(inner)}" if self._often(0.5) else ""
        if depth and self._often(0.3):
            also += f" AND {self._nested(inner, depth - 1)}"
        same = f"{inner}.{key} = {alias}.{other}"
        fold = self._pick("avg(%s.m)", "sum(%s.m)", "max(%s.m)", "count(%s.m)", "count(DISTINCT %s.m)") % inner
        return self._pick(
            f"EXISTS (SELECT * FROM {table} WHERE {same}{also})",
            f"NOT EXISTS (SELECT * FROM {table} WHERE {same}{also})",
            f"EXISTS (SELECT * FROM {table}{only})",
            f"{alias}.{other} IN (SELECT {inner}.{key} FROM {table}{only})",
            f"{alias}.{other} NOT IN (SELECT {inner}.{key} FROM {table}{only})",
            f"{alias}.{other} IN (SELECT {inner}.{key} FROM {table}{only} GROUP BY 1 HAVING count(*) > 1)",
            f"{alias}.m > (SELECT {fold} FROM {table} WHERE {same}{also})",
            f"{alias}.m >= (SELECT {fold} FROM {table}{only})",
            f"({alias}.s = 'a' OR {alias}.{other} IN (SELECT {inner}.{key} FROM {table}{only}))",
        )

    def _where(self, aliases: list[str], depth: int, conditions: tuple[str, ...] = ()) -> str:
        found = list(conditions)
        for alias in aliases:
            if self._often(0.4):
                found.append(self._simple(alias))
            if self._often(0.35):
                found.append(self._nested(alias, depth))
        return f" WHERE {' AND '.join(found)}" if found else ""

    def select(self, depth: int) -> str:
        """Give a SELECT."""
        text, aliases, conditions = self._from(depth - 1)
        where = self._where(aliases, depth - 1, tuple(conditions))
        columns = [f"{alias}.{name}" for alias in aliases for name, _ in COLUMNS]
        shape = self.random.randrange(5)
        if shape <= 1:
            chosen = self.random.sample(columns, min(3, len(columns)))
            outputs = ", ".join(f"{each} AS c{at}" for at, each in enumerate(chosen))
            distinct = "DISTINCT " if shape else ""
            limit = f" ORDER BY ALL LIMIT {self.random.randrange(1, 5)}" if self._often(0.4) else ""
            offset = " OFFSET 1" if limit and self._often(0.3) else ""
            return f"SELECT {distinct}{outputs} FROM {text}{where}{limit}{offset}"
        if shape == 2 and self._often(0.4):
            alias = aliases[0]
            window = f"count(*) OVER (PARTITION BY {alias}.{self._pick('k', 'g', 's')})"
            return f"SELECT {alias}.k, {alias}.s, {window} AS w FROM {text}{where}"
        return self._folded(text, where, aliases)

    def _folded(self, text: str, where: str, aliases: list[str]) -> str:
        keys = [f"{self.random.choice(aliases)}.{self._pick('k', 'g', 's')}" for _ in range(self.random.randrange(3))]
        keys = list(dict.fromkeys(keys))
        folds = [self._fold(self.random.choice(aliases)) for _ in range(self.random.randrange(1, 4))]
        outputs = [f"{each} AS c{at}" for at, each in enumerate((*keys, *folds))]
        having = ""
        if self._often(0.3):
            having = f" HAVING count(*) > {self.random.randrange(3)}"
            if self._often(0.3):
                having = f" HAVING sum({aliases[0]}.m) > (SELECT avg(u.m) FROM {self._table()} AS u)"
        group = f" GROUP BY {self._pick('', '', 'ROLLUP') if len(keys) > 1 else ''}({', '.join(keys)})" if keys else ""
        if group.startswith(" GROUP BY ("):
            group = f" GROUP BY {', '.join(keys)}"
        order = f" ORDER BY ALL LIMIT {self.random.randrange(1, 6)}" if self._often(0.3) else ""
        return f"SELECT {', '.join(outputs)} FROM {text}{where}{group}{having}{order}"

    def _fold(self, alias: str) -> str:
        name = self.random.choice(NUMBERS)
        value = f"{alias}.{name}"
        return self._pick(
            "count(*)", f"count({value})", f"sum({value})", f"avg({value})", f"min({value})", f"max({alias}.s)",
            f"count(DISTINCT {value})", f"sum(DISTINCT {value})", f"count(*) FILTER (WHERE {self._simple(alias)})",
            f"bool_or({value} > 2)", f"sum({value}) FILTER (WHERE {alias}.s = 'a')", f"stddev({value})",
            f"sum(CASE WHEN {self._simple(alias)} THEN 1 ELSE 0 END)", f"100.0 * sum({value}) / count(*)",
            f"median({value})", f"sum({value}) + count({value})",
        )  # fmt: skip
