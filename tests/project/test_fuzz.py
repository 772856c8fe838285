"""Whatever is done to the files of a valid project, loading gives a project or says what is wrong: it never raises."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.diagnostics import CATALOGUE
from tests.project.making import Files

MUTATIONS_PER_SEED = 500
SEEDS = range(12)

PROJECT = {
    "headwater.yaml": """
project: flights
description: Delays
variables: {late_after_min: 15, who: "${env:WHO}"}
timezone: America/New_York
defaults: {owner: data@example.org, retries: {attempts: 4, backoff: 2s, max: 5m}, timeout: 1h}
state: sqlite:.headwater/state.db
keep: 30d
sites:
  hub: {jurisdiction: us}
  ewr: {labels: {region: east}, jurisdiction: us, runtime: local, root: ewr, capacity: 3}
  jfk: {jurisdiction: ny}
environments:
  dev: {window: 30d, as_of: 2013-12-31}
  prod: {protected: true, approvals: 1, variables: {late_after_min: 20}}
  pr: {template: true, from: prod, expires: 7d}
""",
    "flights.yaml": """
sources:
  flights:
    connector: files
    path: "data/{site}/*.csv.gz"
    delimiter: ";"
    at: [ewr, jfk]
    partition: {origin: airports}
    time: time_hour
    start: 2013-01-01
    end: 2014-01-01T05:00:00+01:00
    columns: &columns
      time_hour: {type: timestamptz, required: true, description: "hour: of departure"}
      origin: {type: text, required: true, class: internal}
  more: {connector: files, path: x.csv, at: all, replicated: true, columns: *columns}
models:
  summary:
    kind: view
    checks: [{not_null: [origin]}, {accepted_values: {origin: [EWR, JFK]}, on_fail: warn}]
    sql: |
      SELECT origin, count(*) AS n
      FROM clean.flights
      GROUP BY ALL;
sinks:
  board:
    from: summary
    connector: duckdb
    path: out/board.duckdb
    table: summary
    mode: merge
    key: [origin]
    in: prod
    targets: {staging: {path: out/staging.duckdb}}
pipelines: {morning: {select: [+board], publish: together}}
keys: {crm: {secret: "${env:CRM_KEY}", at: [jfk]}}
policies:
  totals:
    ship: [origin]
    from: flights@ny
    to: [hub]
    where: "time_hour >= $now - INTERVAL 90 DAY"
    as: {aggregates: [count, approx_distinct], by: {day: "time_hour::date"}, unit: origin, min_group: 5, key: crm}
  tokens: {ship: [origin], from: flights@jfk, to: us, as: {transform: hmac, on: [origin], key: crm, length: 8, step: x}}
  released: {ship: [origin], from: clean.flights@ewr, to: [ny], classes: [internal]}
  stays: {deny: {class: pii, to: ["!us"], even: [token]}}
  year: {retain: {class: pii.email, for: 365d, then: delete}}
policy_tests:
  it stays: {plan: SELECT origin FROM flights, at: hub, expect: refused, because: origin, through: {flights: tokens}}
tests:
  counts:
    model: summary
    now: 2013-01-03T00:00:00Z
    slot: [2013-01-01, 2013-01-02]
    given: {clean.flights: [{origin: EWR, delay: null}], planes: {file: planes.csv}}
    expect: {rows: [{origin: EWR, n: 1}], ordered: true, tolerance: 1e-6}
""",
    "models/clean/flights.sql": """/* headwater
description: Clean
kind: incremental   # by day
time: flight_date
every: 1d
lookback: 2d
grain: [flight_date, origin]
reads: {weather: {before: 6h}}
through: {flights: tokens}
checks:
  - accepted_range: {column: delay, min: 0, max: 1, on_fail: warn}
  - expression: {sql: "a >= b", name: more}
  - references: {column: origin, to: airports.code}
*/
SELECT 'a;b', "c", $$d$$ /* e */ FROM flights -- f
WHERE time_hour >= $start;
""",
    "models/score.py": """import headwater as hw
from scoring import weights

@hw.model(kind="full", inputs={"rows": "summary"}, columns={"carrier": "text", "score": "double"},
          checks=[hw.not_null("carrier"), hw.accepted_range("score", min=-1, max=1)], timeout="5m", memory="1GiB")
def score(rows, run: hw.Run):
    return rows
""",
    "python/scoring.py": "from . import deep\nweights = [1, 2]\n",
    "functions/units.sql": "CREATE MACRO km(m) AS m * 1.609;\nCREATE OR REPLACE MACRO t(a) AS TABLE SELECT a;\n",
}
WORDS = [
    *"{}[]:,&*!|>'\"%@`#-?~\n\t\0\r;$", "*/", "/*", "--", "$$", "${", "${env:", "<<: *columns", "&a [*a]", "!!python/object:x {}",
    "null", "true", "1e999", "-1", "9" * 400, "99999999999d", "0001-01-01T00:00:00+14:00", "2013-13-45", "\ufeff", "é", "\u202e", "👾",
    "\ud7ff", "---\n", "...\n", "? [a]\n: b\n", "x" * 300, "[" * 200, "{a: " * 120, "- " * 500, " " * 200, "columns: *columns",
    "a; DROP TABLE x", "at: all", "kind: histroy", "name:", "lambda: 0", "import os", "**x", "f'{x}'", "def f(): ...", "\\", "\\ud800",
]  # fmt: skip

Mutation = Callable[[random.Random, bytes], bytes]


def insert_word(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(WORDS).encode(errors="replace") + text[at:]


def insert_byte(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + bytes([chance.randrange(256)]) + text[at:]


def delete_piece(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice([1, 2, 5, 30]) :]


def cut_off(chance: random.Random, text: bytes) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def change_lines(chance: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    change = chance.randrange(4)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines.insert(other, lines[at])
    elif change == 2:
        lines[at] = b"  " + lines[at]
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


def swap_words(chance: random.Random, text: bytes) -> bytes:
    words = text.split(b" ")
    at, other = chance.randrange(len(words)), chance.randrange(len(words))
    words[at] = words[other]
    return b" ".join(words)


def line_ends(chance: random.Random, text: bytes) -> bytes:
    return text.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xc2\x85"]))


MUTATIONS: list[Mutation] = [insert_word, insert_byte, delete_piece, cut_off, change_lines, swap_words, line_ends]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_project_gives_a_project_or_diagnostics(seed: int, tmp_path: Path) -> None:
    chance, files = random.Random(seed), Files(tmp_path)
    for path, text in PROJECT.items():
        files.write(path, text)
    for number in range(MUTATIONS_PER_SEED):
        path = chance.choice(list(PROJECT))
        content = PROJECT[path].encode()
        for _ in range(chance.choice([1, 1, 2, 4])):
            content = chance.choice(MUTATIONS)(chance, content)
        files.write(path, content)
        check_result(files, (seed, number, path, content))
        files.write(path, PROJECT[path])


def check_result(files: Files, what: object) -> None:
    try:
        project, found = files.load()
    except Exception as problem:
        raise AssertionError(f"loading raised for {what!r}") from problem
    assert project is not None or found, what
    for diagnostic in found:
        assert diagnostic.code in CATALOGUE, what
        assert diagnostic.where is not None, what
        assert diagnostic.message.isprintable(), (what, diagnostic)
        assert diagnostic.hint.isprintable(), (what, diagnostic)


def test_the_project_that_is_mutated_is_valid(files: Files) -> None:
    for path, text in PROJECT.items():
        files.write(path, text)
    assert set(files.project.models) == {"clean.flights", "summary", "score"}
