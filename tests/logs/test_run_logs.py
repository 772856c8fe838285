"""Every run leaves a log: what happened in it, in words, readable while it goes on and after it has ended."""

import json
import threading

import pytest

from headwater.app.run_logs import RunLog
from headwater.app.run_reading import Wanted, find_run, follow, log_of
from headwater.diagnostics import Invalid
from headwater.events import FileInspected, TaskFinished, TaskStarted
from headwater.state.run_events import forget_events, run_events
from headwater.state.run_records import run_record


@pytest.fixture
def shop(project):
    project.source("orders", {"id": "bigint", "price": "double"}, rows=[(1, 2.5), (2, 4.0)])
    project.model("totals", "SELECT sum(price) AS total FROM orders")
    return project


def log(project, name="last", **wanted):
    db = project.workspace.db
    return log_of(db, find_run(db, name).id, Wanted(**wanted))


def kinds(project, **wanted):
    return [event.kind for event in log(project, **wanted).events]


def test_an_apply_tells_what_it_did(shop):
    shop.apply()
    said = [event.message for event in log(shop).events]
    assert "totals: 1 slot, 1 row" in "\n".join(said)
    assert (said[-1], log(shop).run.status) == ("done after 0 ms", "done")


def test_a_log_is_whole_before_the_run_has_ended(shop):
    ends = []
    shop.when(lambda event: type(event).__name__ == "RunEnded", lambda: ends.append(log(shop).run.status))
    shop.apply()
    assert ends == ["running"]
    assert kinds(shop)[-1] == "RunEnded"


def test_what_failed_stands_in_the_log(shop):
    shop.model("totals", "SELECT sum(price) / 0 AS total, error('no way') AS b FROM orders")
    shop.apply(fails=True)
    found = log(shop, level="error")
    assert [event.kind for event in found.events][-2:] == ["Remarked", "RunEnded"]
    assert "gave up: `totals` failed: Invalid Input Error: no way" in found.events[0].message
    assert (found.events[0].node, found.run.status) == ("totals", "failed")


def test_a_log_can_be_read_for_one_node_and_from_a_level_on(shop):
    shop.apply()
    assert set(kinds(shop, node="totals", level="debug")) == {"TaskStarted", "TaskFinished"}
    assert "TaskStarted" not in kinds(shop)
    assert kinds(shop, level="warning") == []


def test_facts_are_kept_as_they_were(shop):
    shop.apply()
    (finished,) = [event for event in log(shop).events if event.kind == "TaskFinished"]
    assert json.loads(finished.body)["rows"] == 1


def test_what_a_python_model_prints_stands_in_the_log(shop):
    shop.write(
        "models/loud.py",
        "import headwater as hw\nimport pyarrow as pa\n"
        "@hw.model(kind='full', inputs={'orders': 'orders'}, columns={'n': 'bigint'})\n"
        "def loud(orders: pa.Table) -> pa.Table:\n    print('I see', orders.num_rows)\n"
        "    return pa.table({'n': [1]})\n",
    )
    shop.apply()
    assert next(event.message for event in log(shop, node="loud").events) == "loud printed: I see 2"


def test_of_much_that_is_printed_the_beginning_and_the_end_are_kept(shop):
    shop.write(
        "models/loud.py",
        "import headwater as hw\nimport pyarrow as pa\n"
        "@hw.model(kind='full', inputs={'orders': 'orders'}, columns={'n': 'bigint'})\n"
        "def loud(orders: pa.Table) -> pa.Table:\n    print('first', 'x' * 10**6, 'last')\n"
        "    return pa.table({'n': [1]})\n",
    )
    shop.apply()
    said = next(event.message for event in log(shop, node="loud").events)
    assert said.startswith("loud printed: first")
    assert said.endswith("last\n… and 967.2 kB more, not kept")


def test_a_run_that_goes_on_is_followed_to_its_end(shop):
    seen, started = [], threading.Event()
    shop.when(lambda event: isinstance(event, TaskStarted), started.set)
    running = threading.Thread(target=shop.apply)
    running.start()
    started.wait(60)
    db = shop.workspace.db
    for said in follow(db, find_run(db, "last").id, Wanted(), lambda _: threading.Event().wait(0.01)):
        seen += said.events
    running.join()
    assert [event.kind for event in seen] == kinds(shop)


def test_the_beginning_of_an_id_is_enough(shop):
    shop.apply()
    whole = log(shop).run.id
    assert log(shop, whole[:-1]).run.id == whole
    with pytest.raises(Invalid, match="is no run"):
        log(shop, "nothing-like-it")


def test_details_without_end_are_not_all_kept(shop):
    shop.apply()
    db = shop.workspace.db
    many = RunLog(db, "r1", "dev", lambda: shop.now)
    for number in range(6000):
        many(FileInspected("orders", f"{number}.csv", 1, 0))
    many(TaskFinished("totals", "t", 1, 1, 1, 0.1))
    many.close()
    found = run_events(db, "r1")
    assert (len(found), found[-2].kind) == (5002, "TaskFinished")
    assert "1,000 facts more" in found[-1].message


def test_a_log_of_one_run_is_written_by_many_threads_in_order(shop):
    shop.apply()
    db = shop.workspace.db
    many = RunLog(db, "r2", "dev", lambda: shop.now, every_s=0.001)
    many.open()
    threads = [
        threading.Thread(target=lambda n=n: [many(TaskStarted(f"n{n}", "t", 1, i)) for i in range(200)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    many.close()
    attempts = [json.loads(event.body)["attempt"] for event in run_events(db, "r2", node="n1")]
    assert attempts == list(range(200))


def test_logs_of_old_runs_can_be_forgotten_and_their_runs_stay(shop):
    shop.apply()
    run = log(shop).run.id
    shop.later(days=40)
    assert forget_events(shop.workspace.db, shop.now) > 0
    assert run_events(shop.workspace.db, run) == ()
    assert run_record(shop.workspace.db, run).status == "done"
