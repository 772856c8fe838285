"""What a failing check shows: a few of the rows that fail, without what is not for everybody."""

import pytest

COLUMNS = {"id": "bigint", "price": "double", "email": {"type": "text", "class": "pii.email"}}
ROWS = [(number, -1.0, f"{number}@example.org") for number in range(9)]


def said(project, *checks, rows=ROWS, sql="SELECT id, price, email AS contact FROM raw"):
    project.source("raw", COLUMNS, rows)
    project.model("sales", sql, checks=list(checks))
    (found,) = project.apply(fails=None).diagnostics
    return found.message.split("\n")


def test_up_to_five_rows_that_fail_are_shown(project):
    first, *shown = said(project, {"accepted_range": {"column": "price", "min": 0}})
    assert first == "check `accepted_range(price)` of `sales`: 9 rows fail"
    assert len(shown) == 5


def test_what_is_made_of_a_classified_column_is_covered(project):
    _, shown = said(project, {"accepted_range": {"column": "price", "min": 0}}, rows=ROWS[:1])
    assert shown == '{"id":0,"price":-1.0,"contact":"***"}'


def test_rows_that_are_there_twice_are_shown_with_their_number(project):
    _, shown = said(project, {"unique": ["id"]}, rows=[(1, 1.0, "a"), (1, 2.0, "b")])
    assert shown == '{"id":1,"rows":2}'


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT id FROM this WHERE price < 0", '{"id":0}'),
        ("SELECT upper(contact) AS who, id FROM this WHERE price < 0", '{"who":"***","id":0}'),
    ],
)
def test_a_query_of_ones_own_shows_plain_columns_only(project, sql, expected):
    assert said(project, {"query": {"sql": sql}}, rows=ROWS[:1])[1:] == [expected]


def test_a_count_has_no_rows_to_show(project):
    assert len(said(project, {"row_count": {"min": 100}})) == 1


def test_a_file_of_a_source_that_fails_is_said_as_before(project):
    project.source("raw", COLUMNS, ROWS, checks=[{"accepted_range": {"column": "price", "min": 0}}])
    project.model("sales", "SELECT id FROM raw")
    found = project.apply(fails=True).diagnostics
    assert "check `accepted_range(price)` of `raw`: 9 rows fail" in [each.message for each in found]
