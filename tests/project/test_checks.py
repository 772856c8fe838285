"""Checks as people write them."""

from typing import Any

import pytest

from headwater.spec import checks as c
from tests.project.making import Files


def read(files: Files, text: str) -> tuple[Any, ...]:
    return files.write("a.yaml", f"models: {{a: {{sql: SELECT 1, checks: [{text}]}}}}").project.models["a"].checks


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("not_null: [a, b]", c.NotNull(columns=("a", "b"))),
        ("not_null: a", c.NotNull(columns=("a",))),
        ("not_null: {columns: [a], on_fail: warn}", c.NotNull(columns=("a",), on_fail="warn")),
        ("{not_null: [a], on_fail: quarantine, where: b}", c.NotNull(columns=("a",), on_fail="quarantine", where="b")),
        ("unique: [a, b]", c.Unique(columns=("a", "b"))),
        ("accepted_values: {a: [x, 1, true]}", c.AcceptedValues(column="a", values=("x", 1, True))),
        ("accepted_values: {column: a, values: [x]}", c.AcceptedValues(column="a", values=("x",))),
        ("accepted_values: {a: [x], on_fail: warn}", c.AcceptedValues(column="a", values=("x",), on_fail="warn")),
        ("accepted_range: {column: a, min: 0, max: 0.5}", c.AcceptedRange(column="a", min=0, max=0.5)),
        ("accepted_range: {column: a, min: 2013-01-01}", c.AcceptedRange(column="a", min="2013-01-01")),
        ("matches: {column: a, pattern: '^x$'}", c.Matches(column="a", pattern="^x$")),
        ("row_count: {min: 1}", c.RowCount(min=1)),
        ("freshness: {column: a, within: 2h}", c.Freshness(column="a", within="2h")),
        ("references: {column: a, to: b.c}", c.References(column="a", to="b.c")),
        ('expression: "a > b"', c.Expression(sql="a > b")),
        ("expression: {sql: a > b, name: more}", c.Expression(sql="a > b", name="more")),
        ("query: {sql: SELECT 1, name: none}", c.Query(sql="SELECT 1", name="none")),
        ("schema: exact", c.Schema(mode="exact")),
    ],
)
def test_a_check_is_read_as_written(text: str, check: c.AnyCheck, files: Files) -> None:
    assert read(files, text) == (check,)


def test_one_element_may_name_several_columns_and_their_values(files: Files) -> None:
    assert [check.column for check in read(files, "accepted_values: {a: [1], b: [2]}")] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not_nul: [a]", "HW0127"),
        ("on_fail: warn", "HW0111"),
        ("{not_null: [a], on_fail: explode}", "HW0112"),
        ("not_null: {column: a}", "HW0109"),
        ("not_null: []", "HW0112"),
        ("accepted_values: {on_fail: warn}", "HW0111"),
        ("accepted_values: {a: {b: c}}", "HW0110"),
        ("accepted_range: {column: a}", "HW0112"),
        ("accepted_range: {column: a, min: 2, max: 1}", "HW0112"),
        ("row_count: 5", "HW0110"),
        ("freshness: {column: a, within: soon}", "HW0112"),
        ("expression: 5", "HW0110"),
        ("schema: strict", "HW0112"),
        ("a", "HW0110"),
    ],
)
def test_a_check_that_cannot_be_is_a_mistake(text: str, code: str, files: Files) -> None:
    files.write("a.yaml", f"models: {{a: {{sql: SELECT 1, checks: [{text}]}}}}")
    assert " ".join(sorted(d.code for d in files.load()[1])) == code


def test_an_unknown_check_comes_with_the_one_that_was_meant(files: Files) -> None:
    files.write("a.yaml", "models:\n  a:\n    sql: SELECT 1\n    checks:\n      - not_nul: [a]\n")
    assert files.mistake.hint == "did you mean `not_null`?"
    assert str(files.mistake.where) == "a.yaml:5:9"


def test_a_check_knows_its_place(files: Files) -> None:
    files.write("models/a.sql", "/* headwater\nchecks:\n  - not_null: [x, y]\n  - expression: {sql: z}\n*/\nSELECT 1")
    first, second = files.project.models["a"].checks
    assert str(first.at.where) == "models/a.sql:3:5"
    assert str(first.at.of("columns.1")) == "models/a.sql:3:19"
    assert str(second.at.of("sql")) == "models/a.sql:4:23"
