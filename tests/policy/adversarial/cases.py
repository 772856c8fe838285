"""All cases, in the order in which they are told."""

from typing import Final

from tests.policy.adversarial import cells, control, places_crossed, spelling, tokens, values_shown, work
from tests.policy.adversarial.values import Case

CASES: Final[tuple[Case, ...]] = (
    *control.CASES,
    *values_shown.CASES,
    *spelling.CASES,
    *cells.CASES,
    *tokens.CASES,
    *places_crossed.CASES,
    *work.CASES,
)
REFUSED: Final = tuple(case for case in CASES if not case.allowed and not case.open)
ALLOWED: Final = tuple(case for case in CASES if case.allowed)
OPEN: Final = tuple(case for case in CASES if case.open)
