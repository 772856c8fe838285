"""Which grant a query is read by, and what a refusal says."""

from headwater.policy.values import Chosen
from tests.policy.laws import Law, lossy


def test_a_raw_rule_covers_values_and_conditions_alike(shipped: Law) -> None:
    assert shipped.by("customers", "id amount") == "people"
    assert shipped.refused("customers", "id email").code == "HW1220"


def test_public_columns_are_read_without_a_rule(shipped: Law) -> None:
    assert shipped.by("customers", "plan") == ""


def test_how_many_rows_there_are_is_information(law: Law) -> None:
    law.source("notes", "id bigint")
    assert law.refused("notes", "").message == (
        "the number of rows of `notes` may not leave `eu` for `us`: no rule ships it there"
    )
    assert law.by("customers", "") == ""  # it goes with its public column


def test_two_rules_do_not_grant_the_linkage_of_their_columns(law: Law) -> None:
    law.ship("ids", "id", "customers")
    law.ship("lands", "country", "customers")
    assert law.by("customers", "id") == "ids"
    assert law.refused("customers", "id country").code == "HW1220"


def test_of_several_rules_the_one_of_the_fewest_columns_is_taken_then_by_name(law: Law) -> None:
    law.ship("wide", "id country amount", "customers")
    law.ship("b", "id country", "customers")
    law.ship("a", "id amount", "customers")
    assert [law.by("customers", each) for each in ("id", "country", "id country amount")] == ["a", "b", "wide"]


def test_all_columns_are_meant_by_a_star(shipped: Law) -> None:
    assert shipped.refused("customers", "*").message == (
        "`customers.email` may not leave `eu` for `us`: no rule ships it there"
    )


def test_each_site_must_grant_it(law: Law) -> None:
    law.source("customers", "id bigint, country text", at=("eu", "uk"))
    law.ship("people", "id", "customers")
    found = law.choose("customers", "id", sites="eu uk")
    assert not isinstance(found, Chosen)
    assert [refusal.site for refusal in found] == ["uk"]


# Predicates


def test_rows_must_be_asked_for_as_the_rule_has_them(law: Law) -> None:
    law.ship("big", "id amount", "customers", where="amount > 100")
    assert law.by("customers", "id amount", where="amount > 500") == "big"
    assert law.by("customers", "id amount", where="amount > 100 AND id = 3") == "big"
    assert law.refused("customers", "id amount", where="amount > 50").code == "HW1221"


def test_a_predicate_is_never_added_silently(law: Law) -> None:
    law.ship("big", "id amount", "customers", where="amount > 100")
    found = law.refused("customers", "id")
    assert (found.code, "(amount > 100)" in found.hint) == ("HW1221", True)


def test_a_rule_without_conditions_is_enough(law: Law) -> None:
    law.ship("big", "id amount", "customers", where="amount > 100")
    law.ship("whole", "id amount country", "customers")
    assert law.by("customers", "id") == "whole"
    assert law.by("customers", "id", where="amount > 100") == "big"


# Forms


def test_a_rule_that_changes_rows_is_never_chosen_silently(law: Law) -> None:
    law.key("crm", "eu")
    law.ship("tokens", "id email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    found = law.refused("customers", "id email")
    assert (found.code, found.hint) == (
        "HW1223",
        "`through: {customers: tokens}` reads that instead; it is never chosen silently",
    )
    assert law.by("customers", "id email", through="tokens") == "tokens"


def test_a_named_rule_must_give_what_is_read(law: Law) -> None:
    law.key("crm", "eu")
    law.ship("tokens", "id email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    found = law.refused("customers", "id amount", through="tokens")
    assert found.code == "HW1224"
    assert "customers.amount" in found.message


def test_a_named_rule_must_be_there(law: Law) -> None:
    assert law.refused("customers", "plan", through="tokens").code == "HW1224"


def test_why_a_named_rule_grants_nothing_is_said(law: Law) -> None:
    law.key("crm", "eu us")
    law.ship("tokens", "id email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    assert law.refused("customers", "id", through="tokens").code == "HW1225"


# What a refusal says


def test_a_refusal_names_the_column_the_place_and_a_rule_to_write(law: Law) -> None:
    found = law.refused("customers", "id email")
    assert found.message == "`customers.email`, `customers.id` may not leave `eu` for `us`: no rule ships it there"
    assert str(found.where) == "models/m.sql:3:5"
    assert found.hint == "a rule such as `ship: [email, id]`, `from: customers@eu`, `to: [us]`"


def test_a_refusal_names_the_rule_that_stands_against_it_and_where(law: Law) -> None:
    law.ship("people", "id email", "customers")
    law.deny("pii-stays", "pii", to="us")
    found = law.refused("customers", "id email")
    assert (found.code, found.message) == (
        "HW1222",
        "`customers.email` may not leave `eu` for `us`: `pii-stays` denies it",
    )
    assert "policies.yaml:2" in found.hint


def test_a_rule_that_is_wrong_says_so_itself(law: Law) -> None:
    law.ship("people", "id emial", "customers")
    assert law.refused("customers", "id").code == "HW1234"
