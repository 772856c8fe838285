"""The JSON Schema of project files, made from the same annotations that read them, for editors."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from headwater.project.checks_reading import SHORT_CHECKS
from headwater.project.shapes import CHECKS, ONE_OR_MANY, SHORT, Key, keys_of, one_for_many
from headwater.spec import policies
from headwater.spec.alerts import Alert
from headwater.spec.checks import KINDS, AcceptedValues, Check
from headwater.spec.nodes import Column, Model, Sink, Source
from headwater.spec.project import Environment, Pipeline, Project, Site
from headwater.spec.schedules import Condition
from headwater.spec.tests import UnitTest
from headwater.spec.units import Bytes, Every, Seconds

Schema = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_LEAVES: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
    Seconds: {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$", "examples": ["90s", "5m", "2h"]},
    Bytes: {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*([kMGT]?B|[kKMGT]iB)\s*$", "examples": ["64MB", "2GiB"]},
    Every: {"type": "string", "pattern": r"^\s*\d+(s|m|h|d|w|mo)\s*$", "examples": ["15m", "1h", "1d", "1mo"]},
    datetime: {
        "type": "string",
        "pattern": r"^\d{4}-?(\d{2}-?\d{2}|W\d{2}(-?\d)?)([T ].*)?$",
        "examples": ["2013-01-31", "2013-01-31T06:00:00Z"],
    },
}

_ANY_OF_FULL: Final = {"anyOf": [{"required": ["column"]}, {"required": ["values"]}]}
_QUERY: Final = {"type": "string", "description": "the query, if it stands in no file"}
_NAME: Final = {"type": ["string", "number", "boolean"], "description": "the project's name"}


def schema(*, sources: Mapping[str, type] | None = None, sinks: Mapping[str, type] | None = None) -> Schema:
    """Give the JSON Schema (draft 7) of every YAML file of a project; ``sources`` and ``sinks`` are connectors' fields.

    One schema serves all files: any of them may hold any of the plural maps, and headwater.yaml the project's own keys.
    """
    named: dict[str, Schema] = {
        "sources": _connected(Source, sources or {}),
        "sinks": _connected(Sink, sinks or {}),
        "models": _nullable(_shape(Model, {"sql": _QUERY})),
        "pipelines": _nullable(_shape(Pipeline)),
        "alerts": _shape(Alert),
        "tests": _shape(UnitTest),
        "sites": _nullable(_shape(Site)),
        "environments": _nullable(_shape(Environment)),
        "policies": _nullable(_shape(policies.Policy)),
        "keys": _shape(policies.Key),
        "policy_tests": _shape(policies.PolicyTest),
    }
    maps = {name: {"type": ["object", "null"], "additionalProperties": entry} for name, entry in named.items()}
    own = {name: _documented(key) for name, key in keys_of(Project).items()}
    return {
        "$schema": _DRAFT,
        "title": "Headwater project files",
        "type": "object",
        "additionalProperties": False,
        "properties": {"project": _NAME, **own, **maps},
        "definitions": {
            "check": _check(),
            "condition": _nullable(_shape(Condition)),
            "column": _short(_nullable(_shape(Column)), {"type": "string"}),
            "typed column": _short({**_shape(Column), "required": ["type"]}, {"type": "string"}),
        },
    }


def _connected(shape: Any, connectors: Mapping[str, type]) -> Schema:
    """One variant per connector, so that each offers its own keys only."""
    if not connectors:
        return {**_shape(shape), "additionalProperties": True}
    return {"anyOf": [_variant(shape, name, fields) for name, fields in connectors.items()]}


def _variant(shape: Any, name: str, fields: Any) -> Schema:
    own = {key: value for key, value in keys_of(fields).items() if key not in keys_of(shape)}
    result = _shape_of({**own, **keys_of(shape)})
    result["properties"]["connector"] = {"const": name, "description": "which connector"}
    if shape is Source:
        columns = result["properties"]["columns"]
        result["properties"]["columns"] = {**columns, "additionalProperties": {"$ref": "#/definitions/typed column"}}
    if "targets" in result["properties"]:
        target = _shape_of(own)
        target.pop("required", None)
        result["properties"]["targets"]["additionalProperties"] = target
    return result


def _shape(shape: Any, more: Mapping[str, Schema] | None = None) -> Schema:
    result = _shape_of(keys_of(shape))
    result["properties"] |= more or {}
    return result


def _shape_of(keys: Mapping[str, Key]) -> Schema:
    result: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _documented(key) for name, key in keys.items()},
    }
    required = [name for name, key in keys.items() if key.required]
    return {**result, "required": required} if required else result


def _documented(key: Key) -> Schema:
    result = dict(of_type(key.type))
    if key.doc:
        result["description"] = key.doc.text
        if key.doc.example:
            result["examples"] = [key.doc.example]
    return result


def of_type(annotation: Any) -> Schema:
    """Give the schema of an annotated type, as the reader accepts it."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if annotation == CHECKS:
        return {"type": "array", "items": {"$ref": "#/definitions/check"}}
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _dataclass(annotation)
    return _composed(get_origin(annotation), get_args(annotation))


def _composed(kind: Any, args: Sequence[Any]) -> Schema:
    if kind is Annotated:
        return of_type(args[0])
    if kind is Literal:
        return {"enum": list(args)}
    if kind in (Union, types.UnionType):
        return {"anyOf": [of_type(member) for member in args]}
    return _collection(kind, args)


def _dataclass(shape: Any, *, is_nullable: bool = True) -> Schema:
    if shape is Column:
        return {"$ref": "#/definitions/column"}
    if shape is Condition:
        return {"$ref": "#/definitions/condition"}
    short = SHORT.get(shape)
    is_nullable = is_nullable and not any(key.required for key in keys_of(shape).values())
    plain = _nullable(_shape(shape)) if is_nullable else _shape(shape)
    return _short(plain, of_type(keys_of(shape)[short].type)) if short else plain


def _collection(kind: Any, args: Sequence[Any]) -> Schema:
    if kind is tuple and len(args) > 1 and args[1] is not Ellipsis:
        return {"type": "array", "items": [of_type(a) for a in args], "minItems": len(args), "maxItems": len(args)}
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return {"type": "object", "additionalProperties": of_type(args[1])}
    item = of_type(args[0])
    many = {"type": "array", "items": item}
    if args[0] in ONE_OR_MANY:
        return {"anyOf": [_dataclass(args[0], is_nullable=False), many]}
    return {"anyOf": [item, many]} if one_for_many(args[0]) else many


def _short(full: Schema, short: Schema) -> Schema:
    return {"anyOf": [short, full]}


def _nullable(full: Schema) -> Schema:
    return {**full, "type": ["object", "null"]}


def _check() -> Schema:
    """A check is a map with one kind; ``on_fail`` and ``where`` stand beside it or inside."""
    beside = {name: _documented(key) for name, key in keys_of(Check).items()}
    kinds = {kind: {**_kind(kind, shape), "description": _summary(shape)} for kind, shape in KINDS.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**kinds, **beside},
        "anyOf": [{"required": [kind]} for kind in KINDS],
    }


def _kind(kind: str, shape: Any) -> Schema:
    full = _shape(shape)
    for several in {"columns", "values"} & full["properties"].keys():
        full["properties"][several] = _not_empty(full["properties"][several])
    if full["properties"].keys() >= {"min", "max"}:
        full["anyOf"] = [{"required": ["min"]}, {"required": ["max"]}]
    if shape is AcceptedValues:
        beside = {name: _documented(key) for name, key in keys_of(Check).items()}
        short = {"type": "object", "properties": beside, "additionalProperties": full["properties"]["values"]}
        return {"anyOf": [full, {**short, "minProperties": 1, "not": _ANY_OF_FULL}]}
    if kind in SHORT_CHECKS:
        return _short(full, full["properties"][SHORT_CHECKS[kind]])
    return full


def _not_empty(values: Schema) -> Schema:
    """A list of no column, or of no value, checks nothing."""
    variants = values.get("anyOf", [])
    return {**values, "anyOf": [{**each, "minItems": 1} if each.get("type") == "array" else each for each in variants]}


def _summary(shape: Any) -> str:
    return str(shape.__doc__ or "").strip().partition("\n")[0]
