"""`headwater explain`: how a column gets somewhere, and why it may, or may not."""

import pytest

TOTALS = """policies:
  totals:
    ship: [bytes]
    from: visits
    to: [hub]
    as: {aggregates: [sum, count], by: {path: path}, unit: client, min_group: 10}
"""


def behind(said):
    return {f"{each['source']}.{each['column']}": each["role"] for each in said.document["behind"]}


def codes(said):
    return {each["code"] for each in said.document["diagnostics"]}


def test_a_column_is_explained_by_what_carries_it(crossed):
    said = crossed("explain", "traffic.bytes")
    assert said.code == 0
    assert "eu, uk → hub for traffic: partial aggregates of visits (x1)" in said.out
    assert "carries bytes (raw)" in said.out
    assert "by traffic (policies.yaml:2): ship path, bytes of visits from eu, uk to us" in said.out
    assert "How much is read, never by whom" in said.out


def test_columns_that_only_decide_are_told_from_values(crossed):
    assert behind(crossed("explain", "traffic.bytes", "--json")) == {"visits.bytes": "value", "visits.path": "control"}
    assert "decides by path (raw)" in crossed("explain", "traffic.bytes").out


def test_a_whole_node_is_explained(crossed):
    assert behind(crossed("explain", "traffic", "--json")) == {"visits.bytes": "value", "visits.path": "value"}


def test_what_stands_on_other_tables_is_explained_down_to_the_sources(crossed):
    said = crossed("explain", "busy.path", "--json")
    assert behind(said) == {"visits.path": "value", "visits.bytes": "control"}
    assert {each["node"] for each in said.document["ways"]} == {"traffic"}


def test_classes_are_said(crossed):
    (client,) = crossed("explain", "visits.client", "--json").document["behind"]
    assert (client["class"], client["sites"]) == ("pii.ip", ["eu", "uk"])


def test_the_newest_certificates_are_named(crossed):
    ways = crossed("explain", "traffic.bytes", "--json").document["ways"]
    found = {each["from"]: each["last"] for each in ways}
    audit = {
        each["details"]["from"]: each["sequence"] for each in crossed("audit", "--kind", "exchange", "--json").document
    }
    assert {site: each["sequence"] for site, each in found.items()} == audit
    assert (found["eu"]["rows"], found["eu"]["environment"]) == (2, "dev")


def test_what_never_ran_has_no_certificate(apart):
    said = apart("explain", "traffic", "--json")
    assert (said.code, [each["last"] for each in said.document["ways"]]) == (0, [None, None])


def test_what_a_source_may_not_send_is_refused_with_a_way_out(crossed):
    said = crossed("explain", "visits.client")
    assert said.code == 3
    assert "`visits.client` may not leave `eu` for `us`" in said.out
    assert "a rule such as" in said.out


def test_a_flow_to_another_place_is_judged_for_that_place(crossed):
    assert codes(crossed("explain", "busy@uk", "--json")) == {"HW1232"}
    assert crossed("explain", "busy@hub").code == 0
    assert codes(crossed("explain", "visits.path@uk", "--json")) == {"HW1220"}


def test_a_model_that_is_forbidden_says_why(apart):
    apart.write("models/who.sql", "SELECT client FROM visits\n")
    assert codes(apart("explain", "who", "--json")) == {"HW1220"}
    assert apart("explain", "traffic").code == 0


def test_a_query_is_judged_as_if_a_model_read_it(crossed):
    said = crossed("explain", "SELECT path FROM visits WHERE client = 'x'", "--json")
    assert (said.code, codes(said)) == (3, {"HW1220"})
    assert behind(said) == {"visits.path": "value", "visits.client": "control"}


def test_a_query_that_is_legal_shows_what_would_move(crossed):
    said = crossed("explain", "SELECT b.path, max(v.bytes) AS most FROM visits v JOIN busy b USING (path) GROUP BY ALL")
    assert said.code == 0
    assert "eu, uk → hub: " in said.out
    assert "eu, uk → hub for traffic: " in said.out


def test_a_query_may_be_asked_elsewhere(crossed):
    assert codes(crossed("explain", "SELECT path FROM visits", "--at", "uk", "--json")) == {"HW1220"}


def test_a_query_may_read_through_a_rule(apart):
    apart.write("policies.yaml", TOTALS)
    apart.write("models/traffic.sql", "SELECT 'none' AS path, 1 AS bytes\n")
    query = "SELECT path, sum(bytes) AS bytes FROM visits GROUP BY path"
    assert codes(apart("explain", query, "--json")) == {"HW1223"}
    said = apart("explain", query, "--through", "visits=totals", "--json")
    assert said.code == 0
    (way, _) = said.document["ways"]
    assert {each["column"]: each["form"] for each in way["columns"]} == {"bytes": "aggregate", "path": "raw"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nobody"], "HW1286"),
        (["traffic.nothing"], "HW1286"),
        (["traffic@mars"], "HW1286"),
        (["SELECT nothing FROM visits"], "HW1287"),
        (["SELECT path FROM visits", "--at", "mars"], "HW1287"),
        (["SELECT path FROM visits", "--through", "visits=nothing"], "HW1287"),
        (["SELECT path FROM visits", "--through", "busy=traffic"], "HW1287"),
    ],
)
def test_what_names_nothing_is_said(crossed, arguments, code):
    said = crossed("explain", *arguments, "--json")
    assert (said.code, codes(said)) == (1, {code})


@pytest.mark.parametrize("arguments", [["traffic", "--at", "uk"], ["SELECT 1 AS a", "--through", "visits"]])
def test_options_that_mean_nothing_are_misuse(crossed, arguments):
    assert crossed("explain", *arguments).code == 2


def test_without_sites_nothing_crosses(applied):
    said = applied("explain", "sales")
    assert (said.code, "Nothing of it crosses" in said.out) == (0, True)
