"""A diagnostic: one mistake or remark, where it stands, and what to do about it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from headwater.diagnostics.concealing import conceal
from headwater.diagnostics.hints import HINTS


class Severity(StrEnum):
    """How bad it is: an error stops the command, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file of the project: path relative to the project, line and column from 1 (0: unknown)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """``file:line:column`` without the unknown parts.

        >>> str(Where("models/a.sql", 3, 7)), str(Where("models/a.sql"))
        ('models/a.sql:3:7', 'models/a.sql')
        """
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: its stable code, what is wrong and where; ``length`` is how many characters to underline.

    Its words hold no secret that this process knows, whoever put it there.
    """

    code: str
    message: str
    where: Where | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    length: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", conceal(self.message))
        object.__setattr__(self, "hint", conceal(self.hint))

    def as_json(self) -> dict[str, object]:
        """The published shape: code, severity, message, file, line, column, hint."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "file": self.where.file if self.where else None,
            "line": self.where.line if self.where else None,
            "column": self.where.column if self.where else None,
            "hint": self.hint,
        }


def error(code: str, message: str, where: Where | None = None, *, hint: str = "", length: int = 1) -> Diagnostic:
    """Make an error; without a hint it gets its code's own."""
    return Diagnostic(code, message, where, hint or HINTS.get(code, ""), Severity.ERROR, length)


def warning(code: str, message: str, where: Where | None = None, *, hint: str = "", length: int = 1) -> Diagnostic:
    """Make a warning; without a hint it gets its code's own."""
    return Diagnostic(code, message, where, hint or HINTS.get(code, ""), Severity.WARNING, length)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether anything found must stop the command."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Give a hint that names the known word closest to the wrong one, or nothing.

    >>> suggest("schedul", ["select", "schedule"])
    'did you mean `schedule`?'
    >>> suggest("xyz", ["select"])
    ''
    """
    folded = {word.casefold(): word for word in known}
    close = difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[close[0]]}`?" if close else ""
