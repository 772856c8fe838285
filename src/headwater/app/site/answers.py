"""How an attempt at a site ends without an answer: as a word of the closed list, whatever happened inside."""

import errno
import traceback
from typing import Final

from headwater.app.site.homes import Home
from headwater.connectors.stores.failures import explain
from headwater.diagnostics import HeadwaterError, Retryable


class Unanswered(Exception):
    """There is no answer; the word (see ``connect.outcomes``) is all that leaves."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


_CODES: Final = {
    "HW0508": "interrupted",
    "HW0503": "interrupted",
    "HW0512": "vanished",
    "HW0530": "key",
    "HW0656": "inexact",
    "HW1262": "home",
    "HW1263": "chain",
}
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM})


def word_of(problem: BaseException, home: Home) -> str:
    """Give the word for a problem; what it really was is written to the site's own log."""
    import duckdb

    if isinstance(problem, Unanswered):
        return problem.word
    home.note("".join(traceback.format_exception(problem)).rstrip())
    if isinstance(problem, HeadwaterError):
        codes = [_CODES[each.code] for each in problem.diagnostics if each.code in _CODES]
        return codes[0] if codes else "moved" if isinstance(problem, Retryable) else "unreadable"
    if isinstance(problem, duckdb.Error):
        return _of_engine(problem)
    if isinstance(problem, MemoryError) or (isinstance(problem, OSError) and problem.errno in _FULL):
        return "exhausted"
    return "failed"


def _of_engine(problem: Exception) -> str:
    import duckdb

    if isinstance(problem, duckdb.InterruptException):
        return "interrupted"
    found = explain(problem, "\0")
    if isinstance(problem, duckdb.OutOfMemoryException) or (found is not None and found.code == "HW0652"):
        return "exhausted"
    if found is not None and found.code == "HW0651":
        return "inexact"
    return "unreadable" if isinstance(problem, duckdb.IOException) else "failed"
