"""The charter that a site's operator approves: what it holds, and what changes it."""

from collections.abc import Callable

import pytest

from headwater.graph.encoding import decode as decode_graph
from headwater.graph.encoding import encode as encode_graph
from headwater.policy.charters import charter_of, decode, digest, encode
from tests.policy.laws import Law, lossy


@pytest.fixture
def rules(shipped: Law) -> Law:
    shipped.key("crm", "eu")
    shipped.deny("pii-stays", "pii", to="us", even=("token",))
    shipped.ship("tokens", "email", "customers", **lossy(transform="hmac", on=("email",), key="crm"))
    return shipped


def test_a_charter_survives_being_written(rules: Law) -> None:
    assert decode(encode(rules.charter)) == rules.charter
    assert digest(decode(encode(rules.charter))) == digest(rules.charter)


def test_it_is_the_same_of_a_graph_that_was_kept(rules: Law) -> None:
    assert digest(charter_of(decode_graph(encode_graph(rules.graph)))) == digest(rules.charter)


def test_secrets_stay_references(rules: Law) -> None:
    assert b"${env:KEY}" in encode(rules.charter)


def test_bytes_that_are_no_charter(rules: Law) -> None:
    with pytest.raises(ValueError, match="version 99 of the law"):
        decode(encode(rules.charter).replace(b'"law":1', b'"law":99'))
    with pytest.raises(ValueError, match="JSON"):
        decode(b"nothing")


CHANGES: list[tuple[str, Callable[[Law], object]]] = [
    ("another rule", lambda law: law.ship("more", "email", "customers")),
    ("a rule to another place", lambda law: law.ship("people", "id", "customers", to="uk")),
    ("another class of a column", lambda law: law.source("customers", "id bigint, email text public")),
    ("another source", lambda law: law.source("orders", "id bigint")),
    ("a site under another law", lambda law: law.places.update(uk="us")),
    ("another holder of a key", lambda law: law.key("crm2", "uk")),
    ("another denial", lambda law: law.deny("more", "internal", to="us")),
]


@pytest.mark.parametrize(("what", "change"), CHANGES, ids=[what for what, _ in CHANGES])
def test_what_decides_what_leaves_changes_it(rules: Law, what: str, change: Callable[[Law], object]) -> None:
    before = digest(rules.charter)
    change(rules)
    assert digest(rules.charter) != before


def test_models_and_descriptions_do_not_change_it(rules: Law) -> None:
    before = digest(rules.charter)
    rules.model("m", "SELECT id FROM customers")
    rules.ship("m-out", "id", "m", at="hub", to="uk", classes=("unclassified",))
    assert digest(rules.charter) == before


def test_where_rules_stand_does_not_change_it(shipped: Law) -> None:
    before = digest(shipped.charter)
    (rule,) = shipped.rules
    from dataclasses import replace

    shipped.rules = [replace(rule, file="elsewhere.yaml", line=77, description="because")]
    assert digest(shipped.charter) == before
