"""SQL models: header, query, and the YAML that may add to them."""

import pytest

from tests.project.making import Files

HEADER = """/* headwater
description: Delays
kind: incremental     # by day
time: day
every: 1d
grain: [day, origin]
reads: {weather: {before: 6h}}
*/
SELECT day, origin FROM flights
"""


def test_a_model_without_a_header_is_full(files: Files) -> None:
    model = files.write("models/clean/flights.sql", "\n\n  SELECT 1\n").project.models["clean.flights"]
    assert (model.kind, model.query, model.query_line, model.query_column) == ("full", "SELECT 1", 3, 3)


def test_a_header_holds_the_settings(files: Files) -> None:
    model = files.write("models/delays.sql", HEADER).project.models["delays"]
    assert (model.kind, model.time, str(model.every), model.reads["weather"].before) == (
        "incremental",
        "day",
        "1d",
        21600,
    )
    assert (model.query, model.query_line) == ("SELECT day, origin FROM flights", 9)
    assert str(model.at.of("kind")) == "models/delays.sql:3:7"


def test_a_grain_implies_its_checks(files: Files) -> None:
    model = files.write("models/delays.sql", HEADER).project.models["delays"]
    assert [type(check).__name__ for check in model.checks] == ["Unique", "NotNull"]
    assert {check.columns for check in model.checks} == {("day", "origin")}  # type: ignore[union-attr]
    assert str(model.checks[0].at.where) == "models/delays.sql:6:1"


@pytest.mark.parametrize("opening", ["/* headwater\n", "/*headwater\n", "-- note\n/* licence */\n/* headwater\n"])
def test_a_header_may_follow_comments(opening: str, files: Files) -> None:
    assert files.write("models/a.sql", opening + "kind: view\n*/ SELECT 1").project.models["a"].kind == "view"


def test_a_header_may_stand_on_one_line(files: Files) -> None:
    model = files.write("models/a.sql", "/* headwater {kind: view} */ SELECT 1").project.models["a"]
    assert (model.kind, model.query_column) == ("view", 30)
    assert str(model.at.of("kind")) == "models/a.sql:1:21"


def test_a_mistake_in_a_header_is_said_in_its_file(files: Files) -> None:
    files.write("models/a.sql", "-- mine\n/* headwater\nkind: view\nevry: 1d\n*/\nSELECT 1")
    assert files.mistakes == ["HW0109 models/a.sql:4:1"]


@pytest.mark.parametrize(
    "setting",
    [
        'cron: "*/15 * * * *"',
        "description: all of models/*/clean",
        "checks: [{matches: {column: a, pattern: 'a*/b'}}]",
        "description: |\n  a */\n  b",
        "description: a */ is cut\nkind: view",
    ],
)
def test_a_header_that_is_cut_says_so(setting: str, files: Files) -> None:
    text = f"/* headwater\n{setting}\nowner: me\n*/\nSELECT 1 -- x\n"
    files.write("models/a.sql", text)
    assert files.mistake.code == "HW0117"
    where = files.mistake.where
    assert where is not None
    assert text.split("\n")[where.line - 1][where.column - 1 :].startswith("*/")
    assert "models:" in files.mistake.hint


@pytest.mark.parametrize(
    "query", ["SELECT '*/5' AS cron", "SELECT 1 /* a */ + /* b */ 2", "/* note */ FROM x", "(SELECT 1)"]
)
def test_a_query_may_hold_the_end_of_a_comment(query: str, files: Files) -> None:
    assert files.write("models/a.sql", f"/* headwater\nkind: view\n*/\n{query}").project.models["a"].query == query


def test_a_header_without_end_is_a_mistake(files: Files) -> None:
    assert files.write("models/a.sql", "/* headwater\nkind: view\nSELECT 1").mistakes == ["HW0118 models/a.sql:1:1"]


def test_a_header_below_the_query_is_a_mistake(files: Files) -> None:
    assert files.write("models/a.sql", "SELECT 1\n/* headwater\nkind: view\n*/").mistakes == ["HW0118 models/a.sql:2:1"]


def test_a_misspelt_header_is_a_mistake(files: Files) -> None:
    files.write("models/a.sql", "/* headwatr\nkind: view\n*/\nSELECT 1")
    assert (files.mistake.code, files.mistake.hint) == ("HW0118", "did you mean `headwater`?")


def test_broken_yaml_in_a_header_is_said_where_it_breaks(files: Files) -> None:
    files.write("models/a.sql", "/* headwater\nkind: view\n\ttags: x\n*/\nSELECT 1")
    assert files.mistakes == ["HW0106 models/a.sql:3:1"]


@pytest.mark.parametrize("text", ["", " \n", "-- later\n", "/* headwater\nkind: view\n*/\n", ";", "/* a */ ; ;"])
def test_a_file_without_a_query_is_a_mistake(text: str, files: Files) -> None:
    assert files.write("models/a.sql", text).mistake.code == "HW0119"


@pytest.mark.parametrize("text", ["SELECT ';';", "SELECT 1 -- a;b", 'SELECT ";" ; -- done', "SELECT $$;$$;\n"])
def test_one_semicolon_at_the_end_is_tolerated(text: str, files: Files) -> None:
    assert not files.write("models/a.sql", text).project.models["a"].query.endswith(";")


def test_several_statements_are_a_mistake(files: Files) -> None:
    assert files.write("models/a.sql", "SELECT ';';\n  SELECT 2;").mistakes == ["HW0120 models/a.sql:2:3"]


def test_settings_may_stand_in_yaml_instead(files: Files) -> None:
    files.write("models/a.sql", "/* headwater\nkind: view\n*/\nSELECT 1")
    files.write("a.yaml", "models:\n  a: {owner: me, grain: x}\n")
    model = files.project.models["a"]
    assert (model.kind, model.owner, len(model.checks)) == ("view", "me", 2)
    assert str(model.at.of("owner")) == "a.yaml:2:14"
    assert str(model.checks[0].at.where) == "a.yaml:2:18"


def test_the_same_setting_in_both_places_is_a_mistake(files: Files) -> None:
    files.write("models/a.sql", "/* headwater\nkind: view\n*/\nSELECT 1").write("a.yaml", "models: {a: {kind: full}}")
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0121", "a.yaml:1:14")
    assert "models/a.sql" in files.mistake.message


def test_settings_without_a_query_are_a_mistake(files: Files) -> None:
    files.write("a.yaml", "models: {clean.a: {kind: view}}")
    assert (files.mistake.code, files.mistake.hint) == ("HW0122", "write models/clean/a.sql, or `sql:` here")


def test_a_query_in_yaml_keeps_its_lines_and_columns(files: Files) -> None:
    files.write("a.yaml", "models:\n  a:\n    sql: |\n\n      SELECT 1,\n        2;\n")
    model = files.project.models["a"]
    assert (model.query, model.query_line, model.query_column) == ("SELECT 1,\n        2", 5, 7)


def test_a_text_over_several_lines_keeps_its_value(files: Files) -> None:
    files.write("a.yaml", "models:\n  a:\n    sql: |\n      SELECT 'x\n      y'\n")
    assert files.project.models["a"].query == "SELECT 'x\ny'"


def test_models_take_the_defaults_of_the_project(files: Files) -> None:
    defaults = "timezone: Europe/Berlin\ndefaults: {owner: us, timeout: 5m, retries: {attempts: 2}}\n"
    files.write("headwater.yaml", "project: shop\n" + defaults).write("models/a.sql", "SELECT 1")
    model = files.project.models["a"]
    assert model.retries is not None
    assert (model.owner, model.timeout, model.timezone, model.retries.attempts) == ("us", 300, "Europe/Berlin", 2)


def test_macros_are_cut_at_their_semicolons(files: Files) -> None:
    files.write(
        "functions/a.sql", "-- km\nCREATE MACRO km(m) AS m || ';';\nCREATE OR REPLACE FUNCTION t() AS TABLE SELECT 1"
    )
    macros = files.project.macros
    assert macros["km"].statement == "CREATE MACRO km(m) AS m || ';'"
    assert str(macros["t"].at.where) == "functions/a.sql:3:1"


def test_a_macro_declared_twice_is_a_mistake(files: Files) -> None:
    files.write("functions/a.sql", "CREATE MACRO f(a) AS 1").write("functions/b.sql", "CREATE MACRO F(a) AS 2")
    assert files.mistakes == ["HW0125 functions/b.sql:1:1"]


@pytest.mark.parametrize("text", ["DROP TABLE x", "CREATE TABLE f(a int)", "CREATE MACRO f AS 1"])
def test_other_statements_are_no_macros(text: str, files: Files) -> None:
    assert files.write("functions/a.sql", text).mistake.code == "HW0124"


def test_a_header_that_holds_no_settings_is_a_mistake(files: Files) -> None:
    files.write("models/a.sql", "/* headwater is great */ SELECT 1")
    assert files.mistake.message == "this must be a map, not text"
