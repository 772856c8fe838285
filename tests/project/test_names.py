"""Names: which a project may give, and who may have them."""

import pytest

from headwater.diagnostics import CATALOGUE
from tests.project.making import SOURCE, START, Files

SINK = "sinks:\n  {name}: {{from: x, connector: duckdb, path: p, table: t}}\n"


@pytest.mark.parametrize("name", ["orders", "clean.orders", "größe", "注文", "_x", "a1", "_2013"])
def test_letters_digits_and_underscores_make_a_name(name: str, files: Files) -> None:
    files.write("a.yaml", f"models: {{{name}: {{sql: SELECT 1}}}}")
    assert list(files.project.models) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "a.b.c",
        "a..b",
        ".a",
        "",
        "x" * 101,
        "a b",
        "a-b",
        'a\\"b',
        "a'b",
        "x; DROP TABLE y",
        "a/*b",
        "../a",
        "a\\tb",
        "this",
        "main.a",
        "pg_catalog.a",
        "a\\u202eb",
        "👾",
    ],
)
def test_other_names_are_mistakes(name: str, files: Files) -> None:
    files.write("a.yaml", f'models:\n  "{name}": {{sql: SELECT 1}}\n')
    assert files.mistakes == ["HW0114 a.yaml:2:3"]
    assert files.mistake.message.isprintable()


@pytest.mark.parametrize("path", ["models/a b.sql", "models/a.b.sql", "models/x;y.sql", "models/" + "n" * 101 + ".sql"])
def test_a_file_gives_its_model_no_other_name(path: str, files: Files) -> None:
    assert files.write(path, "SELECT 1").mistakes == [f"HW0114 {path}:1:1"]


def test_a_name_can_be_spelt_in_composed_and_decomposed_letters(files: Files) -> None:
    files.write("models/cafe\u0301.sql", "SELECT 1")
    assert list(files.project.models) == ["café"]


def test_a_model_stands_at_most_one_folder_deep(files: Files) -> None:
    files.write("models/a/b/c.sql", "SELECT 1")
    assert files.mistakes == ["HW0116 models/a/b/c.sql:1:1"]
    assert files.mistake.hint == "move it to models/a/c.sql"


def test_two_files_that_claim_one_node_are_both_named(files: Files) -> None:
    files.write("a.yaml", SOURCE).write("b.yaml", SOURCE)
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0115", "b.yaml:2:3")
    assert "a.yaml:2:3" in files.mistake.message


def test_a_source_and_a_model_cannot_share_a_name(files: Files) -> None:
    files.write("a.yaml", SOURCE).write("models/Orders.sql", "SELECT 1")
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0115", "a.yaml:2:3")
    assert "models/Orders.sql:1:1" in files.mistake.message


def test_a_sink_and_a_model_cannot_share_a_name(files: Files) -> None:
    files.write("a.yaml", SINK.format(name="x")).write("models/x.sql", "SELECT 1")
    assert files.mistakes == ["HW0115 a.yaml:2:3"]


def test_names_that_differ_only_in_case_are_the_same(files: Files) -> None:
    files.write("a.yaml", "models: {x: {sql: SELECT 1}, X: {sql: SELECT 2}}")
    assert files.mistakes == ["HW0115 a.yaml:1:30"]


def test_a_model_in_sql_and_in_python_is_declared_twice(files: Files) -> None:
    files.write("models/x.sql", "SELECT 1")
    files.write("models/y.py", "import headwater as hw\n@hw.model(columns={'a': 'text'})\ndef x(a): ...\n")
    assert files.mistake.code == "HW0115"
    assert "models/x.sql" in f"{files.mistake.message} {files.mistake.where}"


@pytest.mark.parametrize("name", ["pr-12", "prod", "2013_copy"])
def test_environments_may_have_hyphens(name: str, files: Files) -> None:
    assert list(files.write("a.yaml", f"environments: {{{name}: {{}}}}").project.environments) == [name]


@pytest.mark.parametrize("name", ["../prod", "a b", "-x", "x" * 101])
def test_environments_have_names_that_can_stand_in_a_path(name: str, files: Files) -> None:
    assert files.write("a.yaml", f'environments:\n  "{name}": {{}}\n').mistakes == ["HW0114 a.yaml:2:3"]


@pytest.mark.parametrize("name", ["now", "start", "END", "a-b", "é"])
def test_variables_have_names_that_sql_can_say(name: str, files: Files) -> None:
    files.write("headwater.yaml", START + f"variables: {{{name}: 1}}\n")
    assert files.mistake.code == "HW0114"


def test_every_code_has_a_title() -> None:
    assert all(CATALOGUE[code] for code in CATALOGUE if code.startswith(("HW01", "HW08")))
