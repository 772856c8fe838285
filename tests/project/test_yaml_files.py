"""YAML files: what is read, and what is said of one that cannot be."""

import copy
import os

import pytest

from tests.project.making import SOURCE, START, Files


def test_a_whole_small_pipeline_may_stand_in_one_file(files: Files) -> None:
    files.write("headwater.yaml", START + SOURCE + "models:\n  ids: {sql: SELECT id FROM orders}\n")
    assert files.project.models["ids"].query == "SELECT id FROM orders"
    assert set(files.project.sources) == {"orders"}


def test_any_file_may_hold_any_map(files: Files) -> None:
    files.write("a/b.yml", "environments: {dev: , prod: {protected: true}}\n").write("c.yaml", SOURCE)
    assert files.project.environments["prod"].protected
    assert files.project.sources["orders"].columns["id"].type == "bigint"


def test_a_directory_without_a_project_file_is_no_project(files: Files) -> None:
    (files.root / "headwater.yaml").unlink()
    assert files.load()[0] is None
    assert files.mistakes == ["HW0101 headwater.yaml"]


def test_an_empty_project_file_is_a_mistake(files: Files) -> None:
    assert files.write("headwater.yaml", "").mistakes == ["HW0111 headwater.yaml:1:1"]


def test_an_empty_yaml_file_says_nothing(files: Files) -> None:
    assert files.write("a.yaml", "").write("b.yaml", "# nothing yet\n").project.sources == {}


def test_broken_yaml_is_said_where_it_breaks(files: Files) -> None:
    files.write("a.yaml", "sources:\n  a: {connector: files\n  b: 1\n")
    assert files.mistake.code == "HW0105"
    assert str(files.mistake.where) == "a.yaml:3:4"


def test_every_mistake_of_all_files_is_said_at_once(files: Files) -> None:
    files.write("headwater.yaml", START + "keep: soon\n")
    files.write("a.yaml", "models:\n  x: {sql: SELECT 1, knd: view, every: 1 fortnight}\n")
    assert files.mistakes == ["HW0109 a.yaml:2:22", "HW0110 a.yaml:2:40", "HW0110 headwater.yaml:2:7"]


def test_an_unknown_key_comes_with_the_key_that_was_meant(files: Files) -> None:
    files.write("a.yaml", "models:\n  x:\n    sql: SELECT 1\n    descripton: hm\n")
    assert files.mistake.message == "unknown key `descripton`"
    assert files.mistake.hint == "did you mean `description`?"
    assert str(files.mistake.where) == "a.yaml:4:5"


def test_a_key_of_a_later_version_says_so(files: Files) -> None:
    files.write("headwater.yaml", START + "connections: {}\n")
    assert files.mistake.code == "HW0109"
    assert "does not read it yet" in files.mistake.hint


def test_a_project_key_in_another_file_is_sent_home(files: Files) -> None:
    files.write("a.yaml", "keep: 3d\nmodels: {}\n")
    assert files.mistake.message == "`keep` belongs into headwater.yaml"


def test_a_key_written_twice_names_the_first(files: Files) -> None:
    files.write("a.yaml", "models:\n  x:\n    sql: SELECT 1\n    sql: SELECT 2\n")
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0108", "a.yaml:4:5")
    assert "line 3" in files.mistake.message


def test_columns_that_differ_only_in_case_are_one_column_twice(files: Files) -> None:
    files.write("a.yaml", "models: {x: {sql: SELECT 1, columns: {a: text, A: text}}}\n")
    assert files.mistakes == ["HW0108 a.yaml:1:48"]


def test_a_tab_is_named(files: Files) -> None:
    files.write("a.yaml", "models:\n\tx: 1\n")
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0106", "a.yaml:2:1")


def test_aliases_that_expand_without_end_do_not_hang(files: Files) -> None:
    lines = ["models: {x: {sql: SELECT 1}}", "tests:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    files.write("a.yaml", "\n".join(lines))
    assert [d.code for d in files.load()[1]] == ["HW0107"]


def test_an_alias_that_holds_itself_is_a_mistake(files: Files) -> None:
    files.write("a.yaml", "models: &m\n  x: *m\n")
    assert files.mistake.code == "HW0107"


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 5000])
def test_nesting_without_end_does_not_crash(text: str, files: Files) -> None:
    files.write("a.yaml", "models: " + text)
    assert {d.code for d in files.load()[1]} <= {"HW0107", "HW0105"}


def test_anchors_and_merge_keys_are_read(files: Files) -> None:
    files.write("a.yaml", "models:\n  x: &x {sql: SELECT 1, owner: me}\n  y: {<<: *x, sql: SELECT 2}\n")
    assert (files.project.models["y"].query, files.project.models["y"].owner) == ("SELECT 2", "me")


def test_tags_are_not_read(files: Files) -> None:
    files.write("a.yaml", "models: {x: {sql: !!python/name:os.system SELECT 1}}\n")
    assert files.mistakes == ["HW0129 a.yaml:1:19"]


def test_several_documents_in_a_file_are_a_mistake(files: Files) -> None:
    assert files.write("a.yaml", "models: {}\n---\nmodels: {}\n").mistake.code == "HW0129"


def test_a_file_that_is_not_utf_8_is_said_where(files: Files) -> None:
    files.write("a.yaml", b"models:\n  x: {description: caf\xe9}\n")
    assert files.mistakes == ["HW0103 a.yaml:2:23"]


def test_a_nul_byte_is_said_where(files: Files) -> None:
    assert files.write("models/a.sql", b"SELECT\n 1\0").mistakes == ["HW0104 models/a.sql:2:3"]


def test_byte_order_mark_and_windows_line_ends_are_accepted(files: Files) -> None:
    files.write("headwater.yaml", b"\xef\xbb\xbfproject: shop\r\nkeep: 3d\r\n")
    files.write("models/a.sql", b"\xef\xbb\xbf/* headwater\r\nkind: view\r\n*/\r\nSELECT 1\r\n")
    model = files.project.models["a"]
    assert (model.kind, model.query, model.query_line) == ("view", "SELECT 1", 4)


def test_a_link_to_itself_is_a_file_that_cannot_be_read(files: Files) -> None:
    (files.root / "a.yaml").symlink_to("a.yaml")
    assert files.mistakes == ["HW0102 a.yaml"]


def test_a_folder_that_links_to_a_folder_above_is_searched_once(files: Files) -> None:
    files.write("models/a.sql", "SELECT 1")
    (files.root / "models" / "again").symlink_to("..", target_is_directory=True)
    project, found = files.load()
    assert [d.code for d in found] == ["HW0131"]
    assert project is not None
    assert list(project.models) == ["a"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(files: Files) -> None:
    os.mkfifo(files.root / "a.yaml")
    assert files.mistakes == ["HW0102 a.yaml"]


@pytest.mark.parametrize("folder", ["data", "out/deep", "fixtures", ".github", "node_modules/x", "sub/data"])
def test_folders_of_data_and_of_other_tools_are_not_searched(folder: str, files: Files) -> None:
    assert files.write(f"{folder}/a.yaml", "models: {x: {}}").project.models == {}


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "headwater.yaml"])
def test_virtual_environments_and_other_projects_are_not_searched(mark: str, files: Files) -> None:
    assert files.write(f"sub/{mark}", "project: other\n").write("sub/a.yaml", "models: {x: {}}").project.models == {}


def test_a_lake_in_the_project_is_not_searched(files: Files) -> None:
    files.write("headwater.yaml", START + "lake: ./lake/\n").write("lake/a.yaml", "models: {x: {}}")
    assert files.project.models == {}


@pytest.mark.parametrize("text", ["services: {db: {}}", "a: 1\n---\nb: 2\n", "{{ template }}: [", "- 1"])
def test_files_of_other_tools_are_passed_over(text: str, files: Files) -> None:
    assert list(files.write("compose.yaml", text).project.files) == ["headwater.yaml"]


def test_a_file_with_nothing_but_a_misspelt_map_is_a_mistake(files: Files) -> None:
    files.write("a.yaml", "# mine\nmodles:\n  x: {sql: SELECT 1}\n")
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0130", "a.yaml:2:1")
    assert files.mistake.hint == "did you mean `models`?"


@pytest.mark.parametrize(
    ("setting", "column"),
    [("keep: 30", 7), ("timezone: 1", 11), ("variables: [a]", 12), ("defaults: {retries: {attempts: many}}", 32)],
)
def test_a_value_of_the_wrong_type_is_said_where(setting: str, column: int, files: Files) -> None:
    assert files.write("headwater.yaml", START + setting).mistakes == [f"HW0110 headwater.yaml:2:{column}"]


@pytest.mark.parametrize("word", ["yes", "on", "1"])
def test_only_true_and_false_are_true_and_false(word: str, files: Files) -> None:
    files.write("a.yaml", f"environments: {{prod: {{protected: {word}}}}}")
    assert files.mistake.code == "HW0110"


def test_words_of_older_yaml_stay_words(files: Files) -> None:
    files.write("headwater.yaml", START + "variables: {a: no, b: 012, c: 1_0, d: 2013-01-01, e: 0.5, f: null, g: 3}\n")
    assert list(files.project.variables.values()) == ["no", "012", "1_0", "2013-01-01", 0.5, None, 3]


def test_a_choice_comes_with_the_word_that_was_meant(files: Files) -> None:
    files.write("a.yaml", "models: {x: {sql: SELECT 1, kind: incremntal}}")
    assert (files.mistake.code, files.mistake.hint) == ("HW0112", "did you mean `incremental`?")


def test_times_are_read_as_utc(files: Files) -> None:
    files.write("a.yaml", "models: {x: {sql: SELECT 1, start: 2013-01-01T01:00:00+01:00, end: 2014-01-01}}")
    model = files.project.models["x"]
    assert [str(model.start), str(model.end)] == ["2013-01-01 00:00:00+00:00", "2014-01-01 00:00:00+00:00"]


@pytest.mark.parametrize("wrong", ["2013-02-30", "soon", "1", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_a_mistake(wrong: str, files: Files) -> None:
    assert files.write("a.yaml", f"models: {{x: {{sql: SELECT 1, start: '{wrong}'}}}}").mistake.code == "HW0110"


def test_an_unknown_time_zone_is_a_mistake(files: Files) -> None:
    files.write("headwater.yaml", START + "timezone: Europe/Berln\n")
    assert (files.mistake.code, files.mistake.hint) == ("HW0126", "did you mean `Europe/Berlin`?")
    assert str(files.mistake.where) == "headwater.yaml:2:11"


@pytest.mark.parametrize("wrong", ["${env:}", "${enw:X}", "${env:X", "${keyring:service}", "${}"])
def test_a_malformed_reference_is_a_mistake_that_shows_no_text(wrong: str, files: Files) -> None:
    files.write("headwater.yaml", START + f'state: "s3cret{wrong}"\n')
    assert (files.mistake.code, str(files.mistake.where)) == ("HW0113", "headwater.yaml:2:8")
    assert "s3cret" not in files.mistake.message + files.mistake.hint


@pytest.mark.parametrize("reference", ["${env:X_1}", "${file:/run/secrets/x y}", "${keyring:service/user}"])
def test_references_stay_text(reference: str, files: Files) -> None:
    files.write("headwater.yaml", START + f'state: "postgres://u:{reference}@h"\n')
    assert files.project.state == f"postgres://u:{reference}@h"


def test_every_value_knows_its_place(files: Files) -> None:
    files.write(
        "a.yaml", "sources:\n  orders:\n    connector: files\n    path: x\n    columns:\n      id: {type: text}\n"
    )
    source = files.project.sources["orders"]
    assert str(source.at.where) == "a.yaml:2:3"
    assert str(source.at.of("path")) == "a.yaml:4:11"
    assert str(source.at.of("columns.id")) == "a.yaml:6:7"
    assert str(source.columns["id"].at.of("type")) == "a.yaml:6:18"
    assert copy.deepcopy(source).at.of("path") == source.at.of("path")


def test_a_file_that_holds_only_what_a_later_version_reads_is_remarked(files: Files) -> None:
    files.write("a.yaml", "scenarios:\n  a site is cut off: {pipeline: morning}\n")
    assert (files.mistake.code, files.mistake.severity) == ("HW0130", "warning")


@pytest.mark.parametrize("section", ["models", "sources", "environments", "tests"])
def test_an_entry_that_is_no_map_is_named(section: str, files: Files) -> None:
    files.write("a.yaml", f"{section}: {{x: 5}}")
    assert "`x` must be a map, not a whole number" in [d.message for d in files.load()[1]]


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("kind: table", "`kind: full`"),
        ("kind: incremental_by_time_range", "`every:`"),
        ("kind: scd_type_2", "`kind: history`"),
        ("kind: snapshot", "`kind: history`"),
        ("kind: incremental_by_unique_key", "`kind: merge`"),
        ("unique_key: id", "`key: [id]`"),
        ("materialized: table", "`kind:`"),
        ("tests: [unique]", "`checks:`"),
        ("cron: '@daily'", "`every:`"),
        ("every: 1 day", "write `1d`"),
        ("every: daily", "write `1d`"),
    ],
)
def test_words_of_other_tools_are_answered_with_ours(said: str, hint: str, files: Files) -> None:
    files.write("models/a.sql", f"/* headwater\n{said}\n*/\nSELECT 1 AS one")
    assert hint in files.mistake.hint
