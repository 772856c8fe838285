"""Sources and sinks with their connectors' settings; sites, environments, pipelines and tests."""

import pytest

from tests.project.making import SOURCE, START, Files

SINK = "sinks:\n  out:\n    from: orders\n    connector: duckdb\n    path: o.db\n    table: t\n"


def test_settings_hold_every_field_of_the_connector(files: Files) -> None:
    source = files.write("a.yaml", SOURCE).project.sources["orders"]
    assert source.settings == {"path": "data/*.csv", "format": "csv", "delimiter": None, "skip": 0}


def test_a_connectors_settings_are_checked_like_all_others(files: Files) -> None:
    files.write("a.yaml", SOURCE + "    format: cvs\n    skipp: 1\n    delimiter: [x]\n")
    assert files.mistakes == ["HW0112 a.yaml:6:13", "HW0109 a.yaml:7:5", "HW0110 a.yaml:8:16"]


def test_a_required_setting_of_a_connector_is_asked_for(files: Files) -> None:
    files.write("a.yaml", SOURCE.replace("    path: data/*.csv\n", ""))
    assert (files.mistake.code, files.mistake.message) == ("HW0111", "`path` is missing")


def test_a_slip_of_a_required_key_is_named_instead_of_the_key_that_is_missing(files: Files) -> None:
    files.write("a.yaml", SOURCE.replace("connector:", "conector:"))
    assert (files.mistake.code, files.mistake.hint) == ("HW0109", "did you mean `connector`?")


def test_a_slip_of_another_required_key_is_said_once(files: Files) -> None:
    files.write("a.yaml", "tests: {counts: {modle: a, expect: []}}")
    assert (files.mistake.message, files.mistake.hint) == ("unknown key `modle`", "did you mean `model`?")


def test_an_unknown_connector_comes_with_the_one_that_was_meant(files: Files) -> None:
    files.write("a.yaml", SOURCE.replace("connector: files", "connector: file"))
    assert (files.mistake.code, files.mistake.hint) == ("HW0123", "did you mean `files`?")


def test_a_source_without_connector_or_columns_lacks_them(files: Files) -> None:
    files.write("a.yaml", "sources: {orders: {}}")
    assert [d.message for d in files.load()[1]] == ["`connector` is missing", "`columns` is missing"]


def test_a_column_of_a_source_needs_a_type(files: Files) -> None:
    files.write("a.yaml", SOURCE.replace("{type: bigint}", "{unit: min}"))
    assert files.mistakes == ["HW0111 a.yaml:5:15"]


def test_what_the_connector_refuses_is_said_at_the_node(files: Files) -> None:
    files.write("a.yaml", SINK.replace("table: t", 'table: ""'))
    assert (files.mistake.code, files.mistake.message) == ("HW0112", "a table needs a name")


def test_targets_hold_only_what_differs(files: Files) -> None:
    files.write("b.yaml", SOURCE).write("a.yaml", SINK + "    in: prod\n    targets: {prod: {path: p.db}}\n")
    sink = files.project.sinks["out"]
    assert (sink.in_, sink.targets) == (("prod",), {"prod": {"path": "p.db"}})
    assert sink.settings["partition_by"] == []


def test_targets_are_checked_like_settings(files: Files) -> None:
    files.write("a.yaml", SINK + "    targets: {prod: {pth: p.db}}\n")
    assert (files.mistake.code, files.mistake.hint) == ("HW0109", "did you mean `path`?")


def test_a_malformed_reference_in_a_setting_is_a_mistake(files: Files) -> None:
    assert files.write("a.yaml", SOURCE.replace("data/*.csv", '"${env:}"')).mistakes == ["HW0113 a.yaml:4:11"]


@pytest.mark.parametrize(
    ("at", "sites"), [("ewr", ("ewr",)), ("[ewr, jfk]", ("ewr", "jfk")), ("all", ("hub", "ewr", "jfk"))]
)
def test_a_source_is_at_its_sites(at: str, sites: tuple[str, ...], files: Files) -> None:
    files.write("a.yaml", SOURCE + f"    at: {at}\nsites: {{ewr: , jfk: }}\n")
    assert files.project.sources["orders"].at_sites == sites


def test_an_unknown_site_comes_with_the_one_that_was_meant(files: Files) -> None:
    files.write("a.yaml", SOURCE + "    at: [ewr, jkf]\nsites: {ewr: {}, jfk: {}}\n")
    assert (files.mistake.code, str(files.mistake.where), files.mistake.hint) == (
        "HW0128",
        "a.yaml:6:15",
        "did you mean `jfk`?",
    )


def test_a_project_that_declares_no_sites_has_those_it_names(files: Files) -> None:
    assert set(files.write("a.yaml", SOURCE + "    at: [ewr]\n").project.sites) == {"hub", "ewr"}


def test_a_source_takes_owner_and_time_zone_of_the_project(files: Files) -> None:
    files.write("headwater.yaml", START + "timezone: Asia/Tokyo\ndefaults: {owner: us}\n" + SOURCE)
    source = files.project.sources["orders"]
    assert (source.owner, source.timezone) == ("us", "Asia/Tokyo")


def test_a_project_without_environments_has_dev_and_prod(files: Files) -> None:
    environments = files.project.environments
    assert list(environments) == ["dev", "prod"]
    assert not environments["prod"].protected


def test_an_environment_may_be_a_template(files: Files) -> None:
    files.write("a.yaml", "environments: {prod: {approvals: 1}, pr: {template: true, from: prod, expires: 7d}}")
    pr = files.project.environments["pr"]
    assert (pr.template, pr.from_, pr.expires) == (True, "prod", 604800)


@pytest.mark.parametrize("parent", ["prd", "pr"])
def test_an_environment_starts_from_another_that_exists(parent: str, files: Files) -> None:
    files.write("a.yaml", f"environments: {{prod: {{}}, pr: {{from: {parent}}}}}")
    assert files.mistakes == ["HW0128 a.yaml:1:37"]


def test_a_pipeline_selects_one_or_several(files: Files) -> None:
    files.write("a.yaml", "pipelines: {a: {select: +x}, b: {select: [x, 'tag:ops'], publish: each}}")
    assert [p.select for p in files.project.pipelines.values()] == [("+x",), ("x", "tag:ops")]


def test_a_test_gives_rows_and_expects_rows(files: Files) -> None:
    files.write(
        "tests/t.yaml",
        "tests:\n  counts all:\n    model: a\n    slot: [2013-01-01, 2013-01-02]\n"
        "    given: {x: [{id: 1, at: 2013-01-01, gone: null}], y: {file: fixtures/y.csv}}\n    expect: {rows: [{n: 1}]}\n",
    )
    (test,) = files.project.tests
    assert test.given["x"].rows == ({"id": 1, "at": "2013-01-01", "gone": None},)
    assert (test.given["y"].file, test.expect.rows, test.expect.tolerance) == ("fixtures/y.csv", ({"n": 1},), 1e-9)


def test_retries_need_an_attempt(files: Files) -> None:
    files.write("headwater.yaml", START + "defaults: {retries: {attempts: 0}}\n")
    assert files.mistakes == ["HW0112 headwater.yaml:2:32"]
