"""Evaluates checks: all aggregate checks of a fill in one SELECT, checks over a whole map one query each."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from headwater.graph.values import Check, Node
from headwater.run.engine import Session
from headwater.spec.quality import Measurement
from headwater.spec.releases import Verdict
from headwater.sql.text import quote_literal

_SUBJECTS_A_QUERY = 100


def fill_checks(node: Node) -> tuple[Check, ...]:
    """Give the checks that need one fill only."""
    return tuple(check for check in node.checks if check.scope == "fill")


def drift_checks(node: Node) -> tuple[Check, ...]:
    """Give the checks that compare a node's fills with those before them."""
    return tuple(check for check in node.checks if check.scope == "drift")


def map_checks(node: Node) -> tuple[Check, ...]:
    """Give the checks that need the node's whole map, or other nodes."""
    return tuple(check for check in node.checks if check.scope == "map")


def measure_fills(
    session: Session, node: Node, checks: Sequence[Check], subjects: Sequence[tuple[str, str, str]]
) -> list[Verdict]:
    """Evaluate all checks on each (subject, slot, SELECT of its rows) in one pass over the rows."""
    if not checks:
        return []
    expressions = ", ".join(f"CAST(({check.failing}) AS BIGINT)" for check in checks)
    verdicts: list[Verdict] = []
    for group in _groups(subjects):
        selects = [
            f"SELECT {quote_literal(subject)}, {quote_literal(slot)}, {expressions} FROM ({rows}) AS this"
            for subject, slot, rows in group
        ]
        for subject, slot, *counts in session.rows(" UNION ALL ".join(selects)):
            found = zip(checks, counts, strict=True)
            verdicts += [verdict_of(node, check, subject, failing or 0, slot=slot) for check, failing in found]
    return verdicts


def count_failing(session: Session, query: str) -> int:
    """Evaluate a check over a map: how many rows its query returns."""
    found = session.rows(f"SELECT count(*) FROM ({query}) AS failing_rows")
    return int(found[0][0])


def verdict_of(node: Node, check: Check, subject: str, failing: int, *, reads: str = "", slot: str = "") -> Verdict:
    """Make the record of a verdict."""
    return Verdict(
        subject=subject,
        check=check.address,
        reads=reads,
        failing=failing,
        name=check.name,
        node=node.name,
        slot=slot,
        on_fail=check.on_fail,
    )


def measurements_of(
    node: Node, fill: str, metrics: Iterable[str], values: Iterable[float | None], at: datetime
) -> Iterator[Measurement]:
    """Make the records of what was measured of a fill; what is no finite number is infinite."""
    for metric, value in zip(metrics, values, strict=True):
        number = math.inf if value is not None and not math.isfinite(value) else value
        yield Measurement(fill=fill, metric=metric, value=number, version=node.version, at=at)


def _groups(subjects: Sequence[tuple[str, str, str]]) -> Iterator[Sequence[tuple[str, str, str]]]:
    for first in range(0, len(subjects), _SUBJECTS_A_QUERY):
        yield subjects[first : first + _SUBJECTS_A_QUERY]
