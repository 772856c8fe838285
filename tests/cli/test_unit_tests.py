"""`headwater test`: results for people, for machines, for build servers."""

import xml.etree.ElementTree as ET

import pytest


@pytest.fixture
def failing(headwater):
    headwater.edit("tests/sales.yaml", "revenue: 11.00", "revenue: 12.00")
    return headwater


def test_passing_tests_are_named(headwater):
    said = headwater("test")
    assert said.code == 0
    assert said.out.startswith("✓ revenue is quantity times price")
    assert "1 passed in" in said.out


def test_a_failing_test_shows_the_rows_and_columns_that_differ(failing):
    said = failing("test")
    assert said.code == 6
    shown = [line.split() for line in said.out.splitlines()]
    assert ["-", "tea", "2", "12.00"] in shown
    assert ["+", "tea", "2", "11.00"] in shown
    assert "tests/sales.yaml:3" in said.out


def test_results_are_a_document(failing):
    (result,) = failing("test", "--json").document["results"]
    assert (result["test"], result["passed"]) == ("revenue is quantity times price", False)
    assert result["differing"][0]["columns"] == ["revenue"]


def test_check_finds_what_a_test_names_in_vain(headwater):
    headwater.edit("tests/sales.yaml", "revenue: 11.00", "revenu: 11.00")
    said = headwater("check")
    assert said.code == 1
    assert "did you mean `revenue`?" in said.out
    assert headwater("plan").code == 0  # tests bind nobody else


def parsed(project, folder):
    project("test", "--junit", folder / "reports" / "junit.xml")
    return ET.parse(folder / "reports" / "junit.xml").getroot()  # noqa: S314 - we wrote it


def test_results_are_junit_xml(failing, tmp_path):
    suites = parsed(failing, tmp_path)
    assert (suites.get("tests"), suites.get("failures")) == ("1", "1")
    assert "12.00" in suites.find("testsuite/testcase/failure").text


def test_tests_are_chosen_by_name_or_model(headwater):
    assert "1 passed" in headwater("test", "sales").out
    assert "1 passed" in headwater("test", "revenue*").out
    assert headwater("test", "nothing").code == 1


def test_a_model_that_cannot_run_is_a_diagnostic_in_its_test(headwater):
    headwater.edit("tests/sales.yaml", "quantity: 2", "quantity: two")
    said = headwater("test")
    assert said.code == 6
    assert "error[HW04" in said.out


def test_odd_texts_are_shown_as_text(failing, tmp_path):
    failing.edit("tests/sales.yaml", "revenue is quantity times price:", "'<odd> & \"quoted\"':")
    failing.edit("tests/sales.yaml", "product: tea", 'product: "\\e[31mtea"')
    assert "\x1b" not in failing("test").out
    assert parsed(failing, tmp_path).find("testsuite/testcase").get("name") == '<odd> & "quoted"'


def test_a_new_test_is_written_and_passes(headwater):
    said = headwater("test", "--new", "sales")
    assert said.code == 0
    assert said.out.startswith("✓ tests/sales.yaml: sales on real rows\n")
    assert "2 passed" in headwater("test").out
    assert headwater("test", "--new", "sales").code == 1


def test_a_new_test_can_be_printed_only(headwater):
    said = headwater("test", "--new", "sales", "--print", "--name", "another")
    assert said.out.startswith("tests:\n  another:\n    model: sales\n")
    assert "1 passed" in headwater("test").out


def test_a_new_test_is_a_document(headwater):
    document = headwater("test", "--new", "sales", "--rows", "2", "--json").document
    assert (document["test"], document["given"]) == ("sales on real rows", {"orders": 2})


def test_how_to_make_a_test_is_said_with_new_only(headwater):
    assert headwater("test", "--rows", "3").code == 2
    assert headwater("test", "sales", "--new", "sales").code == 2
