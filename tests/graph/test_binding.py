"""DuckDB judges names and types, and reaches nothing outside."""

from pathlib import Path

import pytest

from headwater.run.binding import Binder
from headwater.sql.binding import BindError

RELATIONS = {"clean.flights": (("day", "DATE"), ("delay", "DOUBLE"))}


def test_names_and_types_come_from_the_engine() -> None:
    assert Binder()("SELECT day, avg(delay) AS mean FROM clean.flights GROUP BY day", RELATIONS) == (
        ("day", "DATE"),
        ("mean", "DOUBLE"),
    )


def test_a_relation_may_change_from_call_to_call() -> None:
    binder = Binder()
    assert binder("FROM t", {"t": (("a", "DATE"),)}) == (("a", "DATE"),)
    assert binder("FROM t", {"t": (("b", "VARCHAR"),)}) == (("b", "VARCHAR"),)


def test_each_time_zone_has_a_session() -> None:
    binder = Binder()
    assert binder("SELECT now() AS n", {}, timezone="Europe/Berlin") == binder("SELECT now() AS n", {})


@pytest.mark.parametrize(
    "sql",
    ["FROM '{path}'", "FROM read_csv('{path}')", "SELECT * FROM glob('{path}')", "FROM read_text('{path}')"],
)
def test_no_file_is_read(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    assert isinstance(Binder()(sql.format(path=path), {}), BindError)


def test_an_error_has_its_place_before_parameters_were_replaced() -> None:
    found = Binder()("SELECT $a || 'é' || x FROM clean.flights", RELATIONS, parameters={"a": "'a long literal'"})
    assert isinstance(found, BindError)
    assert (found.kind, found.name, found.offset) == ("missing column", "x", 20)


def test_syntax_errors_have_their_place() -> None:
    found = Binder().parse("SELECT 'é' FRO t x y")
    assert isinstance(found, BindError)
    assert (found.kind, found.offset) == ("syntax", 15)
