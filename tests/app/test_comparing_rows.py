"""Rows of two environments, or two releases, compared: what is said of them, and what need not be read for it."""

import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.compared_sides import Point
from headwater.app.comparing_rows import ColumnChange, Wanted, compare_rows
from headwater.diagnostics import HeadwaterError
from tests.harness import Project

COLUMNS = {"day": "date", "k": "bigint", "v": "double", "who": {"type": "text", "class": "pii.name"}}
DAILY = "SELECT day, k, v, who FROM raw WHERE day >= $start AND day < $end"
DAYS = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]
DEV, PROD = Point("dev"), Point("prod")


def declare(project, **header):
    project.source("raw", COLUMNS, time="day", start="2024-01-01", end="2024-01-04")
    project.model("daily", DAILY, kind="incremental", time="day", every="1d", **header)
    project.settings(environments={"dev": {}, "prod": {}})
    return project


def day(project, number, *rows):
    """One file a day, so that a rewritten file moves one slot."""
    project.file("raw", f"{number}.csv", COLUMNS, [(DAYS[number], *row) for row in rows])


@pytest.fixture
def shop(project):
    declare(project, grain=["day", "k"])
    day(project, 0, (1, 1.5, "ann"), (2, 2.5, "bob"))
    day(project, 1, (1, 3.5, "ann"))
    project.apply("dev")
    project.apply("prod")
    return project


def diff(project, node="daily", a=PROD, b=DEV, **wanted):
    return compare_rows(project.workspace, node, a, b, Wanted(**wanted))


def shown(sample):
    return [tuple(row.values()) for row in sample.table.to_pylist()]


def test_environments_with_the_same_fills_are_the_same_unread(shop):
    for path in (shop.root / ".headwater/lake").rglob("*.parquet"):
        path.unlink()
    found = diff(shop)
    assert (found.is_same, found.shared, found.read, found.answer) == (True, 3, 0, None)
    assert (found.rows_a, found.rows_b) == (3, 3)


def test_only_fills_that_differ_are_read(shop):
    day(shop, 1, (1, 9.5, "ann"), (3, 4.5, "cid"))
    shop.run("dev")
    fills = shop.head("dev").entries_of("daily")
    shared = fills["hub", "2024-01-01T00:00:00Z"].fill
    for path in (shop.root / ".headwater/lake").rglob(f"{shared}*.parquet"):
        path.write_bytes(b"damaged")
    found = diff(shop)
    assert (found.shared, found.read, found.shared_rows) == (2, 2, 2)
    assert (found.answer.only_a, found.answer.only_b, found.answer.differing, found.in_both) == (0, 1, 1, 3)
    assert found.answer.by_column == (1, 0)


def test_a_change_of_code_that_gives_the_same_bytes_is_seen_by_their_hashes(shop):
    shop.model("daily", DAILY.replace("k, v", "k, v + 0 * k AS v"), kind="incremental", time="day", every="1d")
    shop.apply("dev")
    found = diff(shop)
    assert found.version_a != found.version_b
    assert (found.is_same, found.shared, found.read) == (True, 3, 0)


def test_the_grain_is_the_key_and_is_known_to_be_checked(shop):
    assert (diff(shop).key, diff(shop).is_key_checked) == (("day", "k"), True)
    assert (diff(shop, key=("v",)).key, diff(shop, key=("V",)).is_key_checked) == (("v",), False)


def test_a_key_that_moves_between_slots_is_found(shop):
    day(shop, 0, (1, 1.5, "ann"))
    day(shop, 1, (1, 3.5, "ann"), (2, 2.5, "bob"))
    shop.run("dev")
    found = diff(shop, key=("k",))
    assert (found.answer.only_a, found.answer.only_b, found.answer.differing) == (0, 0, 1)
    assert found.answer.by_column == (1, 0, 0)  # its day


def test_what_stands_in_a_shared_slot_has_its_row_there(shop):
    day(shop, 2, (1, 1.5, "ann"))
    shop.run("dev")
    found = diff(shop, key=("k",))
    assert (found.shared, found.answer.only_a, found.answer.only_b) == (2, 0, 1)
    assert not found.is_key_checked


def test_columns_that_come_go_and_change_their_type(shop):
    shop.model("daily", DAILY.replace("v, who", "v::DECIMAL(9,2) AS v, 'x' AS note"), kind="incremental",
               time="day", every="1d", grain=["day", "k"])  # fmt: skip
    shop.apply("dev")
    found = diff(shop)
    assert found.schema == (
        ColumnChange(name="v", type_a="DOUBLE", type_b="DECIMAL(9,2)"),
        ColumnChange(name="who", type_a="VARCHAR"),
        ColumnChange(name="note", type_b="VARCHAR"),
    )
    assert (found.is_same, found.answer.differing, found.answer.only_a) == (False, 0, 0)


def test_types_without_a_common_one_are_compared_as_text(shop):
    shop.model("daily", DAILY.replace("k, v", "k, {'v': v} AS v"), kind="incremental", time="day", every="1d")
    shop.apply("dev")
    assert diff(shop, key=("day", "k")).answer.by_column == (3, 0)


def test_floats_may_differ_by_a_tolerance(shop):
    shop.model("daily", DAILY.replace("k, v", "k, v + 0.01 AS v"), kind="incremental", time="day", every="1d")
    shop.apply("dev")
    key = ("day", "k")
    assert diff(shop, key=key).answer.differing == 3
    assert diff(shop, key=key, tolerance=0.011).is_same
    assert diff(shop, key=key, tolerance=0.009).answer.differing == 3


def test_a_tolerance_needs_a_key(project):
    declare(project)
    project.apply("dev")
    project.apply("prod")
    with pytest.raises(HeadwaterError, match="no key"):
        diff(project, tolerance=0.1)


def test_personal_data_is_masked_unless_asked_for(shop):
    day(shop, 1, (1, 3.5, "eve"))
    shop.run("dev")
    assert shown(diff(shop).answer.sample_pairs) == [(DAYS[1], 1, 3.5, 3.5, True, "•••", "•••", False)]
    assert shown(diff(shop, shows_personal=True).answer.sample_pairs)[0][-3:-1] == ("ann", "eve")


def test_what_is_made_of_personal_data_is_masked_too(shop):
    shop.model("upper", "SELECT k, day, upper(who) AS name, {'w': who} AS s, v FROM daily")
    shop.model("counts", "SELECT count(DISTINCT who) AS people, k FROM daily GROUP BY k",
               columns={"people": {"class": "public"}})  # fmt: skip
    shop.apply("dev")
    shop.apply("prod")
    day(shop, 1, (1, 3.5, "eve"))
    shop.run("dev")
    assert [c.name for c in diff(shop, "upper").columns if c.is_masked] == ["name", "s"]
    assert [c.name for c in diff(shop, "counts").columns if c.is_masked] == []


def test_views_are_computed_on_both_sides(shop):
    shop.model("sums", "SELECT k, sum(v) AS total FROM daily GROUP BY k", kind="view")
    shop.apply("dev")
    shop.apply("prod")
    assert diff(shop, "sums", key=("k",)).is_same
    day(shop, 1, (1, 4.5, "ann"))
    shop.run("dev")
    found = diff(shop, "sums", key=("k",))
    assert (found.rows_a, found.rows_b, found.answer.differing, found.answer.by_column) == (2, 2, 1, (1,))


def test_two_releases_of_an_environment_are_compared(shop):
    before = shop.head("dev").release
    day(shop, 1, (1, 4.5, "ann"))
    shop.run("dev")
    after = shop.head("dev").release
    day(shop, 1, (1, 5.5, "ann"))
    shop.run("dev")
    found = diff(shop, a=Point("dev", before), b=Point("dev", after), shows_personal=True)
    assert shown(found.answer.sample_pairs)[0][2:5] == (3.5, 4.5, False)
    assert (found.shared, found.read) == (2, 2)
    assert shown(diff(shop, a=Point("dev", before), b=DEV).answer.sample_pairs)[0][2:5] == (3.5, 5.5, False)


@pytest.mark.parametrize(
    ("node", "wanted", "code"),
    [
        ("dayly", {}, "HW0563"),
        ("raw", {}, "HW0563"),
        ("daily", {"key": ("kk",)}, "HW0685"),
    ],
)
def test_what_cannot_be_compared(shop, node, wanted, code):
    with pytest.raises(HeadwaterError) as caught:
        diff(shop, node, **wanted)
    assert [d.code for d in caught.value.diagnostics] == [code]


VALUES = st.sampled_from([None, 0.0, -0.0, 1.0, 1.5, float("nan"), float("inf"), -1.0])
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), VALUES, st.sampled_from([None, "a", "b"])), max_size=5)
KEYED = st.dictionaries(st.integers(0, 4), st.tuples(VALUES, st.sampled_from([None, "a", "b"])), max_size=4)
NESTED = "SELECT day, k, v, who, [v, 1.0] AS list, {'v': v, 'who': who} AS pair, map([1], [who]) AS map FROM raw"


def two_environments(root, before, after):
    """dev has the rows of ``after``; prod those of ``before``: days whose rows are the same stay one fill."""
    project = declare(Project(Path(root)))
    where = "WHERE day >= $start AND day < $end"
    project.model("daily", f"{NESTED} {where}", kind="incremental", time="day", every="1d")
    for number, rows in enumerate(before):
        day(project, number, *rows)
    project.apply("dev")
    project.apply("prod")
    for number, rows in enumerate(after):
        if repr(rows) != repr(before[number]):
            day(project, number, *rows)
    project.run("dev")
    return project


def whole(project, environment):
    from headwater.app.reading import read

    return read(project.workspace, "SELECT * FROM daily", environment).table


def compared_by_hand(project, sql):
    a, b = whole(project, "prod"), whole(project, "dev")
    with duckdb.connect() as connection:
        connection.register("a", a)
        connection.register("b", b)
        return connection.execute(sql).fetchone()


@settings(max_examples=20)
@given(st.lists(ROWS, min_size=3, max_size=3), st.lists(ROWS, min_size=3, max_size=3))
def test_rows_differ_as_a_full_comparison_says(before, after):
    with tempfile.TemporaryDirectory() as root:
        project = two_environments(root, before, after)
        try:
            sql = "SELECT (SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)), (SELECT count(*) FROM (FROM b EXCEPT ALL FROM a))"
            more_a, more_b = compared_by_hand(project, sql)
            found = diff(project, shows_personal=True)
            answer = found.answer
            assert ((answer.only_a, answer.only_b) if answer else (0, 0)) == (more_a, more_b)
            paired = diff(project, key=("k",)).answer
            if paired:
                assert (paired.only_a + paired.differing, paired.only_b + paired.differing) == (more_a, more_b)
            unchanged = sum(repr(x) == repr(y) for x, y in zip(before, after, strict=True))
            assert found.shared >= unchanged
        finally:
            project.reopen()


@settings(max_examples=20)
@given(st.lists(KEYED, min_size=3, max_size=3), st.lists(KEYED, min_size=3, max_size=3))
def test_keys_differ_as_a_full_comparison_says(before, after):
    sides = [[[(k, *rest) for k, rest in rows.items()] for rows in side] for side in (before, after)]
    with tempfile.TemporaryDirectory() as root:
        project = two_environments(root, *sides)
        try:
            differs = [f"a.{c} IS DISTINCT FROM b.{c}" for c in ("v", "who", "list", "pair", "map")]
            counts = ["a.k IS NULL", "b.k IS NULL", f"a.k = b.k AND ({' OR '.join(differs)})", "a.k = b.k"]
            counts += [f"a.k = b.k AND {each}" for each in differs]
            only = ", ".join(f"count(*) FILTER (WHERE {each})" for each in counts)
            only_b, only_a, differing, both, *columns = compared_by_hand(
                project, f"SELECT {only} FROM a FULL JOIN b ON a.day = b.day AND a.k = b.k"
            )
            found = diff(project, key=("day", "k"))
            answer = found.answer
            if answer is None:
                assert (only_a, only_b, differing) == (0, 0, 0)
                return
            assert (answer.only_a, answer.only_b, answer.differing, found.in_both) == (only_a, only_b, differing, both)
            assert answer.by_column == tuple(columns)
            assert answer.repeated_keys == 0
        finally:
            project.reopen()


def test_slots_from_before_a_forward_change_stay_shared(project):
    declare(project, on_change="forward")
    day(project, 0, (1, 1.5, "ann"))
    project.apply("dev")
    project.apply("prod")
    project.model("daily", DAILY.replace("who", "who, k + 1 AS next"), kind="incremental", time="day", every="1d",
                  on_change="forward")  # fmt: skip
    project.apply("dev")
    day(project, 1, (2, 2.5, "bob"))
    project.run("dev")
    found = diff(project, key=("k",))
    assert found.schema == (ColumnChange(name="next", type_b="BIGINT"),)
    assert (found.shared, found.read, found.answer.only_b, found.answer.differing) == (2, 2, 1, 0)


def test_packed_slots_are_shared_and_compared(project):
    declare(project)
    project.settings(compact={"after": 2})
    for number in range(3):
        day(project, number, (number, 1.5, "ann"))
    project.apply("dev")
    project.apply("prod")
    day(project, 1, (1, 9.5, "ann"))
    project.run("dev")
    found = diff(project, key=("k",))
    assert (found.shared, found.answer.only_a, found.answer.only_b, found.answer.differing) == (2, 0, 0, 1)
