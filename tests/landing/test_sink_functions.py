"""Sinks that are Python functions: they get what was released, with an id that does not change."""

import pytest

from tests.harness import Project

DAY = "SELECT day, n FROM raw WHERE day >= $start AND day < $end"


@pytest.fixture
def shop(project: Project):
    project.settings(environments={"dev": {}, "prod": {}})
    project.source("raw", {"day": "date", "n": "bigint"}, [("2024-01-08", 1), ("2024-01-09", 2)], time="day",
                   start="2024-01-08", end="2024-01-10")  # fmt: skip
    project.model("days", DAY, kind="incremental", time="day", every="1d")

    def write(body: str, arguments: str = "rows, slot", settings: str = 'mode="append"') -> Project:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        head = f'import json\nimport headwater as hw\n\n@hw.sink(from_="days", in_=["dev"], {settings})\n'
        project.write("models/push.py", f"{head}def push({arguments}):\n{lines}")
        return project

    return write


APPEND = (
    'with open("{}", "a") as file:\n'
    '    file.write(json.dumps([slot.id, slot.slot, rows.column("n").to_pylist()]) + "\\n")'
)


def calls(project):
    import json

    path = project.root / "out.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def appending(project):
    return APPEND.format(project.root / "out.jsonl")


def test_a_function_gets_the_rows_of_each_slot_once(shop, project):
    shop(appending(project)).apply()
    project.run()
    assert [(slot, n) for _, slot, n in calls(project)] == [
        ("2024-01-08T00:00:00Z", [1]),
        ("2024-01-09T00:00:00Z", [2]),
    ]


def test_a_restated_slot_comes_again_with_another_id(shop, project):
    shop(appending(project)).apply()
    project.file("raw", "late.csv", ["day", "n"], [("2024-01-09", 3)])
    project.run()
    first, second, third = calls(project)
    assert sorted(third[2]) == [2, 3]
    assert len({first[0], second[0], third[0]}) == 3


def test_what_was_taken_before_a_failure_is_not_given_again(shop, project):
    shop(f'{appending(project)}\nif slot.slot > "2024-01-09":\n    raise OSError("gone")')
    outcome = project.apply(fails=True)
    [found] = [d for d in outcome.diagnostics if d.code == "HW0585"]
    assert str(found.where) == "models/push.py:9"
    shop(appending(project)).apply()
    ids = [identity for identity, _, _ in calls(project)]
    assert len(ids) == 3
    assert ids[1] == ids[2]


def test_a_function_that_replaces_gets_all_rows_at_once(shop, project):
    shop(appending(project), settings='mode="replace"').apply()
    project.run()
    [(_, slot, rows)] = calls(project)
    assert (slot, sorted(rows)) == ("all", [1, 2])


def test_a_function_with_other_arguments_is_refused(shop):
    project = shop("pass", "rows, table")
    assert [d.code for d in project.apply(fails=True).diagnostics] == ["HW0586"]


def test_a_function_that_never_ends_is_stopped(shop):
    project = shop("while True:\n    pass", settings='mode="append", timeout="1s"')
    assert [d.code for d in project.apply(fails=True).diagnostics] == ["HW0850"]
