"""The exceptions: each tells its caller how to go on, and carries the diagnostics that say why."""

from collections.abc import Iterable
from typing import Self

from headwater.diagnostics.values import Diagnostic, Where, error


class HeadwaterError(Exception):
    """The root: carries the diagnostics that explain it."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics

    @classmethod
    def of(cls, code: str, message: str, where: Where | None = None, *, hint: str = "") -> Self:
        """Make the exception with a single error."""
        return cls(error(code, message, where, hint=hint))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), self.diagnostics)


class Invalid(HeadwaterError):
    """The user's files or arguments are wrong; nothing was changed."""

    @classmethod
    def from_all(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """Carry everything found at once."""
        return cls(*diagnostics)


class RowsRefused(Invalid):
    """Rows break what their model promises of all rows, as a failed check does; what was there before is served."""


class Refused(HeadwaterError):
    """Policy or a protection forbids it."""


class Conflict(HeadwaterError):
    """Somebody else moved the environment first: plan again."""


class Retryable(HeadwaterError):
    """This attempt is void; the same attempt may succeed later."""


class Broken(HeadwaterError):
    """State, lake or machine is unusable: retrying cannot help."""


class Cancelled(HeadwaterError):
    """Somebody, or the run's own deadline, has stopped it: what was sealed is kept, and nothing became visible."""
