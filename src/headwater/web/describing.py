"""Describes the API as OpenAPI 3.1, from the routes and the very types that they read and write."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec

from headwater.web.answering import EndAnswer
from headwater.web.outside import OUTSIDE, Outside
from headwater.web.refusing import JSON, Refusals
from headwater.web.routing import Route
from headwater.web.table import ROUTES

_REF: Final = "#/components/schemas/{name}"
REFUSALS: Final = {
    400: "the request cannot be read",
    401: "no token, or one that is not good",
    403: "the token's role does not allow it, or a protection does not",
    404: "there is no such thing",
    409: "it cannot be done now: somebody else was first, or it has ended",
    413: "the body is too long",
    415: "the body is not JSON",
    422: "what is asked for cannot be",
    429: "too much at once: try again later",
    500: "a defect of Headwater",
    503: "the state cannot be used at the moment",
}
_ABOUT: Final = (
    "What people see and do with the command line, for programs. Send `Authorization: Bearer TOKEN`; "
    "`headwater token create` makes tokens. A viewer reads; an operator also triggers, cancels, pauses and backfills; "
    "an admin also rolls back and makes tokens. Every refusal says why, with a stable code."
)


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """Give the description."""
    from headwater import __version__

    types = [kind for route in ROUTES for kind in (route.gives, route.body, route.query) if kind is not None]
    types += [Refusals, EndAnswer, *(each.gives for each in OUTSIDE if each.gives is not None)]
    unique = list({id(kind): kind for kind in types}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    by_type = {id(kind): schema for kind, schema in zip(unique, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.full_path, {})[route.method.lower()] = _operation(route, by_type, components)
    for each in OUTSIDE:
        paths.setdefault(each.path, {})[each.method.lower()] = _outside(each, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headwater", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {name: components[name] for name in sorted(components)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, by_type: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.summary,
        "description": f"Needs the role `{route.needs}`.",
        "parameters": [*map(_path_parameter, route.names), *_query(route, components)],
        "responses": {str(route.status): _answer(route, by_type)} | dict(_refused(statuses(route), by_type)),
    }
    if route.body is not None:
        described["requestBody"] = {"required": False, "content": {JSON: {"schema": by_type[id(route.body)]}}}
        required = components.get(getattr(route.body, "__name__", ""), {}).get("required")
        described["requestBody"]["required"] = bool(required)
    return described


def statuses(route: Route) -> list[int]:
    """List the statuses with which a route may refuse."""
    found = {400, 401, 403, 422, 429, 500, 503, *route.refuses}
    found |= {404} if route.names else set()
    found |= {413, 415, 409} if route.body is not None else {409} if route.method == "DELETE" else set()
    return sorted(found)


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 100}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(route: Route, components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    shape = components[route.query.__name__]
    for name, schema in shape["properties"].items():
        own = dict(schema)
        # A query has no null: what may be left out is not sent.
        options = [each for each in own.get("anyOf", ()) if each.get("type") != "null"]
        if len(options) == 1:
            own = {key: value for key, value in own.items() if key != "anyOf"} | options[0]
        if own.get("default", 0) is None:
            del own["default"]
        text = own.pop("description", "")
        yield {"name": name, "in": "query", "required": False, "schema": own} | ({"description": text} if text else {})
    if route.streams:
        text = "the `id` of the last event that was read"
        schema = {"type": "string"}
        yield {"name": "Last-Event-ID", "in": "header", "required": False, "schema": schema, "description": text}


def _answer(route: Route, by_type: dict[int, Any]) -> dict[str, Any]:
    if route.streams:
        text = "events `log`, then `end`"
        data = {
            "type": "string",
            "contentMediaType": JSON,
            "contentSchema": {"anyOf": [by_type[id(route.gives)], by_type[id(EndAnswer)]]},
        }
        event = {"event": {"enum": ["log", "end"]}, "id": {"type": "string"}, "data": data}
        schema = {"type": "object", "required": ["event", "data"], "properties": event}
        return {"description": text, "content": {"text/event-stream": {"schema": schema}}}
    return {"description": "done", "content": {JSON: {"schema": by_type[id(route.gives)]}}}


def _refused(statuses: list[int], by_type: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    schema = {JSON: {"schema": by_type[id(Refusals)]}}
    for status in statuses:
        yield str(status), {"description": REFUSALS[status], "content": schema}


def _outside(each: Outside, by_type: dict[int, Any]) -> dict[str, Any]:
    schema = by_type[id(each.gives)] if each.gives is not None else {"type": "string"}
    answers = {
        str(status): {"description": text, "content": {each.media: {"schema": schema}}} for status, text in each.answers
    }
    described: dict[str, Any] = {
        "operationId": each.name,
        "tags": ["Watching" if each.method == "GET" else "Webhooks"],
        "summary": each.summary,
        "parameters": [*map(_path_parameter, each.names), *each.headers],
        "responses": answers | dict(_refused(list(each.refuses), by_type)),
    }
    if each.open:
        described["security"] = []
    if each.method == "POST":
        described["requestBody"] = {"required": True, "content": {"*/*": {"schema": {"type": "string"}}}}
    return described
