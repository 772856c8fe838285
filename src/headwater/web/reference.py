"""The reference page of the API, from the same description that the server gives."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from headwater.web.describing import REFUSALS, description
from headwater.web.outside import OUTSIDE
from headwater.web.refusing import JSON
from headwater.web.routing import PREFIX, Route
from headwater.web.table import ROUTES

_INTRO: Final = (
    "What [`headwater serve`](cli.md) answers. Every request but `/health` and webhooks carries "
    "`Authorization: Bearer TOKEN`; [`headwater token create`](cli.md) makes tokens. A *viewer* reads, an *operator* "
    "also triggers, cancels, pauses, backfills and sends messages, an *admin* also rolls back and makes tokens. Bodies "
    f"and answers are JSON, times are ISO 8601 in UTC. A running server describes itself as OpenAPI 3.1 at "
    f"`{PREFIX}/openapi.json`."
)
_REFUSED: Final = (
    'A refusal is `{"diagnostics": […]}`: each with `code`, `message` and `hint`, as the command line\'s '
    "[diagnostics](diagnostics.md)."
)


def api_pieces() -> Iterator[str]:
    """Give the page, paragraph by paragraph."""
    found = description()
    schemas = found["components"]["schemas"]
    yield _INTRO
    yield _table(("path", "needs", ""), (_line(route) for route in ROUTES))
    yield _table(
        ("outside of it", "", ""), ((f"`{o.method} {o.path}`", "" if o.open else "viewer", o.summary) for o in OUTSIDE)
    )
    yield _REFUSED
    yield _table(("status", "means"), ((f"`{status}`", text) for status, text in REFUSALS.items()))
    for group, routes in groupby(sorted(ROUTES, key=lambda each: each.group), key=lambda each: each.group):
        yield f"## {group}"
        for route in routes:
            yield from _route(route, found["paths"][route.full_path][route.method.lower()], schemas)
    yield "## Shapes"
    for name in sorted(set(_shared(schemas))):
        yield f"### {name}"
        yield f"{schemas[name].get('description', '')}"
        yield _fields(schemas[name])


def _line(route: Route) -> tuple[str, str, str]:
    return f"`{route.method} {route.full_path}`", route.needs, route.summary


def _route(route: Route, described: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    yield f"### `{route.method} {route.full_path}`"
    yield f"{route.summary} Needs the role {route.needs}."
    asked = [each for each in described["parameters"] if each["in"] != "path"]
    if asked:
        rows = ((f"`{each['name']}`", _type(each["schema"]), _told(each["schema"], each)) for each in asked)
        yield _table(("query" if route.query else "header", "", ""), rows)
    if route.body is not None:
        shape = described["requestBody"]["content"][JSON]["schema"]
        own = schemas.get(shape.get("$ref", "").rpartition("/")[2], {})
        yield (
            _fields(own, "body") if own.get("properties") else "Body: any JSON." if not own else "Body: none, or `{}`."
        )
    content = described["responses"][str(route.status)]["content"]
    if route.streams:
        yield "Streams events (SSE): `log` with [EventAnswer](#eventanswer), then `end` with [EndAnswer](#endanswer)."
    else:
        name = content[JSON]["schema"]["$ref"].rpartition("/")[2]
        yield f"Answers {route.status} with [{name}](#{name.lower()})."


def _shared(schemas: dict[str, Any]) -> Iterator[str]:
    return (name for name in schemas if not name.endswith("Asked") and name != "Nothing")


def _fields(schema: dict[str, Any], title: str = "field") -> str:
    required = set(schema.get("required", ()))
    rows = []
    for name, own in schema.get("properties", {}).items():
        must = " (required)" if title == "body" and name in required else ""
        rows.append((f"`{name}`", _type(own) + must, _told(own)))
    return _table((title, "", ""), rows)


def _type(schema: dict[str, Any]) -> str:
    """Say a type in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    known = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "null": "null",
    }
    said = "time" if schema.get("format") == "date-time" else known.get(schema.get("type", ""), "object")
    bounds = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([said, *bounds])


def _told(schema: dict[str, Any], described: dict[str, Any] | None = None) -> str:
    text = (described or {}).get("description", "") or schema.get("description", "")
    default = schema.get("default")
    told = (
        f"default: `{str(default).lower() if isinstance(default, bool) else default}`"
        if default not in (None, "", [])
        else ""
    )
    return "; ".join(filter(None, [text, told]))


def _table(header: tuple[str, ...], rows: Any) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)])
