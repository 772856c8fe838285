"""Calls a server's API: one request at a time, with limits of time and size; what comes back is judged, not trusted."""

import http.client
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from headwater.cli.place import Place
from headwater.diagnostics import (
    Broken,
    Conflict,
    Diagnostic,
    HeadwaterError,
    Invalid,
    Refused,
    Retryable,
    Severity,
    Where,
)

_CODE: Final = re.compile(r"HW[0-9]{4}")
_PREFIX: Final = "/api/v1"
_TIMEOUT_S: Final = 30.0
_SILENT_S: Final = 60.0
"""A log that is followed says at least every 15 seconds that it is still there."""
_MOST_BYTES: Final = 256 << 20
_LONGEST_LINE: Final = 16 << 20
_KINDS: Final[Mapping[int, type[HeadwaterError]]] = {403: Refused, 409: Conflict, 429: Retryable, 503: Retryable}


class UnreachableError(Retryable):
    """Nobody answers there now."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server elsewhere. What it refuses is raised as it would be here; what went wrong on the way as HW111x."""

    place: Place

    def get(self, *path: str, **query: object) -> Any:
        """Ask for something; the path's parts are quoted, and what is None is not asked."""
        asked = urlencode({name: _said(value) for name, value in query.items() if value is not None})
        return self._call("GET", _path(path) + (f"?{asked}" if asked else ""), None)

    def post(self, *path: str, **body: object) -> Any:
        """Have something done."""
        wanted = {name: value for name, value in body.items() if value is not None}
        return self._call("POST", _path(path), json.dumps(wanted, default=_said).encode())

    def events(self, *path: str, after: int) -> Iterator[tuple[str, Any]]:
        """Give (name, data) of events as they come (SSE); it just ends if the server does."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        with self._answer("GET", _path(path), None, headers, _SILENT_S) as answer:
            if answer.status != HTTPStatus.OK or answer.headers.get_content_type() != "text/event-stream":
                self._read(answer)
                raise self.unlike("it gives no log to follow")
            yield from self._events(answer)

    def unlike(self, what: str) -> HeadwaterError:
        """Make the error that what answers is no Headwater server."""
        return Broken.of("HW1114", f"{self.place} does not answer as a Headwater server: {what}")

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
        with self._answer(method, path, body, headers, _TIMEOUT_S) as answer:
            return self._read(answer)

    @contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        place = self.place
        own = {"Authorization": f"Bearer {place.token}", "User-Agent": "headwater", **headers}
        with self._explaining(), closing(_connection(place, timeout_s)) as connection:
            connection.request(method, f"{place.base}{_PREFIX}{path}", body, own)
            yield connection.getresponse()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as problem:
            said = problem.verify_message or "it cannot be verified"
            raise Broken.of("HW1111", f"the certificate of {self.place} is not trusted: {said}") from None
        except ssl.SSLError:
            raise self.unlike("it does not speak TLS") from None
        except http.client.HTTPException as problem:
            raise self.unlike(f"what it says is no HTTP ({type(problem).__name__})") from None
        except OSError as problem:
            why = "it takes too long" if isinstance(problem, TimeoutError) else problem.strerror or "no connection"
            raise UnreachableError.of("HW1110", f"the server {self.place} cannot be reached: {why}") from None

    def _read(self, answer: http.client.HTTPResponse) -> Any:
        if 300 <= answer.status < 400:  # noqa: PLR2004 - redirects
            raise self.unlike("it sends us elsewhere, where a token must not follow")
        raw = answer.read(_MOST_BYTES + 1)
        try:
            found = json.loads(raw) if len(raw) <= _MOST_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.unlike(f"its answer ({answer.status}) is none")
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(answer.status, found)
        return found

    def _refusal(self, status: int, found: Mapping[str, Any]) -> HeadwaterError:
        diagnostics = _diagnostics(found.get("diagnostics"))
        if not diagnostics:
            return self.unlike(f"its refusal ({status}) gives no reason")
        codes = {each.code for each in diagnostics}
        if status == HTTPStatus.UNAUTHORIZED:
            return Refused.of("HW1112", f"{self.place}: {diagnostics[0].message}")
        if "HW1086" in codes:
            return Refused.of("HW1113", f"{self.place}: {diagnostics[0].message}", hint=diagnostics[0].hint)
        kind = _KINDS.get(status, Invalid if status < HTTPStatus.INTERNAL_SERVER_ERROR else Broken)
        return kind(*diagnostics)

    def _events(self, answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
        name, data = "", ""
        while line := answer.readline(_LONGEST_LINE):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            key, _, value = text.partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                data += value
            elif not text and data:
                try:
                    yield name, json.loads(data)
                except ValueError:
                    raise self.unlike("an event of its log cannot be read") from None
                name, data = "", ""


def _connection(place: Place, timeout_s: float) -> http.client.HTTPConnection:
    """Make a connection; certificates are verified against those of the system, or of SSL_CERT_FILE."""
    if place.scheme == "http":
        return http.client.HTTPConnection(place.host, place.port, timeout=timeout_s)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(place.host, place.port, timeout=timeout_s, context=context)


def _path(parts: tuple[str, ...]) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _said(value: object) -> str:
    from headwater.cli.views.encoding import plain

    return str(value).lower() if isinstance(value, bool) else plain(value)


def _diagnostics(found: object) -> tuple[Diagnostic, ...]:
    """Read what the server found wrong; what is no diagnostic is left out."""
    given = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return tuple(_diagnostic(each) for each in given if _CODE.fullmatch(str(each.get("code"))))


def _diagnostic(each: Mapping[str, Any]) -> Diagnostic:
    severity = Severity.WARNING if each.get("severity") == "warning" else Severity.ERROR
    line, column = (value if isinstance(value, int) else 0 for value in (each.get("line"), each.get("column")))
    where = Where(str(each["file"]), line, column) if each.get("file") else None
    return Diagnostic(str(each["code"]), str(each.get("message")), where, str(each.get("hint") or ""), severity)
