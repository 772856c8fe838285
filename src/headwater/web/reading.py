"""Reads what is asked: the caller's token, the parts of the path, the query, the body; each wrong thing is refused."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request

from headwater.app.access import Caller, Role, may, recognise
from headwater.app.workspace import Workspace
from headwater.project.names import MAX_LENGTH, shown
from headwater.web.refusing import JSON, Refusal

# A string that does not end takes the rest: nothing is ever looked at twice.
_NESTING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_AT: Final = re.compile(r" - at `\$?\.?(.*)`$")


def caller_of(workspace: Workspace, headers: Headers, needed: Role) -> Caller:
    """Say who calls; Refusal with 401 without a good token, with 403 if its role does not allow it."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    found = recognise(workspace, given.strip()) if kind.lower() == "bearer" else None
    if found is None:
        hint = "send `Authorization: Bearer TOKEN`; `headwater token create` makes one"
        message = "a token is needed" if not given else "the token is not known, has expired, or was revoked"
        raise Refusal.of(401, "HW1085", message, hint=hint, WWW_Authenticate="Bearer")
    if not may(found.role, needed):
        hint = f"`headwater token create NAME --role {needed}` makes a token that may"
        raise Refusal.of(403, "HW1086", f"this needs the role {needed}; `{found.name}` is a {found.role}", hint=hint)
    return found


def path_of(given: Mapping[str, str]) -> dict[str, str]:
    """Give the parts of a path; Refusal with 404 for what can be nobody's name."""
    for name, text in given.items():
        if not text.isprintable() or len(text) > MAX_LENGTH or text != text.strip() or "/" in text:
            raise Refusal.of(404, "HW1089", f"there is no {name} `{shown(text)}`")
    return dict(given)


def query_of(given: QueryParams, shape: type | None) -> Any:
    """Read the query by its shape; Refusal with 422 for what it does not know, or cannot take."""
    pairs = given.multi_items()
    if shape is None and not pairs:
        return None
    values = dict(pairs)
    if len(values) < len(pairs) or shape is None:
        wrong = next((name for name, _ in pairs if given.getlist(name)[1:]), None) or next(iter(values))
        what = "is written twice" if shape is not None else "is not known here"
        raise Refusal.of(422, "HW1088", f"in the query: `{shown(wrong)}` {what}")
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as problem:
        raise Refusal.of(422, "HW1088", f"in the query: {_said(problem)}") from None


async def body_bytes(request: Request, most: int) -> bytes:
    """Read the body; Refusal with 413 as soon as it is too long."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and len(length) < 20 and int(length) <= most:  # noqa: PLR2004 - more digits: too long
        pieces, size = [], 0
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                break
            pieces.append(piece)
        else:
            return b"".join(pieces)
    raise Refusal.of(413, "HW1087", f"the body is longer than {most:,} bytes", Connection="close")


def body_of(raw: bytes, content_type: str, shape: Any, depth: int) -> Any:
    """Read a JSON body by its shape; Refusal with 415, 400 (no JSON) or 422 (not what is asked for)."""
    if raw and content_type.partition(";")[0].strip().lower() != JSON:
        raise Refusal.of(415, "HW1092", "the body must be JSON", hint=f"send `Content-Type: {JSON}`")
    if nesting(raw) > depth:
        raise Refusal.of(400, "HW1091", f"the body is nested more than {depth} times")
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except msgspec.ValidationError as problem:
        raise Refusal.of(422, "HW1088", f"in the body: {_said(problem)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Refusal.of(400, "HW1091", f"the body is no JSON: {shown(str(problem))}") from None


def nesting(raw: bytes) -> int:
    """Count how deep brackets stand in brackets, outside of strings.

    >>> nesting(b'{"a": ["[[", []]}')
    3
    """
    depth = deepest = 0
    for match in _NESTING.finditer(raw):
        if match[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in b"]}":
            depth -= 1
    return deepest


def _said(problem: Exception) -> str:
    """Say it with the name of the field first.

    >>> _said(ValueError("Invalid enum value 'weird' - at `$.status`"))
    "`status`: invalid enum value 'weird'"
    """
    text = str(problem)
    place = _AT.search(text)
    said = shown(_AT.sub("", text).replace("Object ", "it ") if place else text)
    said = said[:1].lower() + said[1:]
    return f"`{shown(place[1])}`: {said}" if place else said
