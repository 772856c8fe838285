"""The suite itself: each leak is one (its answer differs in a twin that agrees on all that is granted), each name is one."""

from collections import Counter

import pytest

from tests.policy.adversarial.cases import ALLOWED, CASES, REFUSED, Case
from tests.policy.adversarial.one_machine import answer

pytest.importorskip("duckdb")


def test_cases_are_many_and_go_by_different_names():
    assert len(REFUSED) >= 180
    assert len(ALLOWED) >= 40
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []


@pytest.mark.parametrize("case", [case for case in REFUSED if not case.silent and not case.invalid], ids=str)
def test_a_leak_tells_two_databases_apart_that_grants_do_not(case: Case):
    here, twin = answer(case, twin=False), answer(case, twin=True)
    assert "error" not in {here[0], twin[0]}, (here, twin)
    assert here != twin


@pytest.mark.parametrize("case", [case for case in REFUSED if case.silent and not case.invalid], ids=str)
def test_a_silent_leak_is_a_query_that_an_engine_takes(case: Case):
    assert answer(case, twin=False)[1] not in {"ParserException", "BinderException", "CatalogException"}


@pytest.mark.parametrize(
    "case", [case for case in ALLOWED if case.world not in {"borderless", "totals"} and case.at == "hub"], ids=str
)
def test_legal_work_gives_the_same_in_both(case: Case):
    here = answer(case, twin=False)
    assert here[0] == "rows", here
    assert here == answer(case, twin=True)
