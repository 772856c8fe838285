"""A plan looks only at slots whose inputs have moved since nothing was due, and finds what a look at all would find."""

import os
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.plan.overlays import Overlaid
from tests.harness import Project
from tests.oracle.world import DAY, EVENTS, FIRST, NAMES, Code, Data, aware, write_code, write_project

NOW = aware(FIRST + 3 * DAY + timedelta(hours=12))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.lists(st.integers(0, 6 * 24), min_size=1, max_size=3)),
        st.tuples(st.just("gone"), st.integers(0, 9)),
        st.tuples(st.just("copy"), st.integers(0, 9)),
        st.tuples(st.just("later"), st.integers(1, 40)),
        st.tuples(st.just("names"), st.integers(0, 9)),
        st.tuples(st.just("code"), st.integers(1, 3)),
        st.tuples(st.just("rollback"), st.booleans()),
        st.tuples(st.just("run"), st.just(0)),
    ),
    min_size=2,
    max_size=10,
)


def world(root) -> Project:
    project = Project(root, now=NOW)
    write_project(project)
    project.file("names", "names.csv", list(NAMES), Data().names)
    add(project, "first", [0, 20, 30, 50])
    write_code(project, Code())
    project.apply()
    return project


def add(project: Project, name: str, hours: list[int]) -> None:
    project.file(
        "events", f"{name}.csv", list(EVENTS), [(FIRST + timedelta(hours=h, minutes=5), h % 3, h) for h in hours]
    )


def found(project: Project) -> dict:
    """What a plan of the released code says of each node."""
    plan = project.plan().plan
    return {
        name: (
            dict(each.reuse),
            dict(each.build),
            each.drop,
            each.blocked,
            each.waiting,
            each.stuck,
            dict(each.chosen) or None,
        )
        for name, each in plan.nodes.items()
        if not each.settled
    }


def forget_what_was_settled(project: Project) -> None:
    with project.workspace.db.write() as connection:
        connection.execute("UPDATE head_nodes SET settled = ''")


def test_one_late_file_is_looked_for_in_its_own_slot_only(tmp_path):
    project = world(tmp_path / "p")
    add(project, "late", [26])
    each = project.plan().plan.nodes["clean"]
    assert isinstance(each.keep, Overlaid)
    assert (len(each.keep.rest.without), len(each.keep), list(each.build)) == (1, 3, [("hub", "2024-01-02T00:00:00Z")])
    project.run()
    assert project.due() == {}


def test_a_day_later_only_the_new_day_is_looked_at(tmp_path):
    project = world(tmp_path / "p")
    project.later(days=1)
    each = project.plan().plan.nodes["clean"]
    assert list(each.looked_at) == [("hub", "2024-01-05T00:00:00Z")]


def test_a_second_name_for_a_file_counts_and_its_loss_too(tmp_path):
    project = world(tmp_path / "p")
    project.run()
    first = project.root / "data/events/first.csv"
    os.link(first, first.with_name("second.csv"))
    project.run()
    assert project.query("SELECT count(*) FROM clean") == [(8,)]
    first.unlink()
    project.run()
    assert project.query("SELECT count(*) FROM clean") == [(4,)]


@settings(max_examples=6)
@given(steps=STEPS)
def test_it_finds_what_a_look_at_all_slots_finds(steps, tmp_path_factory):
    project = world(tmp_path_factory.mktemp("p"))
    for number, (step, value) in enumerate([*steps, ("run", 0)]):
        if step == "file":
            add(project, f"f{number}", value)
        elif step == "gone":
            files = sorted((project.root / "data/events").glob("*.csv"))
            if files:
                files[value % len(files)].unlink()
        elif step == "copy":
            files = sorted((project.root / "data/events").glob("*.csv"))
            if files:
                os.link(files[value % len(files)], project.root / f"data/events/copy{number}.csv")
        elif step == "later":
            project.later(hours=value)
        elif step == "names":
            project.file("names", "names.csv", list(NAMES), [*Data().names, (3, f"more{value}")])
        elif step == "code":
            write_code(project, Code(factor=value))
            project.apply()
        elif step == "rollback" and len(project.history()) > 2:
            project.rollback(data=value)
            write_code(project, Code())
            project.apply()
        elif step == "run":
            project.run(fails=None)
        quick = found(project)
        with project.workspace.db.read() as connection:
            kept = connection.execute("SELECT environment, node, settled FROM head_nodes").fetchall()
        forget_what_was_settled(project)
        slow = found(project)
        assert {name: slow[name] for name in quick} == quick
        assert not any(each[0] or each[1] or each[2] for name, each in slow.items() if name not in quick)
        with project.workspace.db.write() as connection:
            connection.executemany(
                "UPDATE head_nodes SET settled = ? WHERE environment = ? AND node = ?",
                [(settled, environment, node) for environment, node, settled in kept],
            )
    project.reopen()
