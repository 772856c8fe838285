"""What went wrong, as values that a person can act on, and the few exceptions that tell a caller what to do next.

A mistake in somebody's files is never an exception: functions that can find several return ``(value, diagnostics)``.
The exceptions say only how to go on::

    HeadwaterError          carries diagnostics; what a command prints and exits with
    ├── Invalid             the user's files or arguments are wrong: mend them (exit 1)
    │   └── RowsRefused     rows break what their model promises: its key, its slot (exit 6, as a failed check)
    ├── Refused             policy or protection forbids it (exit 3)
    ├── Conflict            someone else moved it: plan again (exit 4)
    ├── Retryable           the same attempt may succeed later (a file changed while it was read)
    ├── Broken              the environment is unusable: do not retry (exit 5)
    └── Cancelled           somebody, or the run's deadline, has stopped it: the next run goes on from there (exit 7)
"""

from headwater.diagnostics.catalogue import CATALOGUE
from headwater.diagnostics.concealing import conceal
from headwater.diagnostics.errors import (
    Broken,
    Cancelled,
    Conflict,
    HeadwaterError,
    Invalid,
    Refused,
    Retryable,
    RowsRefused,
)
from headwater.diagnostics.values import Diagnostic, Severity, Where, error, has_errors, suggest, warning

__all__ = [
    "CATALOGUE",
    "Broken",
    "Cancelled",
    "Conflict",
    "Diagnostic",
    "HeadwaterError",
    "Invalid",
    "Refused",
    "Retryable",
    "RowsRefused",
    "Severity",
    "Where",
    "conceal",
    "error",
    "has_errors",
    "suggest",
    "warning",
]
