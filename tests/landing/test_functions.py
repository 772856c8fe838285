"""Sources that are Python functions: called with their cursor, landed all or nothing."""

import pytest

from headwater.diagnostics import HeadwaterError
from tests.harness import Project

HEAD = "import headwater as hw\n\n"
ORDERS = '@hw.source(columns={"id": "bigint", "name": "text"}, cursor="id")\n'


@pytest.fixture
def shop(project: Project):
    def write(body: str, head: str = ORDERS, signature: str = "orders(cursor)") -> Project:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        project.write("models/orders.py", f"{HEAD}{head}def {signature}:\n{lines}")
        return project

    project.model("names", "SELECT id, name FROM orders")
    return write


def refused(act):
    with pytest.raises(HeadwaterError) as raised:
        act()
    [found] = raised.value.diagnostics
    return found


def test_a_function_is_given_the_greatest_cursor_landed(shop):
    project = shop('first = (cursor or 0) + 1\nyield {"id": first, "name": f"after {cursor}"}')
    project.apply()
    project.run()
    assert project.table("names") == [(1, "after None"), (2, "after 1")]


def test_a_function_yields_rows_lists_tables_and_data_frames(shop):
    project = shop(
        "import pyarrow as pa\n"
        'yield {"id": 1, "name": "row"}\n'
        'yield [{"id": 2, "name": "list"}, {"id": 3}]\n'
        'yield pa.table({"id": [4], "name": ["table"]})\n'
        'yield pa.RecordBatch.from_pydict({"id": [5], "name": ["batch"]})'
    )
    project.apply()
    assert project.table("names") == [(1, "row"), (2, "list"), (3, None), (4, "table"), (5, "batch")]


def test_a_function_that_yields_nothing_lands_nothing(shop):
    project = shop('if cursor is None:\n    yield {"id": 1, "name": "a"}')
    project.apply()
    project.run()
    assert project.table("names") == [(1, "a")]


def test_nothing_of_a_function_that_raises_in_the_middle_is_landed(shop):
    project = shop('yield {"id": 1, "name": "a"}\nraise OSError("the service is gone")')
    found = refused(project.apply)
    assert (found.code, str(found.where)) == ("HW0646", "models/orders.py:6")
    shop('yield {"id": 2, "name": str(cursor)}')
    project.apply()
    assert project.table("names") == [(2, "None")]


@pytest.mark.parametrize("ids", ["1", "0", "2, 1"])
def test_a_function_that_repeats_its_cursor_or_goes_back_is_refused_whole(shop, ids):
    project = shop(f'for n in [1] if cursor is None else [{ids}]:\n    yield {{"id": n, "name": "a"}}')
    project.apply()
    assert refused(project.run).code == "HW0647"
    assert project.table("names") == [(1, "a")]


@pytest.mark.parametrize("given", ["1", "'text'", "[1, 2]", "None", '{"id": 1, "nmae": "a"}'])
def test_what_are_no_rows_is_refused(shop, given):
    project = shop(f"yield {given}")
    assert refused(project.apply).code == "HW0648"


def test_values_that_do_not_fit_are_set_aside(shop):
    project = shop('yield {"id": 1, "name": "a"}\nyield {"id": "two", "name": "b"}\nyield {"name": "c"}')
    outcome = project.apply()
    assert project.table("names") == [(1, "a")]
    assert [d.code for d in outcome.diagnostics] == ["HW0316"]


def test_a_function_that_never_ends_is_stopped(shop):
    head = ORDERS.replace("cursor=", 'timeout="1s", cursor=')
    project = shop('yield {"id": 1, "name": "a"}\nwhile True:\n    pass', head)
    assert refused(project.apply).code == "HW0850"


def test_without_a_cursor_what_a_call_yields_takes_the_place_of_all_before(shop):
    head = ORDERS.replace(', cursor="id"', "")
    project = shop('yield {"id": run.now.day, "name": "a"}', head, "orders(run)")
    project.apply()
    project.later(days=1)
    project.run()
    assert project.table("names") == [(11, "a")]


def test_mending_a_function_does_not_land_again_what_it_gave(shop):
    project = shop('yield {"id": (cursor or 0) + 1, "name": "before"}')
    project.apply()
    shop('yield {"id": (cursor or 0) + 1, "name": "after"}')
    project.apply()
    assert project.table("names") == [(1, "before"), (2, "after")]


def test_a_function_is_given_times_as_times(shop):
    head = '@hw.source(columns={"id": "timestamptz", "name": "text"}, cursor="id")\n'
    project = shop(
        "from datetime import UTC, datetime, timedelta\n"
        'last = cursor or datetime(2024, 1, 1, tzinfo=UTC)\nyield {"id": last + timedelta(days=1), "name": str(cursor)}',
        head,
    )
    project.apply()
    project.run()
    assert project.query("SELECT name FROM names ORDER BY id") == [("None",), ("2024-01-02 00:00:00+00:00",)]


@pytest.mark.parametrize(("cursor", "hint"), [("idd", "did you mean `id`?"), ("price", "a cursor is")])
def test_a_cursor_that_no_column_can_be_is_found_before_anything_runs(shop, cursor, hint):
    columns = '{"id": "bigint", "name": "text", "price": "decimal(9,2)"}'
    project = shop("yield {'id': 1}", f'@hw.source(columns={columns}, cursor="{cursor}")\n')
    [found] = project.check().diagnostics
    assert (found.code, str(found.where)) == ("HW0645", "models/orders.py:3:86")
    assert hint in found.hint


def test_a_thread_that_is_left_running_keeps_nobody_waiting(shop):
    head = ORDERS.replace("cursor=", 'timeout="20s", cursor=')
    body = "import threading\nthreading.Thread(target=threading.Event().wait).start()\nyield {'id': 1, 'name': 'a'}"
    project = shop(body, head)
    project.apply()
    assert project.table("names") == [(1, "a")]


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit", "SystemExit"])
def test_whatever_a_function_raises_is_said_at_its_line(shop, raised):
    project = shop(f"yield {{'id': 1, 'name': 'a'}}\nraise {raised}")
    found = refused(project.apply)
    assert (found.code, str(found.where)) == ("HW0646", "models/orders.py:6")
