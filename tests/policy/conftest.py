"""A hub in the US, a site in the EU that holds customers, and nothing that lets them leave."""

import pytest

from tests.policy.laws import Law

CUSTOMERS = "id bigint, email text pii.email, country text internal, amount double financial.amount, plan text public"


@pytest.fixture
def law() -> Law:
    law = Law(hub="us", eu="eu", uk="uk")
    law.source("customers", CUSTOMERS)
    return law


@pytest.fixture
def shipped(law: Law) -> Law:
    """The rule `people` ships three columns raw."""
    law.ship("people", "id country amount", "customers")
    return law
