"""Runs the tests of a project's policies: each query is judged by the rules as they are; no site is asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.app.written_queries import Asked, Judged, judge
from headwater.diagnostics import Diagnostic, Invalid, error
from headwater.graph.values import Graph
from headwater.placement.values import Placed
from headwater.spec.policies import PolicyTest
from headwater.spec.project import Project
from headwater.sql.binding import Bind


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What came of one test; without diagnostics it passed."""

    test: PolicyTest
    diagnostics: tuple[Diagnostic, ...] = ()


def run_policy_test(test: PolicyTest, graph: Graph, bind: Bind) -> PolicyResult:
    """Judge a test's query as if a model at its site read it, and compare with what the test expects."""
    try:
        judged = judge(graph, bind, _asked(test))
    except Invalid as mistake:
        return PolicyResult(test, mistake.diagnostics)
    return PolicyResult(test, tuple(_wrong(test, judged)))


def problems_of_policy_tests(project: Project, graph: Graph, bind: Bind) -> Iterator[Diagnostic]:
    """Give what tests of policies name in vain, and queries that nobody could ask."""
    for test in project.policy_tests.values():
        try:
            judge(graph, bind, _asked(test))
        except Invalid as mistake:
            yield from mistake.diagnostics


def _asked(test: PolicyTest) -> Asked:
    return Asked(text=test.plan, at=test.at_sites, through=test.through, where=test.at.of("plan"))


def _wrong(test: PolicyTest, judged: Judged) -> Iterator[Diagnostic]:
    if test.expect == "allowed" and not judged.is_legal:
        hint = "what stands against it is said beside this"
        yield error("HW1288", "this was to be allowed, and is refused", test.at.of("expect"), hint=hint)
        yield from judged.refused
    elif test.expect == "refused" and judged.is_legal:
        message = f"this was to be refused, and is allowed: {_moves(judged.placed)}"
        yield error("HW1288", message, test.at.of("expect"), hint="`headwater explain` says more about it")
    elif test.because and not any(_tells(each, test.because) for each in judged.refused):
        message = f"this is refused, but no reason holds `{test.because}`"
        yield error("HW1288", message, test.at.of("because"), hint="the reasons are said beside this")
        yield from judged.refused


def _tells(reason: Diagnostic, word: str) -> bool:
    """Whether a word stands in a reason, by itself; hints do not count, since they name what would be legal."""
    alone = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    return any(alone.search(text) for text in (reason.code, reason.message))


def _moves(placed: Placed | None) -> str:
    """Say in one line what would move, by which rules."""
    said: dict[str, None] = {}
    for exchange in placed.exchanges if placed else ():
        for read in exchange.reads:
            for site, grant in read.grants.items():
                said[f"{read.relation} from {site} by {f'`{grant.rule}`' if grant.rule else 'no rule'}"] = None
    return ", ".join(said) or "nothing crosses for it"
