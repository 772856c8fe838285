"""Merge, append and history models: what came is kept slot by slot, what it comes to is a fold of it."""

import pytest

from headwater.diagnostics import Invalid
from headwater.events import Phase
from headwater.run.context import FillBook

PRICES = {"seen": "timestamp", "id": "bigint", "price": "double"}


def prices(project, **files):
    """Files with rows of (seen, id, price)."""
    project.source("prices", PRICES, time="seen", start="2024-01-08")
    for name, rows in files.items():
        project.file("prices", name, list(PRICES), rows)


def test_a_merge_keeps_the_last_row_of_each_key(project):
    project.source(
        "prices",
        PRICES,
        rows=[("2024-01-08 10:00", 1, 2.5), ("2024-01-09 10:00", 1, 3.0), ("2024-01-08 11:00", 2, 9)],
        time="seen",
        start="2024-01-08",
    )
    project.model(
        "latest",
        "SELECT * FROM prices WHERE seen >= $start AND seen < $end",
        kind="merge",
        key=["id"],
        time="seen",
        every="1d",
    )
    project.apply()
    assert project.query("SELECT id, price FROM latest ORDER BY id") == [(1, 3.0), (2, 9.0)]


def test_a_history_says_from_when_to_when(project):
    project.source(
        "prices",
        PRICES,
        rows=[("2024-01-08 10:00", 1, 2.5), ("2024-01-09 10:00", 1, 3.0), ("2024-01-10 09:00", 1, 3.0)],
        time="seen",
        start="2024-01-08",
    )
    project.model(
        "prices_h",
        "SELECT * FROM prices WHERE seen >= $start AND seen < $end",
        kind="history",
        key=["id"],
        time="seen",
        every="1d",
    )
    project.apply()
    assert project.query("SELECT price, valid_from::text, valid_to::text FROM prices_h ORDER BY 2") == [
        (2.5, "2024-01-08 10:00:00", "2024-01-09 10:00:00"),
        (3.0, "2024-01-09 10:00:00", None),
    ]


def test_a_history_of_snapshots_notices_change_and_loss(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100), (2, 200)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 110), (3, 300)])
    project.later(hours=1)
    project.run()
    assert project.query("SELECT id, seats, valid_to IS NULL FROM planes_h ORDER BY 1, 2") == [
        (1, 100, False),
        (1, 110, True),
        (2, 200, False),
        (3, 300, True),
    ]


def chain(project, kind="merge", query="SELECT * FROM prices", **more):
    project.model("chained", query, kind=kind, key=["id"], time="seen", every="1d", **more)


def test_a_late_change_is_put_where_it_belongs(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1), ("2024-01-10 10:00", 1, 3)]})
    chain(project, "history")
    project.apply()
    project.file("prices", "late.csv", list(PRICES), [("2024-01-09 10:00", 1, 2)])
    project.run()
    assert project.query("SELECT price, valid_from::date::text, valid_to::date::text FROM chained ORDER BY 1") == [
        (1.0, "2024-01-08", "2024-01-09"),
        (2.0, "2024-01-09", "2024-01-10"),
        (3.0, "2024-01-10", None),
    ]


def test_a_row_that_says_deleted_ends_its_key(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1), ("2024-01-09 10:00", 1, -1), ("2024-01-08 10:00", 2, 5)]})
    chain(project, "merge", deleted="price < 0")
    project.model("h", "SELECT * FROM prices", kind="history", key=["id"], time="seen", every="1d", deleted="price < 0")
    project.apply()
    assert project.query("SELECT id FROM chained") == [(2,)]
    assert project.query("SELECT id, valid_to::date::text FROM h ORDER BY 1") == [(1, "2024-01-09"), (2, None)]


def test_a_restated_slot_is_merged_again_or_ignored(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1)]})
    chain(project, "merge")
    project.model(
        "first", "SELECT * FROM prices", kind="merge", key=["id"], time="seen", every="1d", on_restate="ignore"
    )
    project.apply()
    project.file("prices", "late.csv", list(PRICES), [("2024-01-08 11:00", 1, 2)])
    plan = project.plan()
    assert plan.computed["chained@changes"] == ["2024-01-08T00:00:00Z"]
    assert "first@changes" not in plan.computed
    assert plan.why["chained@changes"] == "its inputs moved, on_restate: rebuild of 1"
    assert [d.message for d in plan.plan.diagnostics] == ["`first` keeps 1 slot whose inputs have moved"]
    project.run()
    assert project.query("SELECT price FROM chained") == [(2.0,)]
    assert project.query("SELECT price FROM first") == [(1.0,)]


def test_appended_slots_may_be_left_as_they_came(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1)]})
    project.model("log", "SELECT * FROM prices", kind="append", time="seen", every="1d", on_restate="ignore")
    project.apply()
    project.file("prices", "late.csv", list(PRICES), [("2024-01-08 11:00", 1, 2), ("2024-01-10 11:00", 1, 3)])
    project.run()
    assert project.query("SELECT price FROM log ORDER BY 1") == [(1.0,)]


def test_appending_without_time_adds_all_that_is_there_each_time_it_moves(project):
    project.source("stock", {"id": "bigint", "n": "bigint"}, rows=[(1, 5)])
    project.model("counts", "SELECT id, n, $now AS counted FROM stock", kind="append", reads={"stock": "all"})
    project.apply()
    project.source("stock", {"id": "bigint", "n": "bigint"}, rows=[(1, 4)])
    project.later(hours=1).run()
    assert project.query("SELECT id, n FROM counts ORDER BY counted") == [(1, 5), (1, 4)]


def test_a_merge_of_snapshots_keeps_what_is_missing_unless_told(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100), (2, 200)])
    project.model("kept", "SELECT * FROM planes", kind="merge", key=["id"])
    project.model("mirror", "SELECT * FROM planes", kind="merge", key=["id"], on_missing="delete")
    project.apply()
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 110)])
    project.later(hours=1).run()
    assert project.query("SELECT * FROM kept ORDER BY 1") == [(1, 110), (2, 200)]
    assert project.query("SELECT * FROM mirror") == [(1, 110)]


def test_a_key_that_comes_back_begins_anew(project):
    columns = {"id": "bigint", "seats": "bigint"}
    project.source("planes", columns, rows=[(1, 100)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    for rows in ([], [(1, 100)]):
        project.source("planes", columns, rows=rows)
        project.later(hours=1).run()
    assert project.query("SELECT seats, valid_to IS NULL FROM planes_h ORDER BY valid_from") == [
        (100, False),
        (100, True),
    ]


def test_promotion_takes_a_chain_as_it_stands(project):
    columns = {"id": "bigint", "seats": "bigint"}
    project.source("planes", columns, rows=[(1, 100)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply("dev")
    project.source("planes", columns, rows=[(1, 110)])
    project.later(hours=1).run("dev")
    project.events.clear()
    project.apply("prod")
    assert project.computed() == {}
    assert project.table("planes_h", "prod") == project.table("planes_h", "dev")
    assert len(project.table("planes_h", "prod")) == 2


def test_rows_taken_back_from_a_chain_stay_back(project):
    columns = {"id": "bigint", "seats": "bigint"}
    project.source("planes", columns, rows=[(1, 100)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    project.source("planes", columns, rows=[(1, 999)])
    project.later(hours=1).run()
    project.rollback(data=True)
    project.later(hours=1).run()
    assert project.query("SELECT seats FROM planes_h") == [(100,)]
    project.source("planes", columns, rows=[(1, 110)])
    project.later(hours=1).run()
    assert project.query("SELECT seats FROM planes_h ORDER BY valid_from") == [(100,), (110,)]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("2024-01-08 10:00", None, 1)], "HW0264"),
        ([("2024-01-08 10:00", 1, 1), ("2024-01-08 10:00", 1, 2)], "HW0265"),
    ],
)
@pytest.mark.parametrize("kind", ["merge", "history"])
def test_a_missing_or_repeated_key_is_an_error_and_nothing_moves(project, kind, rows, code):
    prices(project, **{"a.csv": [("2024-01-09 10:00", 1, 1)]})
    chain(project, kind)
    project.apply()
    before = project.table("chained")
    project.file("prices", "bad.csv", list(PRICES), rows)
    outcome = project.run(fails=True)
    assert code in {d.code for d in outcome.diagnostics}
    assert outcome.exit_code == 6
    assert project.table("chained") == before


def test_rows_that_a_python_model_repeats_end_as_a_failed_check_does(project):
    text = 'import headwater as hw\nimport pyarrow as pa\n\n@hw.model(name="m", kind="merge", key=["id"], columns={"id": "bigint"})\n'
    project.write("models/m.py", text + "def m(run):\n    return pa.table({'id': [1, 1]})\n")
    outcome = project.apply(fails=True)
    assert [(d.code, outcome.exit_code) for d in outcome.diagnostics][:1] == [("HW0265", 6)]


def test_rows_without_a_key_can_be_set_aside(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", None, 1), ("2024-01-08 10:00", 1, 1)]})
    chain(project, checks=[{"not_null": ["id"], "on_fail": "quarantine"}])
    project.apply()
    assert project.query("SELECT id FROM chained") == [(1,)]


def test_a_snapshot_with_a_key_twice_is_an_error(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100), (1, 200)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    outcome = project.apply(fails=True)
    assert "HW0265" in {d.code for d in outcome.diagnostics}


def test_a_history_of_snapshots_whose_key_changes_type_is_refused(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    project.model("planes_h", "SELECT id::text AS id, seats FROM planes", kind="history", key=["id"])
    with pytest.raises(Invalid) as refused:
        project.apply()
    assert {d.code for d in refused.value.diagnostics} == {"HW0270"}
    project.model(
        "planes_h", "SELECT id::text AS id, seats FROM planes", kind="history", key=["id"], on_change="rebuild"
    )
    project.apply()
    assert project.query("SELECT id FROM planes_h") == [("1",)]


def test_a_chain_goes_forward_by_itself(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 110)])
    project.model("planes_h", "SELECT id, seats, seats > 105 AS is_large FROM planes", kind="history", key=["id"])
    project.later(hours=1).apply()
    assert project.query("SELECT seats, is_large FROM planes_h ORDER BY valid_from") == [(100, None), (110, True)]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"kind": "merge"}, "HW0261"),
        ({"kind": "merge", "key": ["it"]}, "HW0262"),
        ({"kind": "history", "key": ["id"], "track": ["seat"]}, "HW0262"),
        ({"kind": "merge", "key": ["id"], "deleted": "nothing = 1"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "deleted": "nothing = 1", "time": "seen", "every": "1d"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "deleted": "sum(price) > 1"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "deleted": "seen < $now"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "deleted": "EXISTS (FROM prices)", "time": "seen", "every": "1d"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "deleted": "price < 0) OR (true"}, "HW0266"),
        ({"kind": "merge", "key": ["id"], "bucket_rows": 0}, "HW0269"),
        ({"kind": "merge", "key": ["id"], "time": "seen"}, "HW0221"),
        ({"kind": "merge", "key": ["id"], "time": "saw", "every": "1d"}, "HW0222"),
        ({"kind": "full", "key": ["id"]}, "HW0260"),
        ({"kind": "incremental", "time": "seen", "every": "1d", "on_restate": "ignore"}, "HW0260"),
        ({"kind": "merge", "key": ["id"], "time": "seen", "every": "1d", "on_missing": "delete"}, "HW0260"),
    ],
)
def test_mistakes_in_chains_are_found_by_check(project, header, code):
    prices(project, **{"a.csv": []})
    project.model("chained", "SELECT * FROM prices", **header)
    assert [found.split()[0] for found in project.mistakes] == [code]


@pytest.mark.parametrize("header", [{"kind": "merge"}, {"kind": "merge", "time": "seen", "every": "1d"}])
@pytest.mark.parametrize("name", ["hw_link", "hw_gone", "HW_Slot"])
def test_names_that_headwater_adds_itself_are_refused(project, header, name):
    prices(project, **{"a.csv": []})
    project.model("chained", f"SELECT *, 1 AS {name} FROM prices", key=["id"], **header)
    assert "HW0268" in {found.split()[0] for found in project.mistakes}
    assert not {"HW0217", "HW0262"} & {found.split()[0] for found in project.mistakes}


def test_a_condition_for_deleted_rows_may_end_with_a_comment(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1), ("2024-01-08 10:00", 2, -1)]})
    chain(project, deleted="price < 0 -- sold out")
    project.apply()
    assert project.query("SELECT id FROM chained") == [(1,)]


def test_a_history_says_its_own_columns(project):
    prices(project, **{"a.csv": []})
    chain(project, "history", "SELECT seen, id, price, seen AS valid_from FROM prices")
    assert [found.split()[0] for found in project.mistakes] == ["HW0263"]


def test_mistakes_in_the_query_of_a_chain_point_at_the_users_text(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[])
    project.model("planes_h", "SELECT id,\n  seatz FROM planes", kind="history", key=["id"])
    [found] = project.check().diagnostics
    assert (found.code, found.where.line, found.where.column) == ("HW0213", found.where.line, 3)


def test_selecting_a_chain_fills_what_it_folds(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1)]})
    chain(project)
    project.apply()
    project.file("prices", "b.csv", list(PRICES), [("2024-01-09 10:00", 1, 2)])
    project.run(select=["chained"])
    assert project.query("SELECT price FROM chained") == [(2.0,)]


def test_a_python_model_may_be_a_history(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100)])
    project.write(
        "models/planes_h.py",
        "import headwater as hw\nimport pyarrow as pa\n\n\n"
        '@hw.model(kind="history", key=["id"], inputs={"planes": "planes"}, columns={"id": "bigint", "seats": "bigint"})\n'
        "def planes_h(planes: pa.Table) -> pa.Table:\n    return planes\n",
    )
    project.apply()
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 110)])
    project.later(hours=1).run()
    assert project.query("SELECT seats, valid_to IS NULL FROM planes_h ORDER BY valid_from") == [
        (100, False),
        (110, True),
    ]


ORDERS = {"id": "bigint", "n": "bigint"}


def orders(project, **files):
    """Files with rows of (id, n), without time."""
    project.source("orders", ORDERS, on_vanish="delete")
    for name, rows in files.items():
        project.file("orders", f"{name}.csv", list(ORDERS), rows)


def test_an_append_without_time_appends_new_files(project):
    orders(project, a=[(1, 1)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.apply()
    project.file("orders", "b.csv", list(ORDERS), [(2, 2)])
    project.run()
    assert project.query("SELECT * FROM log ORDER BY id") == [(1, 1), (2, 2)]
    assert project.due() == {}


def test_a_file_that_was_renamed_is_no_new_file(project):
    orders(project, a=[(1, 1)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.apply()
    (project.root / "data/orders/a.csv").rename(project.root / "data/orders/a.1.csv")
    project.run()
    assert project.query("SELECT * FROM log") == [(1, 1)]


def test_a_file_that_was_rewritten_begins_the_chain_anew_or_is_ignored(project):
    orders(project, a=[(1, 1)], b=[(2, 2)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.model("first", "SELECT * FROM orders", kind="append", on_restate="ignore")
    project.apply()
    project.file("orders", "a.csv", list(ORDERS), [(1, 10)])
    project.file("orders", "c.csv", list(ORDERS), [(3, 3)])
    assert "on_restate: rebuild" in project.plan().why["log"]
    project.run()
    assert project.query("SELECT * FROM log ORDER BY id") == [(1, 10), (2, 2), (3, 3)]
    assert project.query("SELECT * FROM first ORDER BY id") == [(1, 1), (2, 2), (3, 3)]
    assert project.due() == {}


def test_a_merge_may_take_new_files_only_through_an_inline_model(project):
    orders(project, a=[(1, 1), (2, 2)])
    project.model("clean", "SELECT id, n * 10 AS n FROM orders", kind="inline")
    project.model("state", "SELECT * FROM clean", kind="merge", key=["id"], reads={"clean": "new"})
    project.apply()
    project.file("orders", "b.csv", list(ORDERS), [(2, 3)])
    project.run()
    assert project.query("SELECT * FROM state ORDER BY id") == [(1, 10), (2, 30)]
    assert project.query('SELECT count(*) FROM "state@changes"') == [(3,)]


def test_a_crash_neither_loses_nor_repeats_a_file(project):
    orders(project, a=[(1, 1)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.apply()
    project.file("orders", "b.csv", list(ORDERS), [(2, 2)])

    class Killed(Exception):
        pass

    def die():
        raise Killed

    project.when(lambda event: isinstance(event, Phase) and event.name == "move", die)
    with pytest.raises(Killed):
        project.run()
    project.later(minutes=2).run()
    assert project.query("SELECT * FROM log ORDER BY id") == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("query", "header", "code"),
    [
        ("SELECT * FROM base", {"kind": "append"}, "HW0267"),
        ("SELECT o.* FROM orders AS o JOIN others USING (id)", {"kind": "append"}, "HW0267"),
        ("SELECT * FROM base", {"kind": "append", "reads": {"base": "new"}}, "HW0267"),
        ("SELECT * FROM orders", {"kind": "full", "reads": {"orders": "new"}}, "HW0260"),
        (
            "SELECT * FROM orders",
            {"kind": "merge", "key": ["id"], "reads": {"orders": "new"}, "on_missing": "delete"},
            "HW0260",
        ),
    ],
)
def test_what_new_files_are_must_be_clear(project, query, header, code):
    orders(project)
    project.source("others", ORDERS)
    project.model("base", "SELECT * FROM orders")
    project.model("chained", query, **header)
    assert [found.split()[0] for found in project.mistakes] == [code]


def test_a_chain_that_would_begin_anew_on_rows_taken_back_stays(project):
    orders(project, a=[(1, 1)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.apply()
    project.file("orders", "a.csv", list(ORDERS), [(1, 10)])
    project.run()
    project.rollback(data=True)
    project.run()
    assert project.query("SELECT * FROM log") == [(1, 1)]


def test_an_environment_that_takes_a_chain_over_may_begin_it_anew_at_once(project):
    orders(project, a=[(1, 1)])
    project.model("log", "SELECT * FROM orders", kind="append")
    project.apply("dev")
    project.file("orders", "b.csv", list(ORDERS), [(2, 2)])
    project.run("dev")
    project.file("orders", "a.csv", list(ORDERS), [(1, 10)])
    project.apply("prod")
    assert project.query("SELECT * FROM log ORDER BY id", "prod") == [(1, 10), (2, 2)]
    assert project.query("SELECT * FROM log ORDER BY id", "dev") == [(1, 1), (2, 2)]


CHANGED = {"id": "bigint", "op": "text"}


def changed(project, **files):
    """Files of changes without time, and the last state that they come to."""
    project.source("changed", CHANGED)
    for name, rows in files.items():
        project.file("changed", f"{name}.csv", list(CHANGED), rows)
    settings = {"kind": "merge", "key": ["id"], "deleted": "op = 'D'", "reads": {"changed": "new"}}
    project.model("state", "SELECT * FROM changed", **settings)


@pytest.mark.parametrize(
    ("rows", "code"), [([(1, "D"), (1, "U")], "HW0265"), ([(None, "D")], "HW0264")], ids=["both", "no key"]
)
def test_new_files_must_say_clearly_whose_key_is_gone(project, rows, code):
    changed(project, a=[(1, "I")])
    project.apply()
    project.file("changed", "b.csv", list(CHANGED), rows)
    assert code in {found.code for found in project.run(fails=True).diagnostics}
    assert project.table("state") == [(1, "I")]


def test_a_key_may_be_said_to_be_gone_twice(project):
    changed(project, a=[(1, "I"), (2, "I")])
    project.apply()
    project.file("changed", "b.csv", list(CHANGED), [(1, "D"), (1, "D")])
    project.run()
    assert project.table("state") == [(2, "I")]


def test_rows_of_a_snapshot_without_a_key_can_be_set_aside(project):
    project.source("planes", ORDERS, rows=[(None, 1), (1, 2), (2, 3), (2, 4)])
    checks = [{"not_null": ["id"], "on_fail": "quarantine"}, {"accepted_range": {"column": "n", "max": 3}}]
    checks[1]["on_fail"] = "quarantine"
    project.model("state", "SELECT * FROM planes", kind="merge", key=["id"], checks=checks)
    project.apply()
    assert project.table("state") == [(1, 2), (2, 3)]
    [link] = project.head().entries_of("state@changes").values()
    assert FillBook(project.workspace.db, project.workspace.store)[link.fill].rejects == 2


def test_a_key_is_gone_even_if_a_newer_check_would_have_set_its_row_aside(project):
    project.source("planes", ORDERS, rows=[(1, 1), (2, 2)])
    project.model("state", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    check = {"accepted_range": {"column": "n", "min": 2}, "on_fail": "quarantine"}
    project.model("state", "SELECT * FROM planes", kind="history", key=["id"], checks=[check])
    project.source("planes", ORDERS, rows=[(2, 2)])
    project.later(hours=1).apply()
    assert project.query("SELECT id, valid_to IS NULL FROM state ORDER BY id") == [(1, False), (2, True)]


def test_a_merge_that_ignores_restated_slots_goes_on_with_new_ones(project):
    prices(project, **{"a.csv": [("2024-01-08 10:00", 1, 1)]})
    chain(project, on_restate="ignore")
    project.apply()
    project.later(days=1).file("prices", "b.csv", list(PRICES), [("2024-01-11 10:00", 1, 2)])
    project.run()
    assert project.query("SELECT price FROM chained") == [(2.0,)]


@pytest.mark.parametrize("kind", [{"kind": "append"}, {"kind": "merge", "key": ["id"], "reads": {"logs": "new"}}])
def test_new_files_are_read_after_others_were_rotated_away(project, kind):
    project.source("logs", ORDERS, rows=[(1, 1)], on_vanish="keep")
    project.model("log", "SELECT * FROM logs", **kind)
    project.apply()
    project.remove("data/logs/1.csv")
    project.file("logs", "2.csv", list(ORDERS), [(2, 2)])
    project.run()
    assert project.table("log") == [(1, 1), (2, 2)]
    assert project.due() == {}


@pytest.mark.parametrize("check", [{"accepted_range": {"column": "n", "max": 9}}, {"query": "FROM this WHERE n > 9"}])
def test_a_snapshot_that_a_check_refuses_leaves_nothing_in_a_history(project, check):
    project.source("planes", ORDERS, rows=[(1, 1), (2, 2)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"], checks=[check])
    project.apply()
    project.source("planes", ORDERS, rows=[(1, 99), (2, 2)])
    for _ in range(2):
        project.later(hours=1).run(fails=True)
    assert project.due() != {}
    project.source("planes", ORDERS, rows=[(1, 5), (2, 2)])
    project.later(hours=1).run()
    assert project.query("SELECT id, n FROM planes_h ORDER BY ALL") == [(1, 1), (1, 5), (2, 2)]
    assert project.due() == {}


def rename(project):
    project.without("planes_h")
    project.model("renamed", "SELECT * FROM planes", kind="history", key=["id"])


def rebuild(project):
    project.model("planes_h", "SELECT *, 1 AS one FROM planes", kind="history", key=["id"], on_change="rebuild")


@pytest.mark.parametrize(("change", "verb"), [(rename, "goes"), (rebuild, "begins anew")])
def test_the_plan_says_that_a_past_stays_behind(project, change, verb):
    project.source("planes", ORDERS, rows=[(1, 1)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    assert project.plan().plan.diagnostics == ()
    change(project)
    [found] = project.plan().plan.diagnostics
    assert (found.code, found.message) == (
        "HW0272",
        f"`planes_h` {verb}: what it has seen until now (1 link) stays behind",
    )


@pytest.mark.parametrize(
    "query", ["SELECT * FROM planes) AS a, (SELECT 1 AS k", "SELECT id FROM planes WHERE", "DELETE FROM planes"]
)
def test_a_chain_is_one_query_at_its_own_place(project, query):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[])
    project.model("planes_h", query, kind="history", key=["id"])
    found = [each for each in project.check().diagnostics if each.code in {"HW0203", "HW0204"}]
    assert [each.where.file for each in found] == ["models/planes_h.sql"]
    assert all(each.where.column > 0 for each in found)


def test_mistakes_name_the_model_that_somebody_wrote(project):
    project.source("raw", {"id": "bigint", "day": "date"})
    project.model("latest", "SELECT id, day FROM raw", kind="merge", key=["id"], time="day", every="1d")
    [found] = project.check().diagnostics
    assert (found.code, found.message) == ("HW0225", "nobody says where the time of `latest` begins")
