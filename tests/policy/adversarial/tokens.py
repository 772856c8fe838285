"""Leaks through tokens and other transforms: what still tells the original."""

from typing import Any, Final

from tests.policy.adversarial.values import Case, leaks, legal
from tests.policy.adversarial.worlds import TOKEN_RULES

THROUGH: Final = {"customers": "customer-tokens", "orders": "order-tokens"}
_CUSTOMER: Final[dict[str, Any]] = TOKEN_RULES["customer-tokens"]


def _customers(**changes: Any) -> dict[str, Any]:
    """The rule about customers, changed."""
    return {"customer-tokens": {**_CUSTOMER, **changes}}


def _form(**form: Any) -> dict[str, Any]:
    return _customers(**{"as": form})


_COUNT: Final = "SELECT country, count(DISTINCT customer_id) AS n FROM customers GROUP BY country"

CASES: Final[tuple[Case, ...]] = (
    *leaks(
        "tokens are never chosen silently, and the original is denied",
        {
            "the original": "SELECT customer_id FROM customers",
            "a join without through": (
                "SELECT o.product FROM orders o JOIN customers c ON c.customer_id = o.customer_id WHERE c.country = 'DE'"
            ),
        },
        world="tokens",
        silent=True,
    ),
    *leaks(
        "under a token grant other columns stay where they are",
        {
            "a column that is not shipped": "SELECT email FROM customers",
            "a predicate on a column that is not shipped": "SELECT country FROM customers WHERE email LIKE 'a%'",
            "tokens ordered by what is not shipped": "SELECT customer_id FROM customers ORDER BY segment, customer_id",
            "an amount beside a token": "SELECT customer_id, amount FROM orders",
            "a sum beside a token": "SELECT customer_id, sum(amount) FROM orders GROUP BY customer_id",
            "a predicate on an amount": "SELECT order_id FROM orders WHERE amount = 777",
            "the row behind a token": "SELECT c FROM customers c",
        },
        world="tokens",
        through=THROUGH,
    ),
    *leaks(
        "a predicate over the original enumerates it; under the grant it would read the token",
        {
            "the original equals": "SELECT country FROM customers WHERE customer_id = 1",
            "the original in a range": "SELECT country FROM customers WHERE customer_id < 3",
            "arithmetic on the original": "SELECT customer_id + 0 FROM customers",
            "the original joined with known ids": (
                "SELECT s.score, c.country FROM suspects s JOIN customers c ON c.customer_id = s.user_id"
            ),
            "the original summed": "SELECT sum(customer_id) FROM customers",
        },
        world="tokens",
        through=THROUGH,
        silent=True,
        open=True,
    ),
    *leaks(
        "who holds the key lists the tokens of all ids",
        {"tokens for a holder": _COUNT},
        world="tokens",
        through=THROUGH,
        policies=_customers(to=["uk"]),
        at="lon",
        columns={"keys.crm": ["eu", "uk"]},
        silent=True,
    ),
    *leaks(
        "tokens joined at a holder are originals",
        {
            "tokens asked for at a holder": "SELECT o.product, c.country FROM orders o JOIN customers c USING (customer_id)"
        },
        world="tokens",
        through=THROUGH,
        policies={
            "customer-tokens": {**_CUSTOMER, "to": ["uk"]},
            "order-tokens": {**TOKEN_RULES["order-tokens"], "to": ["uk"]},
        },
        at="lon",
        columns={"keys.crm": ["eu", "uk"]},
        silent=True,
    ),
    *leaks(
        "a token without a key is a hash that can be listed",
        {"a transform without a key": _COUNT},
        world="tokens",
        through=THROUGH,
        policies=_form(transform="hmac", on=["customer_id"]),
        silent=True,
    ),
    *leaks(
        "a key that nobody declared",
        {"a key that is not there": _COUNT},
        world="tokens",
        through=THROUGH,
        policies=_form(transform="hmac", on=["customer_id"], key="other"),
        silent=True,
    ),
    *leaks(
        "a transform from outside of the closed table",
        {
            "an unkeyed hash as a transform": _COUNT,
        },
        world="tokens",
        through=THROUGH,
        policies=_form(transform="sha256", on=["customer_id"]),
        silent=True,
    ),
    *leaks(
        "an email cut after 254 characters is the email",
        {"truncate to everything": "SELECT email, country FROM customers"},
        world="tokens",
        through=THROUGH,
        policies=_customers(
            ship=["email", "country"], **{"as": {"transform": "truncate", "on": ["email"], "length": 254}}
        ),
    ),
    *leaks(
        "a prefix of 32 bits is the address",
        {"an address of 32 bits": "SELECT email, country FROM customers"},
        world="tokens",
        through=THROUGH,
        policies=_customers(ship=["email", "country"], **{"as": {"transform": "ip", "on": ["email"], "length": 32}}),
    ),
    *leaks(
        "a transform that leaves a denied column raw beside the token",
        {"the email beside the token": "SELECT customer_id, email FROM customers"},
        world="tokens",
        through=THROUGH,
        policies=_customers(ship=["customer_id", "email", "country"]),
    ),
    *leaks(
        "a deny that counts tokens, too",
        {"tokens under a deny of tokens": _COUNT},
        world="tokens",
        through=THROUGH,
        policies={"pii-stays": {"deny": {"class": "pii", "to": ["!eu"], "even": ["token"]}}},
        silent=True,
    ),
    *leaks(
        "two transforms of one column for one destination are compared with each other",
        {"a token and a rounding": _COUNT},
        world="tokens",
        through=THROUGH,
        policies={
            "customer-bands": {**_CUSTOMER, "as": {"transform": "round", "on": ["customer_id"], "step": "10"}},
        },
        silent=True,
    ),
    *leaks(
        "a rule whose predicate reads a denied original",
        {"tokens of some ids": _COUNT},
        world="tokens",
        through=THROUGH,
        policies=_customers(where="customer_id < 3"),
        silent=True,
    ),
    *legal(
        "a token is a value like any other",
        {
            "tokens": "SELECT customer_id, country FROM customers",
            "tokens joined": "SELECT o.product, c.country FROM orders o JOIN customers c USING (customer_id)",
            "tokens counted": _COUNT,
            "tokens grouped": "SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id",
            "tokens and countries": (
                "SELECT n.name, count(*) AS n FROM customers c JOIN countries n ON n.code = c.country GROUP BY n.name"
            ),
        },
        world="tokens",
        through=THROUGH,
    ),
)
