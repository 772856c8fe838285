"""A valid project with every kind of node, check and sink, that bad input is made of."""

from pathlib import Path

RICH = {
    "headwater.yaml": """\
project: flights
description: Delays
variables: {late_after_min: 15, home: EWR, share: 0.5, known: true}
timezone: America/New_York
defaults: {owner: data@example.org, retries: {attempts: 2, backoff: 1s, max: 2s}, timeout: 5m}
state: sqlite:.headwater/state.db
lake: .headwater/lake
keep: 30d
sites: {hub: {}, ewr: {labels: {region: east}}, jfk: {}}
environments:
  dev: {window: 30d, as_of: 2013-01-05}
  prod: {protected: true, approvals: 1, variables: {late_after_min: 20}}
  staging: {}
  pr: {template: true, from: prod, expires: 7d}
""",
    "flights.yaml": """\
sources:
  flights:
    connector: files
    path: "data/{site}/*.csv"
    format: csv
    at: [ewr, jfk]
    time: time_hour
    start: 2013-01-01
    end: 2014-01-01
    columns: &columns
      time_hour: {type: timestamptz, required: true, description: "hour: of departure"}
      origin: text
      carrier: {type: text, class: internal}
      delay: {type: double, unit: min}
    on_vanish: keep
    checks: [{not_null: [origin]}, {accepted_values: {origin: [EWR, JFK]}, on_fail: warn}]
  carriers:
    connector: files
    path: data/carriers.csv
    columns: {carrier: {type: text, required: true}, name: text}
models:
  summary:
    kind: view
    sql: |
      SELECT origin, count(*) AS n, sum(late) AS late
      FROM daily
      GROUP BY ALL
sinks:
  board:
    from: summary
    connector: csv
    path: out/board
    mode: replace
    in: [dev, prod]
  days:
    from: daily
    connector: duckdb
    path: out/days.duckdb
    table: daily
    mode: merge
    key: [flight_date, origin]
    in: [dev]
    targets: {staging: {path: out/staging.duckdb}}
    after_rollback: reload
keys: {crm: {secret: "${env:CRM_KEY}", at: [ewr]}}
policies:
  late-share:
    ship: [delay]
    from: flights@jfk
    to: [hub]
    where: "delay IS NOT NULL"
    as: {aggregates: [sum, avg], by: {day: "date_trunc('day', time_hour)", carrier: carrier}, unit: origin, min_group: 20}
  tokens: {ship: [carrier, origin], from: flights, to: [hub, jfk], as: {transform: hmac, on: [carrier], key: crm}}
  stays: {deny: {class: internal, to: "!hub", even: [token]}}
  year: {retain: {class: internal, for: 365d}}
policy_tests:
  carriers stay: {plan: SELECT carrier FROM flights, at: hub, expect: refused, because: carrier}
tests:
  a late flight counts:
    model: daily
    now: 2013-01-03T00:00:00Z
    slot: [2013-01-01, 2013-01-02]
    given: {clean.flights: [{flight_date: 2013-01-01, origin: EWR, carrier: UA, delay: 30.0, moment: "2013-01-01T10:00:00Z"}]}
    expect: {rows: [{origin: EWR, n: 1, late: 1}], ordered: true, tolerance: 1e-6}
""",
    "models/parsed.sql": """\
/* headwater
kind: inline
*/
SELECT time_hour AS moment, upper(origin) AS origin, carrier, delay FROM flights
""",
    "models/clean/flights.sql": """\
/* headwater
description: Clean
kind: incremental   # by day
time: flight_date
every: 1d
lookback: 2d
start: 2013-01-01
tags: [ops]
checks:
  - accepted_range: {column: delay, min: -100, max: 1000, on_fail: warn}
  - expression: {sql: "delay IS NULL OR delay > -100", name: sane, on_fail: quarantine}
  - references: {column: carrier, to: carriers.carrier, on_fail: warn}
*/
SELECT CAST(p.moment AS DATE) AS flight_date, p.moment, p.origin, p.carrier, p.delay
FROM parsed AS p -- parsed: 'once'
WHERE p.moment >= $start AND p.moment < $end
""",
    "models/daily.sql": """\
/* headwater
kind: incremental
time: flight_date
every: 1d
start: 2013-01-01
reads: {clean.flights: {before: 6h}}
grain: [flight_date, origin]
columns: {n: {type: bigint, unit: flights}}
checks: [{row_count: {min: 0}}, {query: {sql: "SELECT * FROM daily WHERE n < 0", name: none negative}}]
*/
WITH counted AS (
    SELECT flight_date, origin, delay, row_number() OVER (PARTITION BY flight_date, origin ORDER BY moment) AS nth
    FROM clean.flights
    WHERE flight_date >= $start AND flight_date < $end
)
SELECT flight_date, origin, count(*) AS n, count(*) FILTER (is_late(delay, $late_after_min)) AS late
FROM counted AS c
GROUP BY ALL
""",
    "models/score.py": """\
import headwater as hw
from scoring import weights

@hw.model(kind="full", inputs={"rows": "daily", "carriers": "carriers"}, columns={"origin": "text", "score": "double"},
          checks=[hw.not_null("origin"), hw.accepted_range("score", min=-1, max=1000)], timeout="5m", memory="1GiB")
def score(rows, carriers, run: hw.Run):
    import pyarrow as pa
    print("scoring")
    return pa.table({"origin": rows["origin"], "score": [weights[0] * n.as_py() / 1.0 for n in rows["n"]]},
                    schema=pa.schema({"origin": pa.string(), "score": pa.float64()}))
""",
    "python/scoring.py": "weights = [1, 2]\n",
    "functions/units.sql": (
        "CREATE MACRO is_late(delay, minutes) AS coalesce(delay, 0) > minutes;\n"
        "CREATE OR REPLACE MACRO best(many) AS TABLE SELECT * FROM summary ORDER BY late LIMIT many;\n"
    ),
    "models/top.sql": "SELECT t.origin, t.n FROM best(3) AS t JOIN carriers AS c ON c.carrier = 'UA' WHERE $known\n",
    "data/ewr/1.csv": (
        "time_hour,origin,carrier,delay\n"
        "2013-01-01 10:00:00-05,EWR,UA,30\n2013-01-01 11:00:00-05,EWR,AA,\n2013-01-02 10:00:00-05,EWR,UA,2.5\n"
    ),
    "data/jfk/1.csv": "time_hour,origin,carrier,delay\n2013-01-03 10:00:00-05,JFK,DL,-3\n2013-01-04 10:00:00-05,JFK,UA,60\n",
    "data/carriers.csv": "carrier,name\nUA,United\nAA,American\nDL,Delta\n",
}
"""Path → text."""


def write(root: Path, files: dict[str, str] = RICH) -> Path:
    """Write the files of a project; give its directory."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root
