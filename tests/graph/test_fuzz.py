"""Whatever stands in a model, compiling it ends in a graph or in diagnostics, never in a traceback."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sql.text import tokens
from tests.graph.conftest import Code
from tests.sql.forms import form
from tests.sql.near_misses import FAMILIES, members

POOL = [sql for family in FAMILIES for _, sql in members(family)[::11]]


def compiled(sql: str, **settings: object) -> None:
    code = Code()
    code.source("t", "id integer, a integer, b double, s text, ts timestamp", time="ts", start="2024-01-01")
    code.source("u", "id integer, a integer, z text")
    code.variables = {"late": 15}
    code.model("m", sql, **settings)
    graph, found = code.result()
    assert (graph is None) == bool(found)
    assert all(d.where is None or (d.where.line > 0 and d.where.column > 0) for d in found)


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    compiled(text)


@given(st.sampled_from(POOL), st.integers(0, 2**32))
def test_mutated_queries(sql: str, seed: int) -> None:
    rng = random.Random(seed)
    parts = [token.text for token in tokens(sql)]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(parts))
        parts[at : at + rng.randint(0, 2)] = rng.choice(
            [[], ["("], [")"], [rng.choice(parts)], ["$late"], ["*"], ["'"], ["now()"]]
        )
        parts = parts or [" "]
    compiled("".join(parts), kind="incremental", time=rng.choice(["ts", "x", "a"]), every=rng.choice(["1h", "1d"]))


@given(st.sampled_from(POOL), st.integers(0, 2**32))
def test_layout_never_changes_a_form(sql: str, seed: int) -> None:
    rng = random.Random(seed)
    layout = [" ", "\n", "\t", " /* c */ ", " -- c\n", "  "]
    laid_out = "".join(rng.choice(layout) if token.kind == "space" else token.text for token in tokens(sql))
    assert form(laid_out) == form(sql)


@pytest.mark.parametrize("terms", [300, 900, 3000])
def test_long_sums(terms: int) -> None:
    compiled("SELECT " + " + ".join(["a"] * terms) + " AS x FROM t")


@pytest.mark.parametrize("depth", [50, 400])
def test_deep_subqueries(depth: int) -> None:
    compiled("SELECT a FROM " + "(SELECT a FROM " * depth + "t" + ")" * depth)


def test_many_common_table_expressions_used_twice_each() -> None:
    ctes = ["c0 AS (SELECT a FROM t)"]
    ctes += [f"c{n} AS (SELECT x.a + y.a AS a FROM c{n - 1} AS x JOIN c{n - 1} AS y USING (a))" for n in range(1, 40)]
    compiled(f"WITH {', '.join(ctes)} SELECT a FROM c39")
    by_time = [
        each.replace("SELECT a FROM t", "SELECT ts, a FROM t").replace("SELECT x", "SELECT ts, x") for each in ctes
    ]
    by_time = [each.replace("USING (a)", "USING (ts)") for each in by_time]
    compiled(f"WITH {', '.join(by_time)} SELECT ts, a FROM c39", kind="incremental", time="ts", every="1d")
