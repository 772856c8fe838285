"""Tests of policies: queries that must be refused, or allowed, by the rules as they are."""

import pytest


@pytest.fixture
def tried(apart):
    """Give what comes of one test of policies."""

    def outcome(**test):
        said = "".join(f"    {key}: {value}\n" for key, value in test.items())
        apart.write("tests.yaml", f"policy_tests:\n  it:\n{said}")
        return apart("test", "--json")

    return outcome


def codes(said):
    return [each["code"] for each in said.document["diagnostics"]]


def test_what_no_rule_ships_is_refused_as_expected(tried):
    said = tried(plan="SELECT client FROM visits", expect="refused", because="client")
    assert (said.code, said.document["tests"], said.document["failed"]) == (0, 1, 0)


def test_columns_that_only_decide_are_refused_too(tried):
    assert tried(plan="SELECT path FROM visits WHERE client = 'x'", expect="refused", because="client").code == 0


def test_what_a_rule_ships_is_allowed(tried):
    assert tried(plan="SELECT path, max(bytes) AS most FROM visits GROUP BY path", expect="allowed").code == 0


def test_a_query_that_passes_though_it_should_not_fails_with_the_rule_that_lets_it(tried):
    said = tried(plan="SELECT path FROM visits", expect="refused")
    assert said.code == 6
    (wrong,) = said.document["diagnostics"]
    assert (wrong["code"], wrong["line"]) == ("HW1288", 4)
    assert "visits from eu by `traffic`" in wrong["message"]


def test_a_query_that_is_refused_though_it_should_pass_fails_with_the_reasons(tried):
    said = tried(plan="SELECT client FROM visits", expect="allowed")
    assert (said.code, set(codes(said))) == (6, {"HW1288", "HW1220"})


def test_another_reason_than_expected_fails(tried):
    said = tried(plan="SELECT client FROM visits", expect="refused", because="bytes")
    assert (said.code, codes(said)[0]) == (6, "HW1288")


def test_a_word_of_the_hint_is_no_reason(tried):
    said = tried(plan="SELECT client, bytes FROM visits", expect="refused", because="bytes")
    assert said.code == 6


@pytest.mark.parametrize("query", ["SELEC path", "SELECT paht FROM visits", "SELECT 1 AS one FROM nowhere", "SELECT 1"])
def test_a_query_that_nobody_could_ask_is_a_mistake_with_its_place(tried, apart, query):
    said = tried(plan=query, expect="refused")
    assert (said.code, codes(said)) == (6, ["HW1287"])
    assert "tests.yaml:3" in apart("check").out + apart("check").err


def test_a_table_of_the_hub_may_go_where_its_rows_came_from_only_if_all_rules_say_so(tried):
    at_uk = {"plan": "SELECT path FROM busy", "at": "uk"}
    assert tried(**at_uk, expect="refused", because="HW1232").code == 0
    assert tried(plan="SELECT path FROM busy", at="hub", expect="allowed").code == 0


def test_inline_models_are_judged_by_what_they_read(apart, tried):
    apart.write("models/seen.sql", "/* headwater\nkind: inline\n*/\nSELECT path FROM visits\n")
    assert tried(plan="SELECT path FROM seen", expect="allowed").code == 0
    assert tried(plan="SELECT path FROM seen", at="uk", expect="refused", because="visits").code == 0


def test_tests_of_policies_stand_among_the_others(apart, tried):
    tried(plan="SELECT client FROM visits", expect="refused")
    said = apart("test")
    assert "it  policies, asked at hub" in said.out
    assert "1 passed" in said.out


def test_they_are_chosen_by_name_and_written_as_junit_xml(apart, tried, tmp_path):
    tried(plan="SELECT path FROM visits", expect="refused")
    assert apart("test", "nothing").code == 1
    assert apart("test", "i*", "--junit", tmp_path / "report.xml").code == 6
    assert 'classname="policies"' in (tmp_path / "report.xml").read_text()


def test_no_site_is_asked(apart, tried):
    tried(plan="SELECT path FROM visits", expect="allowed")
    assert not (apart.root / ".headwater/sites").exists()


def test_without_borders_everything_is_allowed(headwater):
    headwater.write("t.yaml", "policy_tests:\n  it: {plan: SELECT * FROM orders, expect: allowed}\n")
    assert headwater("test", "it").code == 0
