"""What triggers look at: the source that an environment's own code names, and nothing for longer than it answers."""

import sqlite3
import threading
import time
from contextlib import closing

from headwater.app.serving.facts import LOOK_EVERY, Looker
from headwater.app.serving.leading import Leader
from headwater.app.serving.looking import Aside
from headwater.state.pipeline_states import pipeline_states


def test_a_source_of_one_name_may_lie_elsewhere_in_another_environment(project):
    columns = {"id": "bigint"}
    project.source("raw", columns, [(1,)])
    here, head = project.graph(), project.head()
    project.source("raw", columns, path="data/elsewhere/*.csv")
    there, looker = project.graph(), Looker(project.workspace)
    first = [looker.nodes(graph, head, ["raw"], project.now)["raw"] for graph in (here, there)]
    assert first[0] != first[1]
    project.file("elsewhere", "1.csv", ["id"], [(1,)])
    later = project.now + LOOK_EVERY
    second = [looker.nodes(graph, head, ["raw"], later)["raw"] for graph in (here, there)]
    assert (second[0] == first[0], second[1] == first[1]) == (True, False)


class Away(Aside):
    """Looks at a network disk that is away: each look waits until it is back."""

    is_back = threading.Event()

    def begin(self, key, name, look):
        super().begin(key, name, lambda: look() if self.is_back.wait(60) else None)


def test_a_source_that_hangs_delays_no_other_pipeline(project):
    project.source("raw", {"id": "bigint"}, [(1,)])
    project.model("counts", "SELECT count(*) AS n FROM raw")
    fed = {"select": ["counts"], "when": {"updated": "raw"}}
    timed = {"select": ["counts"], "schedule": {"every": "1m"}}
    project.settings(pipelines={"fed": fed, "timed": timed}).apply()
    looks = Away(time.monotonic)
    leader = Leader(project.workspace, "me", looks=looks)
    ordered = [leader.step(project.now), leader.step(project.later(minutes=1).now)]
    remembered = [each.memory for each in pipeline_states(project.workspace.db, "dev").values()]
    looks.is_back.set()
    looks.close()
    assert (ordered, set(remembered)) == ([0, 1], {"{}"})


def test_what_hangs_keeps_its_last_answer_and_is_warned_of_once(caplog):
    clock, answered, goes_on = [0.0], threading.Event(), threading.Event()
    looks = Aside(lambda: clock[0])
    looks.begin("raw", "the source `raw`", lambda: "as it was")
    until(lambda: looks.last("raw") == "as it was")
    looks.begin("raw", "the source `raw`", lambda: answered.set() or str(goes_on.wait(60)))
    assert answered.wait(60)
    for clock[0] in (59.0, 61.0, 62.0):
        looks.begin("raw", "the source `raw`", lambda: "never asked")
    assert looks.last("raw") == "as it was"
    assert [each for each in caplog.messages if "`raw`" in each] == [
        "looking at the source `raw` takes longer than 60 s: what waits for it, waits"
    ]
    goes_on.set()
    until(lambda: looks.last("raw") == "True")
    looks.close()


def test_one_that_hangs_keeps_no_other_answer_back():
    looks, goes_on = Aside(time.monotonic), threading.Event()
    looks.begin("a", "a", lambda: str(goes_on.wait(60)))
    looks.begin("b", "b", lambda: "there")
    until(lambda: looks.last("b") == "there")
    assert looks.last("a") is None
    goes_on.set()
    looks.close()


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


def test_what_is_landed_changes_as_soon_as_its_place_does(project):
    def shop(statements):
        with closing(sqlite3.connect(project.root / "shop.db")) as database, database:
            database.executescript(statements)

    project.write(
        "sources/shop.yaml",
        "sources: {orders: {connector: sqlite, path: shop.db, table: orders, columns: {id: bigint}}}",
    )
    shop("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1)")
    graph, looker, seen = project.graph(), Looker(project.workspace), []
    for at in range(3):
        seen.append(looker.nodes(graph, project.head(), ["orders"], project.now + at * LOOK_EVERY)["orders"])
        if at == 1:
            shop("INSERT INTO orders VALUES (2)")
    assert seen[0] == seen[1] != seen[2]
