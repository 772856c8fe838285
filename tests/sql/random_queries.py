"""Random queries over the relations of ``forms``, each with one possible result: what is cut is ordered by everything."""

import random

_COLUMNS = {
    "t": ("id", "a", "b", "s", "ts"),
    "u": ("id", "a", "z"),
}
_NUMBERS = {"t": ("id", "a"), "u": ("id", "a")}
_TEXTS = {"t": "s", "u": "z"}
_JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")


class Queries:
    """Makes queries from a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._next = 0

    def query(self) -> str:
        """Give a whole query."""
        kind = self._rng.random()
        if kind < 0.15:
            operation = self._rng.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL"])
            tail = self._rng.choice(["", " ORDER BY 1, 2", " ORDER BY ALL LIMIT 3"])
            sides = (f"SELECT k, CAST(v AS VARCHAR) AS v FROM ({self._pairs()})" for _ in range(2))
            return f"{f' {operation} '.join(sides)}{tail}"
        if kind < 0.4:
            return self._over(f"({self._pairs()})", ("k", "v"))
        if kind < 0.6:
            inner = self._pairs()
            join = self._rng.choice([*_JOINS, "SEMI JOIN", "ANTI JOIN"])
            shown = "x.k, x.v" if join in ("SEMI JOIN", "ANTI JOIN") else "x.k, y.v"
            return f"WITH c AS ({inner}) SELECT {shown} FROM c AS x {join} c AS y ON x.k = y.k{self._where('x.k')}"
        return self._pairs()

    def _pairs(self) -> str:
        """A query of two columns, k (a number) and v."""
        return self._rng.choice([self._plain, self._joined, self._grouped, self._windowed, self._using])()

    def _over(self, inner: str, columns: tuple[str, str]) -> str:
        key, value = columns
        where = self._where(f"q.{key}")
        return self._rng.choice(
            [
                f"SELECT q.{key}, q.{value} FROM {inner} AS q{where}",
                f"SELECT q.{key} AS k, count(*) AS n FROM {inner} AS q{where} GROUP BY q.{key}",
                f"SELECT DISTINCT q.{key} FROM {inner} AS q{where}",
                f"SELECT q.{key}, t.s FROM {inner} AS q LEFT JOIN t ON t.id = q.{key} AND t.a > 1{where}",
                f"SELECT r.k2 FROM {inner} AS r(k2, v2){self._where('r.k2')}",
            ]
        )

    def _plain(self) -> str:
        node = self._rng.choice(["t", "u"])
        alias = self._alias()
        value = self._value(node, alias)
        distinct = self._rng.choice(["", "", "DISTINCT "])
        tail = self._rng.choice(["", "", " ORDER BY k, v LIMIT 4"])
        text = f"SELECT {distinct}{alias}.id AS k, {value} AS v FROM {node} AS {alias}{self._filter(node, alias)}{tail}"
        return f"SELECT k, v FROM ({text})" if tail else text

    def _joined(self) -> str:
        join = self._rng.choice(_JOINS)
        extra = self._rng.choice(["", " AND p.a > 1", " AND q.z = 'p'", " AND q.a < 3"])
        some = ["", "p.s = 'q'", "q.z IS NULL", "q.z IS NOT NULL", "p.a > 1 AND q.a <= 3", "coalesce(p.a, q.a, 0) < 3"]
        where = self._rng.choice([f" WHERE {each}" if each else "" for each in (*some, "p.b IS NULL")])
        return f"SELECT coalesce(p.id, q.id) AS k, q.z AS v FROM t AS p {join} u AS q ON p.id = q.id{extra}{where}"

    def _using(self) -> str:
        join = self._rng.choice(_JOINS)
        return f"SELECT id AS k, z AS v FROM t {join} u USING (id){self._rng.choice(['', ' WHERE id > 1'])}"

    def _grouped(self) -> str:
        node = self._rng.choice(["t", "u"])
        alias = self._alias()
        key = f"{alias}.{self._rng.choice(_NUMBERS[node])}"
        value = self._rng.choice(
            ["count(*)", f"max({alias}.a)", f"count(DISTINCT {alias}.a)", f"sum({alias}.a) FILTER ({alias}.id > 1)"]
        )
        group = self._rng.choice([f"GROUP BY {key}", "GROUP BY 1", "GROUP BY ALL", "GROUP BY k"])
        having = self._rng.choice(["", f" HAVING {key} > 1", " HAVING count(*) > 1"])
        return f"SELECT {key} AS k, {value} AS v FROM {node} AS {alias}{self._filter(node, alias)} {group}{having}"

    def _windowed(self) -> str:
        frame = self._rng.choice(["", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " RANGE UNBOUNDED PRECEDING"])
        window = f"sum(w.a) OVER (PARTITION BY w.s ORDER BY w.id, w.a, w.b, w.ts{frame})"
        qualify = self._rng.choice(["", " QUALIFY count(*) OVER (PARTITION BY w.s) > 1"])
        return f"SELECT w.id AS k, {window} AS v FROM t AS w{self._filter('t', 'w')}{qualify}"

    def _value(self, node: str, alias: str) -> str:
        column = self._rng.choice(_COLUMNS[node])
        number = self._rng.choice(_NUMBERS[node])
        return self._rng.choice(
            [
                f"{alias}.{column}",
                f"CASE WHEN {alias}.{number} BETWEEN 1 AND 2 THEN 'x' ELSE upper({alias}.{_TEXTS[node]}) END",
                f"-({alias}.{number} + 1.50) * 2",
                f"CAST({alias}.{number} AS DECIMAL(9, 3))",
                f"(SELECT max(i.a) FROM u AS i WHERE i.id = {alias}.id)",
                f"list_transform([{alias}.{number}], lambda e: e + {alias}.id)",
                f"{{'p': {alias}.{number}, 'q': [1, 2]}}",
            ]
        )

    def _filter(self, node: str, alias: str) -> str:
        number = f"{alias}.{self._rng.choice(_NUMBERS[node])}"
        text = f"{alias}.{_TEXTS[node]}"
        parts = [
            f"{number} > {self._rng.randint(0, 3)}",
            f"{self._rng.randint(1, 4)} >= {number}",
            f"{text} IN ('p', 'q', 'r')",
            f"NOT ({number} = 2)",
            f"({number} = 1 OR {text} LIKE 'q%')",
            f"{number} IS NOT NULL",
            f"EXISTS (SELECT 1 FROM u AS e WHERE e.id = {alias}.id AND e.a > 1)",
            f"{number} IN (SELECT i.a FROM u AS i WHERE i.z <> 'r')",
            f"{number} <= ANY (SELECT i.id FROM t AS i WHERE i.a = {alias}.a)",
        ]
        chosen = self._rng.sample(parts, self._rng.randint(0, 2))
        return f" WHERE {' AND '.join(chosen)}" if chosen else ""

    def _where(self, number: str) -> str:
        choices = ["", f" WHERE {number} > 1", f" WHERE {number} BETWEEN 1 AND 3", f" WHERE {number} IS NOT NULL"]
        return self._rng.choice(choices)

    def _alias(self) -> str:
        self._next += 1
        return self._rng.choice(["t", "u", "t0", f"r{self._next}"])
