"""Every leak is refused, and by the law; ordinary work is not, but for what the table of false refusals explains."""

from functools import cache
from typing import Final

import pytest

from tests.policy.adversarial.cases import ALLOWED, OPEN, REFUSED, Case
from tests.policy.adversarial.judge import Allowed, Refusal, judge

NOT_A_QUERY: Final = {"HW0204", "HW0205", "HW0112"}
"""A model that is not one SELECT, reads from outside of the project, or a rule of a form that there is not."""
NO_REASON: Final = {"HW1212"}
"""Mistakes in a test of ours, which would hide what is tested."""
FALSE_REFUSALS: Final = {
    "a pattern over shipped columns": (
        "COLUMNS(pattern) is not resolved into columns: which it takes depends on names that sources may get later;"
        " naming the columns is accepted"
    ),
}
"""Legal work that is refused all the same: case → why. An entry that is accepted by now fails, too."""
UNFINISHED: Final = {
    "EXISTS * on a shipped column": "placement cannot write the star of an EXISTS once its columns are not granted",
    "tokens joined": "placement joins tokens at a holder's place, which the site refuses: they must meet elsewhere",
    "tokens and countries": "rendering cannot write what `either` of two names means",
}
"""Legal work that will be accepted: case → what is missing for it."""

BREACHES: Final = {
    "a rule that slides by the second": (
        "aggregates take a `where` with a bare `$now`, which cuts a slot elsewhere each time: it must be truncated"
    ),
}
"""Leaks that are let through: case → what is missing. Empty when the law holds."""


def _leak(case: Case) -> object:
    why = BREACHES.get(case.name)
    return pytest.param(case, id=case.name, marks=[pytest.mark.xfail(reason=why, strict=True)] if why else [])


def _legal(case: Case) -> object:
    why = UNFINISHED.get(case.name)
    return pytest.param(case, id=case.name, marks=[pytest.mark.xfail(reason=why, strict=True)] if why else [])


@cache
def verdict(name: str) -> Allowed | Refusal:
    """Judge each case once."""
    return judge(next(case for case in (*REFUSED, *ALLOWED, *OPEN) if case.name == name))


@pytest.mark.parametrize("case", list(map(_leak, REFUSED)))
def test_a_leak_is_refused(case: Case):
    found = verdict(case.name)
    assert isinstance(found, Refusal), f"FALSE ACCEPT, {case.about}: {case.query}"
    codes = {each.code for each in found.diagnostics}
    is_law = any(code.startswith("HW12") for code in codes - NO_REASON)
    assert is_law or case.invalid or codes & NOT_A_QUERY, str(found)
    if case.because and is_law:
        assert case.because in str(found)


@pytest.mark.parametrize("case", list(map(_legal, ALLOWED)))
def test_work_that_no_rule_stands_against_is_accepted(case: Case):
    found = verdict(case.name)
    if case.name in FALSE_REFUSALS:
        assert isinstance(found, Refusal), "it is accepted by now: take it out of the table"
    else:
        assert isinstance(found, Allowed), str(found)


@pytest.mark.parametrize("case", [_leak(case) for case in REFUSED if not case.invalid])
def test_a_refusal_says_what_would_be_legal(case: Case):
    found = verdict(case.name)
    assert isinstance(found, Refusal)
    assert all(each.hint for each in found.diagnostics if each.code.startswith("HW12")), str(found)


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_what_reads_like_an_original_reads_its_token(case: Case):
    found = verdict(case.name)
    if isinstance(found, Allowed) and found.placed:
        grants = [grant for e in found.placed.exchanges for read in e.reads for grant in read.grants.values()]
        assert {grant.shape for grant in grants if grant.relation in case.through} == {"token"}
