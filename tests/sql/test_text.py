"""SQL as text: tokens, parameters, statements, literals."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sql.text import (
    bind_parameters,
    canonical_tokens,
    literal,
    parameters,
    quote_identifier,
    quote_literal,
    rewrite,
    split_statements,
    time_literal,
    tokens,
)

NOW = "CAST('2024-01-02 03:04:05+00' AS TIMESTAMPTZ)"


@given(st.text())
def test_tokens_put_together_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@pytest.mark.parametrize(
    ("sql", "bound"),
    [
        ("SELECT $a", "SELECT 1"),
        ("SELECT $A + $a", "SELECT 1 + 1"),
        ("SELECT '$a', \"$a\" -- $a", "SELECT '$a', \"$a\" -- $a"),
        ("SELECT /* $a /* $a */ $a */ $a", "SELECT /* $a /* $a */ $a */ 1"),
        ("SELECT $$ $a $$, $q$ $a $q$", "SELECT $$ $a $$, $q$ $a $q$"),
        ("SELECT E'\\'$a', 'it''s $a'", "SELECT E'\\'$a', 'it''s $a'"),
        ("SELECT x$a, $ab", "SELECT x$a, $ab"),
        ("SELECT now(), NOW ( )", f"SELECT {NOW}, {NOW}"),
        ("SELECT current_timestamp", f"SELECT {NOW}"),
        ("SELECT today(), current_date", f"SELECT CAST({NOW} AS DATE), CAST({NOW} AS DATE)"),
        ("SELECT t.now, \"now\", 'now()' AS now", "SELECT t.now, \"now\", 'now()' AS now"),
        ("SELECT 1 AS current_date", "SELECT 1 AS current_date"),
        ("SELECT now, today FROM t", "SELECT now, today FROM t"),
    ],
)
def test_parameters_become_literals_outside_of_strings_comments_and_names(sql: str, bound: str) -> None:
    assert bind_parameters(sql, {"a": "1", "now": NOW}) == bound


def test_a_variable_is_found_whatever_its_case() -> None:
    assert bind_parameters("SELECT $late", {"Late": "1"}) == "SELECT 1"


def test_parameters_are_listed_with_their_places() -> None:
    assert parameters("SELECT $a, '$b', $C") == [("a", 7), ("c", 17)]


@given(st.lists(st.sampled_from(["$a", "$bb", " ", "+", "'$a'", "x", "now()"]), max_size=12))
def test_places_are_found_again_after_replacement(parts: list[str]) -> None:
    sql = " ".join(parts)
    done = rewrite(sql, {"a": "1234567", "bb": "", "now": NOW})
    for token in tokens(sql):
        if token.text == "x":
            assert any(done.text[at] == "x" and done.original(at) == token.offset for at in range(len(done.text)))


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        ("-- nothing\n;;", []),
        ("SELECT 1; SELECT 2;", [(0, "SELECT 1"), (10, "SELECT 2")]),
        ("/* ; */ SELECT ';' -- ;\n", [(8, "SELECT ';'")]),
        ('SELECT ";"; SELECT $$;$$', [(0, 'SELECT ";"'), (12, "SELECT $$;$$")]),
        ("SELECT 'open; ", [(0, "SELECT 'open; ")]),
    ],
)
def test_scripts_are_cut_at_their_semicolons(script: str, statements: list[tuple[int, str]]) -> None:
    assert split_statements(script) == statements


VALUES = [
    None, True, 0, -5, 2**70, 1.5, float("inf"), "it's", "", b"\x00\xff", date(2024, 1, 2), time(3, 4, 5),
    datetime(2024, 1, 2, 3, 4, 5, 6), datetime(2024, 1, 2, tzinfo=UTC), Decimal("1.50"), timedelta(hours=3), [1, 2],
    {"a b": 1},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_literal_means_its_value(value: object) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if isinstance(value, datetime) and value.tzinfo:
        found = connection.execute(f"SELECT epoch_us({literal(value)})").fetchone()[0]
        assert found == value.timestamp() * 1_000_000
    else:
        assert connection.execute(f"SELECT {literal(value)}").fetchone()[0] == value


def test_literals_bind_tightly() -> None:
    assert duckdb.sql(f"SELECT 1-{literal(-2)}").fetchone() == (3,)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_quoted_text_and_names_come_back(text: str) -> None:
    relation = duckdb.connect().execute(f"SELECT {quote_literal(text)} AS {quote_identifier(text)}")
    assert (relation.description[0][0], relation.fetchone()) == (text, (text,))


@pytest.mark.parametrize(
    ("type_", "zone", "expected"),
    [
        ("DATE", "UTC", "CAST('2024-01-01' AS DATE)"),
        ("DATE", "America/New_York", "CAST('2023-12-31' AS DATE)"),
        ("TIMESTAMP", "Europe/Berlin", "CAST('2024-01-01 04:00:00' AS TIMESTAMP)"),
        ("TIMESTAMP WITH TIME ZONE", "Europe/Berlin", "CAST('2024-01-01 03:00:00+00:00' AS TIMESTAMPTZ)"),
    ],
)
def test_bounds_have_the_type_of_the_time_column(type_: str, zone: str, expected: str) -> None:
    assert time_literal(datetime(2024, 1, 1, 3, tzinfo=UTC), type_, zone) == expected


def test_other_types_cannot_bound_time() -> None:
    with pytest.raises(ValueError, match="cannot cut time"):
        time_literal(datetime(2024, 1, 1, tzinfo=UTC), "VARCHAR", "UTC")


def test_layout_and_comments_are_not_canonical() -> None:
    assert canonical_tokens("SELECT  A\n-- b\n FROM t") == canonical_tokens("select a from T")
