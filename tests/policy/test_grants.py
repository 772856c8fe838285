"""What may leave a site: with no borders, with rules, and against `deny`."""

import pytest

from headwater.policy.values import Label
from headwater.spec.checks import NotNull
from tests.policy.laws import Law, lossy


def rules(law: Law, **more) -> dict[str, list[str]]:
    """Rule → the columns that it grants."""
    return {each.rule: [name for name, _ in each.columns] for each in law.grants("customers", **more).grants}


def problems(law: Law, **more) -> list[str]:
    return [each.code for each in law.grants("customers", **more).problems]


def test_without_jurisdictions_everything_moves_freely() -> None:
    law = Law()
    law.source("customers", "id bigint, email text pii.email")
    assert rules(law, to="") == {"": ["id", "email"]}


def test_within_one_jurisdiction_everything_moves_freely(law: Law) -> None:
    assert rules(law, to="eu") == {"": ["id", "email", "country", "amount", "plan"]}


def test_only_public_columns_cross_freely(law: Law) -> None:
    assert rules(law) == {"": ["plan"]}


def test_a_column_without_a_class_is_restricted(law: Law) -> None:
    law.source("notes", "id bigint, text text")
    assert law.grants("notes").grants == ()


def test_a_site_of_no_jurisdiction_sends_only_what_is_public(law: Law) -> None:
    law.source("elsewhere", "id bigint, kind text public", at=("moon",))
    found = law.grants("elsewhere", at="moon")
    assert [grant.columns for grant in found.grants] == [(("kind", "VARCHAR"),)]
    assert [each.code for each in found.problems] == ["HW1231"]


def test_public_columns_join_a_raw_rule(shipped: Law) -> None:
    assert rules(shipped)["people"] == ["id", "country", "amount", "plan"]


def test_a_rule_grants_only_where_it_says(shipped: Law) -> None:
    assert set(rules(shipped)) == {"", "people"}
    assert set(rules(shipped, to="uk")) == {""}
    shipped.source("customers", "id bigint, country text, amount double", at=("uk",))
    assert set(rules(shipped, at="uk")) == set()


def test_the_where_of_a_rule_stays_in_the_query_of_its_grant(law: Law) -> None:
    law.ship("germans", "id", "customers", where="country = 'DE'")
    grant = law.grants("customers").of_rule("germans")
    assert grant is not None
    assert "WHERE" in grant.query
    assert "country = 'DE'" in grant.query


@pytest.mark.parametrize(
    "where",
    [
        "true) UNION SELECT email, 1 FROM (SELECT 1",
        "id IN (SELECT id FROM customers)",
        "random() < 0.5",
        "count(*) > 1",
        "nobody = 1",
        "id > $other",
        "true GROUP BY ALL",
        "true) -- ",
        "row_number() OVER () = 1",
        "(",
    ],
)
def test_a_where_that_is_more_than_a_condition_grants_nothing(law: Law, where: str) -> None:
    law.ship("odd", "id", "customers", where=where)
    assert set(rules(law)) == {""}
    assert problems(law) == ["HW1230"]


def test_now_may_stand_in_a_where(law: Law) -> None:
    law.source("visits", "id bigint, ts timestamptz")
    law.ship("recent", "id ts", "visits", where="ts >= $now - INTERVAL 90 DAY")
    grant = law.grants("visits").of_rule("recent")
    assert grant is not None
    assert "$now" in grant.query


def test_deny_beats_every_rule(law: Law) -> None:
    law.ship("people", "id email country", "customers")
    law.deny("pii-stays", "pii", to="us uk")
    assert rules(law)["people"] == ["id", "country", "plan"]


def test_deny_matches_a_class_and_all_below_it_only(law: Law) -> None:
    law.ship("people", "id email country", "customers")
    law.deny("others", "pi", to="us")
    law.deny("deeper", "pii.email.work", to="us")
    assert rules(law)["people"] == ["id", "email", "country", "plan"]


def test_deny_takes_the_predicate_too(law: Law) -> None:
    law.ship("people", "id", "customers", where="email LIKE '%@example.org'")
    law.deny("pii-stays", "pii", to="us")
    assert set(rules(law)) == {""}
    assert problems(law) == ["HW1222"]


def test_deny_takes_public_columns_too(law: Law) -> None:
    law.deny("nothing-leaves", "public", to="us")
    assert rules(law) == {}


def test_a_public_column_that_is_denied_somewhere_is_bound_to_the_rest(law: Law) -> None:
    law.deny("not-there", "public", to="uk")
    assert [grant.to for grant in law.grants("customers").grants] == [{"us", "eu"}]


def test_a_rule_of_denied_columns_only_grants_nothing(law: Law) -> None:
    law.source("mails", "email text pii.email")
    law.ship("mails", "email", "mails")
    law.deny("pii-stays", "pii", to="us")
    assert law.grants("mails").grants == ()
    assert [each.code for each in law.grants("mails").problems] == ["HW1222"]


def test_a_grant_goes_only_where_all_of_its_columns_may(law: Law) -> None:
    law.ship("people", "id email", "customers", to="us uk")
    law.deny("not-to-uk", "pii", to="uk")
    us, uk = (law.grants("customers", to=to).of_rule("people") for to in ("us", "uk"))
    assert us is not None
    assert uk is not None
    assert us.to == {"eu", "us"}
    assert uk.to == {"eu", "us", "uk"}
    assert "email" not in dict(uk.columns)


def test_labels_of_the_predicate_flow_into_every_column(law: Law) -> None:
    law.ship("people", "country", "customers", where="amount > 100")
    grant = law.grants("customers").of_rule("people")
    assert grant is not None
    assert Label("customers.amount", "financial.amount") in grant.labels["country"]
    assert Label("customers.amount", "financial.amount") in grant.labels["plan"]


def test_what_decides_about_rows_is_in_the_address(law: Law) -> None:
    addresses = set()
    for where in ("", "amount > 1", "amount > 2", "country = 'DE'"):
        other = Law(**law.places)
        other.sources = law.sources
        other.ship("people", "id", "customers", where=where)
        addresses.add(other.grants("customers").of_rule("people").address)  # type: ignore[union-attr]
    assert len(addresses) == 4


def test_how_a_where_is_laid_out_is_not_in_the_address(law: Law) -> None:
    addresses = set()
    for where in ("amount > 1 AND id > 2", "amount>1 /* why */ and  id > 2"):
        other = Law(**law.places)
        other.sources = law.sources
        other.ship("people", "id", "customers", where=where)
        addresses.add(other.grants("customers").of_rule("people").address)  # type: ignore[union-attr]
    assert len(addresses) == 1


def test_a_check_that_sets_rows_aside_is_a_predicate(law: Law) -> None:
    checks = (NotNull(columns=("email",), on_fail="quarantine"),)
    law.model("clean", "SELECT id, email FROM customers", checks=checks)
    law.ship("people", "id", "clean", at="hub", to="uk", classes=("unclassified", "pii"))
    assert [each.code for each in law.model_grants("clean", to="uk").problems] == ["HW1229"]
    law.ship("mails", "id email", "clean", at="hub", to="uk", classes=("unclassified", "pii"))
    assert [each.rule for each in law.model_grants("clean", to="uk").grants] == ["mails"]


def test_a_rule_on_a_model_releases_only_the_classes_that_it_lists(law: Law) -> None:
    law.model("germans", "SELECT id FROM customers WHERE email LIKE '%.de'")
    law.ship("ids", "id", "germans", at="hub", to="uk", classes=("unclassified",))
    found = law.model_grants("germans", to="uk")
    assert found.grants == ()
    assert [(each.code, "pii.email" in each.message) for each in found.problems] == [("HW1228", True)]
    law.ship("more", "id", "germans", at="hub", to="uk", classes=("unclassified", "pii"))
    assert [each.rule for each in law.model_grants("germans", to="uk").grants] == ["more"]


def test_a_rule_on_a_column_that_is_not_there(law: Law) -> None:
    law.ship("people", "id emial", "customers")
    assert law.grants("customers").problems[0].hint == "did you mean `email`?"


# Lossy forms


def test_tokens_go_only_where_nobody_holds_their_key(law: Law) -> None:
    law.key("crm", "eu us")
    law.ship("tokens", "email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    assert problems(law) == ["HW1225"]


def test_a_key_must_be_declared(law: Law) -> None:
    law.ship("tokens", "email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    assert problems(law) == ["HW1235"]


def test_a_token_has_the_label_of_a_token(law: Law) -> None:
    law.key("crm", "eu")
    law.ship("tokens", "id email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    grant = law.grants("customers").of_rule("tokens")
    assert grant is not None
    assert grant.labels["email"] == {Label("customers.email", "pii.email", "token")}
    assert grant.to == {"us"}
    assert grant.keys == ("crm",)
    assert "crm" in grant.query
    assert "${env" not in grant.query


def test_deny_spares_tokens_unless_it_says_even(law: Law) -> None:
    law.key("crm", "eu")
    law.ship("tokens", "email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    law.deny("pii-stays", "pii", to="us")
    assert rules(law)["tokens"] == ["email", "plan"]
    law.deny("really", "pii", to="us", even=("token",))
    assert "email" not in rules(law).get("tokens", [])


def test_one_column_is_transformed_in_one_way_for_one_place(law: Law) -> None:
    law.key("crm", "eu")
    law.ship("tokens", "email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    law.ship("short", "email", "customers", **lossy(transform="truncate", on=("EMAIL",), length=3))
    assert problems(law) == ["HW1233", "HW1233"]
    assert set(rules(law)) == {""}


def test_a_rule_does_not_choose_rows_by_what_it_hides(law: Law) -> None:
    law.key("crm", "eu")
    form = lossy(transform="hmac", on=("email",), key="crm")
    law.ship("tokens", "id email", "customers", where="email LIKE 'a%'", **form)
    assert problems(law) == ["HW1230"]


def test_aggregates_of_people_say_whom_they_count(law: Law) -> None:
    law.ship("totals", "amount", "customers", **lossy(aggregates=("sum",), by={"country": "country"}))
    assert problems(law) == ["HW1227"]


def test_two_aggregates_of_one_relation_for_one_place_are_an_error(law: Law) -> None:
    for name in ("one", "other"):
        law.ship(name, "amount", "customers", **lossy(aggregates=("sum",), by={"country": "country"}, unit="id"))
    assert problems(law) == ["HW1226", "HW1226"]
    assert set(rules(law)) == {""}


def test_aggregates_leave_as_cells(law: Law) -> None:
    law.ship("totals", "amount", "customers", **lossy(aggregates=("sum",), by={"land": "country"}, unit="id"))
    grant = law.grants("customers").of_rule("totals")
    assert grant is not None
    assert (grant.shape, grant.unit, grant.min_group) == ("aggregate", "id", 10)
    assert "HAVING" in grant.query
    assert Label("customers.country", "internal") in grant.labels["land"]
    assert Label("customers.amount", "financial.amount", "aggregate") in grant.labels["sum_amount"]
    assert Label("customers.amount", "financial.amount") not in grant.labels["sum_amount"]


def test_deny_takes_the_groups_of_aggregates_but_not_their_sums(law: Law) -> None:
    law.ship("totals", "amount", "customers", **lossy(aggregates=("sum",), by={"land": "country"}, unit="id"))
    law.deny("no-amounts", "financial", to="us")
    assert "totals" in rules(law)
    law.deny("no-groups", "internal", to="us")
    assert problems(law) == ["HW1222"]


def test_deny_even_takes_the_sums_too(law: Law) -> None:
    law.ship("totals", "amount", "customers", **lossy(aggregates=("sum",), by={"land": "country"}, unit="id"))
    law.deny("no-amounts", "financial", to="us", even=("aggregate",))
    assert problems(law) == ["HW1222"]
