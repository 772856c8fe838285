"""One query may fill several slots only where the result, cut into slots, is what each slot's own query gives."""

import random
from collections import Counter

import duckdb
import pytest

from tests.graph.conftest import Code

PROVED = [
    "SELECT day, origin, delay FROM flights",
    "SELECT day, origin, delay FROM flights WHERE day >= $start AND day < $end",
    "SELECT day, origin FROM flights WHERE day BETWEEN $start AND $end",
    "SELECT day, origin FROM flights WHERE $start <= day AND $end > day AND delay > 1",
    "SELECT day, origin, count(*) AS n, avg(delay) AS d FROM flights GROUP BY ALL",
    "SELECT day, count(*) AS n FROM flights GROUP BY day HAVING count(*) > 1",
    "SELECT DISTINCT day, origin FROM flights",
    "SELECT DISTINCT ON (day) day, origin FROM flights ORDER BY delay, origin",
    "SELECT day, origin, row_number() OVER (PARTITION BY day ORDER BY origin, delay, id) AS n FROM flights",
    "SELECT day, sum(delay) OVER (PARTITION BY origin, day) AS s FROM flights QUALIFY s > 1",
    "SELECT f.day, a.city FROM flights AS f LEFT JOIN airports AS a ON a.code = f.origin",
    "SELECT f.day, a.city FROM airports AS a RIGHT JOIN flights AS f ON a.code = f.origin",
    "SELECT day, origin FROM flights WHERE origin IN (SELECT code FROM airports)",
    "SELECT day, (SELECT count(*) FROM airports WHERE code = origin) AS n FROM flights",
    "SELECT day, origin FROM flights SEMI JOIN airports ON code = origin",
    "SELECT f.day, f.origin, w.wind FROM flights AS f JOIN weather AS w ON w.day = f.day AND w.origin = f.origin",
    "SELECT f.day, w.wind FROM flights AS f LEFT JOIN weather AS w USING (day, origin)",
    "SELECT day, f.origin, w.wind FROM flights AS f FULL JOIN weather AS w USING (day)",
    "SELECT f.day, f.id FROM flights AS f ANTI JOIN weather AS w ON f.day = w.day",
    "SELECT day, origin FROM flights SEMI JOIN weather USING (day)",
    "SELECT day, origin FROM flights UNION ALL SELECT day, origin FROM weather",
    "SELECT day, origin FROM flights EXCEPT SELECT day, origin FROM weather",
    "SELECT day, origin FROM flights UNION SELECT day, origin FROM weather",
    "WITH c AS (SELECT day, origin, count(*) AS n FROM flights GROUP BY ALL) SELECT day, max(n) AS most FROM c GROUP BY day",
    "FROM (SELECT day, max(delay) AS most FROM flights GROUP BY day) AS c JOIN flights AS f USING (day) SELECT day, id, most",
    "SELECT date_trunc('day', day)::DATE AS day, count(*) AS n FROM flights GROUP BY 1",
    "SELECT max(day) AS day, count(*) AS n FROM flights GROUP BY flights.day",
    "SELECT day, unnest([id, id + 1]) AS i FROM flights",
    "SELECT day, r.i FROM flights, range(2) AS r(i)",
]

NOT_PROVED = [
    "SELECT day, count(*) OVER () AS n FROM flights",
    "SELECT day, rank() OVER (PARTITION BY origin ORDER BY delay) AS n FROM flights",
    "SELECT day, origin FROM flights ORDER BY delay LIMIT 3",
    "SELECT max(day) AS day, count(*) AS n FROM flights",
    "SELECT max(day) AS day, origin FROM flights GROUP BY origin",
    "SELECT day, origin FROM flights GROUP BY GROUPING SETS ((day, origin), (origin))",
    "SELECT $start AS day, count(*) AS n FROM flights",
    "SELECT day, day - $start AS n FROM flights",
    "SELECT day FROM flights WHERE day > $start",
    "SELECT day FROM flights WHERE day <= $start",
    "SELECT day FROM flights WHERE day = $start",
    "SELECT day FROM flights WHERE day >= $start OR delay > 1",
    "SELECT day FROM flights WHERE day + INTERVAL 1 DAY >= $start",
    "SELECT (day + INTERVAL 1 DAY)::DATE AS day FROM flights",
    "SELECT coalesce(day, DATE '2024-01-01') AS day FROM flights",
    "SELECT f.day, w.wind FROM flights AS f JOIN weather AS w ON w.origin = f.origin",
    "SELECT f.day, w.wind FROM flights AS f JOIN weather AS w ON w.day <= f.day",
    "SELECT f.day, w.wind FROM flights AS f, weather AS w",
    "SELECT w.day, f.id FROM flights AS f LEFT JOIN weather AS w ON w.day = f.day",
    "SELECT f.day, a.city FROM flights AS f RIGHT JOIN airports AS a ON a.code = f.origin",
    "SELECT f.day, a.city FROM flights AS f FULL JOIN airports AS a ON a.code = f.origin",
    "SELECT f.day, a.city FROM airports AS a LEFT JOIN flights AS f ON a.code = f.origin",
    "SELECT day FROM flights UNION ALL SELECT DATE '2024-01-01' AS day FROM airports",
    "SELECT day FROM flights WHERE delay > (SELECT avg(delay) FROM flights)",
    "SELECT day FROM flights WHERE origin IN (SELECT origin FROM weather)",
    "SELECT day, (SELECT max(wind) FROM weather AS w WHERE w.day = f.day) AS m FROM flights AS f",
    "SELECT day, x.m FROM flights AS f, LATERAL (SELECT max(wind) AS m FROM weather AS w WHERE w.day = f.day) AS x",
    "SELECT day FROM flights TABLESAMPLE 10%",
    "SELECT f.day FROM flights AS f POSITIONAL JOIN weather AS w",
    "SELECT day FROM (SELECT DISTINCT origin, day, delay FROM flights LIMIT 5)",
    "SELECT day FROM (SELECT DISTINCT ON (origin) origin, day FROM flights)",
    "SELECT DATE '2024-01-02' AS day FROM airports",
    "SELECT date_trunc('week', day)::DATE AS day, count(*) AS n FROM flights GROUP BY ALL",
    "SELECT date_trunc('month', day)::DATE AS day FROM flights",
]


@pytest.fixture
def slots(code: Code) -> Code:
    code.source("flights", "id integer, day date, origin text, delay double", time="day", start="2024-01-01")
    code.source("weather", "day date, origin text, wind integer", time="day", start="2024-01-01")
    code.source("airports", "code text, city text")
    return code


def is_proved(code: Code, sql: str, **settings: object) -> bool:
    code.model("m", sql, **{"kind": "incremental", "time": "day", "every": "1d"} | settings)
    return code.node("m").batch_s is None


@pytest.mark.parametrize("sql", PROVED)
def test_queries_that_are_proved(slots: Code, sql: str) -> None:
    assert is_proved(slots, sql)


@pytest.mark.parametrize("sql", NOT_PROVED)
def test_queries_that_are_not_proved(slots: Code, sql: str) -> None:
    assert not is_proved(slots, sql, allow=("volatile",), start="2024-01-01")


def database(seed: int) -> duckdb.DuckDBPyConnection:
    rng = random.Random(seed)
    connection = duckdb.connect(config={"threads": "1"})
    connection.execute("CREATE TABLE all_flights (id INTEGER, day DATE, origin TEXT, delay DOUBLE)")
    connection.execute("CREATE TABLE all_weather (day DATE, origin TEXT, wind INTEGER)")
    connection.execute(
        "CREATE TABLE airports AS FROM (VALUES ('p', 'Paris'), ('q', 'Quito'), ('q', 'Quimper')) v(code, city)"
    )
    for number in range(rng.randint(0, 20)):
        values = (number, f"2024-01-0{rng.randint(1, 4)}", rng.choice("pqr"), rng.choice([None, 1.0, 2.0, 3.0]))
        connection.execute("INSERT INTO all_flights VALUES (?, ?, ?, ?)", values)
    for _ in range(rng.randint(0, 12)):
        connection.execute(
            "INSERT INTO all_weather VALUES (?, ?, ?)",
            (f"2024-01-0{rng.randint(1, 4)}", rng.choice("pqr"), rng.randint(0, 3)),
        )
    return connection


def filled(connection: duckdb.DuckDBPyConnection, sql: str, start: int, end: int) -> Counter[str]:
    """What a query gives for the slots from one day to another, each input clipped to them."""
    low, high = (f"DATE '2024-01-0{day}'" for day in (start, end))
    for name in ("flights", "weather"):
        clip = f"SELECT * FROM all_{name} WHERE day >= {low} AND day < {high}"
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS {clip}")
    rows = connection.execute(sql.replace("$start", low).replace("$end", high)).fetchall()
    return Counter(map(repr, rows))


@pytest.mark.parametrize("sql", PROVED)
def test_a_batch_gives_what_its_slots_give(sql: str) -> None:
    for seed in range(12):
        connection = database(seed)
        each = [filled(connection, sql, day, day + 1) for day in range(1, 5)]
        assert filled(connection, sql, 1, 5) == sum(each, Counter()), seed
        connection.close()


@pytest.mark.parametrize(
    ("time", "zone", "every", "expression", "proved"),
    [
        ("timestamptz", "UTC", "1h", "ts", True),
        ("timestamptz", "America/New_York", "1h", "ts", True),
        ("timestamptz", "UTC", "1h", "date_trunc('hour', ts)", True),
        ("timestamptz", "UTC", "1h", "date_trunc('minute', ts)", True),
        ("timestamptz", "UTC", "1h", "date_trunc('day', ts)", False),
        ("timestamptz", "UTC", "90m", "date_trunc('hour', ts)", False),
        ("timestamptz", "America/New_York", "1h", "date_trunc('hour', ts)", False),
        ("timestamptz", "America/New_York", "1d", "date_trunc('hour', ts)", True),
        ("timestamptz", "America/New_York", "1d", "CAST(ts AS DATE)", True),
        ("timestamptz", "America/New_York", "1mo", "CAST(date_trunc('month', ts) AS DATE)", True),
        ("timestamptz", "UTC", "1mo", "date_trunc('week', ts)", False),
        ("timestamptz", "UTC", "1w", "date_trunc('week', ts)", True),
        ("timestamptz", "UTC", "3mo", "date_trunc('quarter', ts)", True),
        ("timestamptz", "UTC", "2mo", "date_trunc('quarter', ts)", False),
        ("timestamp", "UTC", "1h", "ts", True),
        ("timestamp", "Europe/Berlin", "1h", "ts", False),
        ("timestamp", "Europe/Berlin", "1d", "ts", True),
    ],
)
def test_truncated_times_must_not_straddle_slots(
    code: Code, time: str, zone: str, every: str, expression: str, proved: bool
) -> None:
    code.source("log", f"ts {time}, path text", time="ts", start="2024-01-01", timezone=zone)
    sql = f"SELECT {expression} AS at, count(*) AS n FROM log GROUP BY ALL"
    assert is_proved(code, sql, time="at", every=every, timezone=zone) is proved


def test_wall_time_of_another_zone_is_not_proved(code: Code) -> None:
    code.source("log", "ts timestamp", time="ts", start="2024-01-01", timezone="Europe/Berlin")
    assert not is_proved(code, "SELECT ts AS day FROM log", every="1d")


def test_a_proof_goes_through_inline_models_that_are_proved_themselves(slots: Code) -> None:
    slots.model("i", "SELECT day, origin, count(*) AS n FROM flights GROUP BY ALL", kind="inline", time="day")
    assert is_proved(slots, "SELECT day, max(n) AS most FROM i GROUP BY day")
    slots.model("i", "SELECT day, count(*) OVER () AS n FROM flights", kind="inline", time="day")
    assert not is_proved(slots, "SELECT day, max(n) AS most FROM i GROUP BY day")


def test_what_an_inline_model_truncates_to_must_fit_its_reader(code: Code) -> None:
    code.source("log", "ts timestamptz, path text", time="ts", start="2024-01-01")
    code.model("i", "SELECT date_trunc('day', ts) AS day, path FROM log", kind="inline", time="day")
    assert is_proved(code, "SELECT day, path FROM i", every="1d")
    assert not is_proved(code, "SELECT day, path FROM i", every="1h")


@pytest.mark.parametrize("function", ["random()", "uuid()"])
def test_volatile_queries_are_not_proved(slots: Code, function: str) -> None:
    assert not is_proved(slots, f"SELECT day, {function} AS r FROM flights", allow=("volatile",))
