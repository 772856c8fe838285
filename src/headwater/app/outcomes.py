"""What a use case comes to: one value for people and machines alike."""

from dataclasses import dataclass, field

from headwater.diagnostics import Diagnostic
from headwater.plan.values import Plan
from headwater.run.cycle import Settled
from headwater.run.loaded import LoadedSinks
from headwater.spec.releases import Release

DONE, MISTAKE, REFUSED, CONFLICT, BROKEN, CHECK_FAILED, CHANGES, INTERRUPTED = 0, 1, 3, 4, 5, 6, 10, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an apply or run did. ``release`` is None if nothing became visible."""

    plan: Plan
    settled: Settled
    release: Release | None = None
    sinks: LoadedSinks = field(default_factory=LoadedSinks)
    diagnostics: tuple[Diagnostic, ...] = ()
    exit_code: int = DONE
