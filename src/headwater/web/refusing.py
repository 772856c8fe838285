"""How a request is refused: the status of each kind of failure, and its diagnostics as JSON."""

import logging
from typing import Any, Final

import msgspec
from starlette.responses import Response

from headwater.diagnostics import Broken, Conflict, Diagnostic, HeadwaterError, Refused, Retryable, error

LOG: Final = logging.getLogger("headwater.web")
JSON: Final = "application/json"
_UNKNOWN: Final = frozenset(
    {
        "HW0250",
        "HW0251",
        "HW0555",
        "HW0608",
        "HW0609",
        "HW1082",
        "HW1089",
        "HW1122",
        "HW1145",
        "HW1152",
    }
)
"""What is asked for is not there."""
_TOO_EARLY_OR_LATE: Final = frozenset(
    ("HW0540", "HW0551", "HW1121", "HW1124", "HW1125", "HW1146", "HW1148", "HW1151", "HW1153")
)
"""It is there, but this cannot be done with it now."""
_AWAY: Final = 503
_BUSY: Final = frozenset({"HW0605"})
"""It may well work in a moment."""


class Refusal(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, diagnostic: Diagnostic, headers: dict[str, str] | None = None) -> None:
        super().__init__(diagnostic.message)
        self.status, self.diagnostics, self.headers = status, (diagnostic,), headers or {}

    @classmethod
    def of(cls, status: int, code: str, message: str, *, hint: str = "", **headers: str) -> "Refusal":
        """Make one; ``headers`` by their names with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, error(code, message, hint=hint), named)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: its stable code, and what to do about it."""

    code: str
    severity: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    hint: str


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused."""

    diagnostics: list[Problem]


def status_of(problem: HeadwaterError) -> int:
    """Give the status that an error stands for."""
    codes = {each.code for each in problem.diagnostics}
    if codes & _UNKNOWN:
        return 404
    if codes & _BUSY or isinstance(problem, (Retryable, Broken)):
        return _AWAY
    if codes & _TOO_EARLY_OR_LATE or isinstance(problem, Conflict):
        return 409
    return 403 if isinstance(problem, Refused) else 422


def refused(problem: Exception) -> Response:
    """Answer a failure, whatever it is; a defect of ours is logged with its trace and told without."""
    if isinstance(problem, Refusal):
        return document(problem.status, problem.diagnostics, problem.headers)
    if isinstance(problem, HeadwaterError):
        status = status_of(problem)
        return document(status, problem.diagnostics, {"Retry-After": "1"} if status == _AWAY else {})
    LOG.error("a request failed", exc_info=problem)
    message = f"internal error ({type(problem).__name__}): this is a defect of Headwater"
    return document(500, (error("HW0999", message, hint="the server's log holds the trace; please report it"),))


def document(status: int, found: tuple[Diagnostic, ...], headers: dict[str, str] | None = None) -> Response:
    """Give diagnostics as an answer."""
    body: dict[str, Any] = {"diagnostics": [each.as_json() for each in found]}
    return Response(msgspec.json.encode(body), status, headers, media_type=JSON)
