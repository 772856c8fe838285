"""Where rows may be: the rules by which they came bind every later hop."""

from dataclasses import replace

from headwater.graph.values import SinkNode
from headwater.policy.destinations import destinations_of, wrong_exports
from tests.policy.laws import Law


def may_be(law: Law, node: str, *reads: str) -> set[str]:
    """``reads``: ``node < source`` for each source that a node reads by the rule of its only grant."""
    used = {}
    for each in reads:
        reader, source = each.split(" < ")
        grants = law.grants(source).grants
        used[reader, source] = [grant for grant in grants if grant.rule]
    return set(destinations_of(law.graph, law.charter, used)[node])


def test_without_jurisdictions_there_is_one_place() -> None:
    law = Law()
    law.source("customers", "id bigint")
    assert may_be(law, "customers") == {""}


def test_rows_are_bound_by_the_rule_by_which_they_came(shipped: Law) -> None:
    shipped.model("m", "SELECT id FROM customers")
    assert may_be(shipped, "m", "m < customers") == {"us", "eu"}


def test_a_result_may_be_only_where_all_that_it_is_made_of_may(law: Law) -> None:
    law.source("orders", "customer bigint, product bigint")
    law.ship("people", "id country", "customers", to="us uk")
    law.ship("orders", "customer product", "orders", to="us")
    law.model("m", "SELECT c.country, o.product FROM customers AS c JOIN orders AS o ON o.customer = c.id")
    law.model("n", "SELECT count(*) AS n FROM m")
    assert may_be(law, "m", "m < customers", "m < orders") == {"us", "eu"}
    assert may_be(law, "n", "m < customers", "m < orders") == {"us", "eu"}


def test_what_lies_here_stays_here(law: Law) -> None:
    law.source("staff", "id bigint, role text public", at=("hub",))
    law.model("ids", "SELECT id FROM staff")
    law.model("roles", "SELECT role FROM staff")
    assert may_be(law, "ids") == {"us"}
    assert may_be(law, "roles") == {"us", "eu", "uk"}


def test_a_source_elsewhere_that_is_read_by_no_grant_may_be_nowhere_else(law: Law) -> None:
    law.model("m", "SELECT id FROM customers")
    assert may_be(law, "m") == {"eu"}


def test_a_rule_on_a_model_releases_it(law: Law) -> None:
    law.source("staff", "id bigint, role text", at=("hub",))
    law.model("ids", "SELECT id, role FROM staff")
    law.ship("staff-out", "id role", "ids", at="hub", to="uk", classes=("unclassified",))
    assert may_be(law, "ids") == {"us", "uk"}


def test_a_rule_on_a_model_does_not_free_what_came_by_a_grant(shipped: Law) -> None:
    shipped.model("m", "SELECT id FROM customers")
    shipped.ship("out", "id", "m", at="hub", to="uk", classes=("unclassified",))
    assert "uk" not in may_be(shipped, "m", "m < customers")


def test_a_sink_takes_rows_only_where_they_may_be(shipped: Law) -> None:
    shipped.model("m", "SELECT id FROM customers")
    sink = SinkNode(
        name="copy", from_="m", connector="csv", settings={}, mode="replace", key=(), environments=(), targets={},
        after_rollback="", restate="", file="sinks.yaml", line=4,
    )  # fmt: skip
    graph = replace(shipped.graph, sinks=(sink,))
    used = {("m", "customers"): [each for each in shipped.grants("customers").grants if each.rule]}
    may = destinations_of(graph, shipped.charter, used)
    assert list(wrong_exports(graph, may, {"copy": "us"})) == []
    (found,) = wrong_exports(graph, may, {"copy": "uk"})
    assert (found.code, str(found.where)) == ("HW1232", "sinks.yaml:4")
