"""Sources and sinks: their own keys, and those of their connector, read together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from headwater.diagnostics import suggest
from headwater.project.names import shown
from headwater.project.reading import MISSING, Reading, entries
from headwater.project.references import check_references
from headwater.project.sections import Declared
from headwater.project.shapes import Key, keys_of, missing_keys, read_values
from headwater.project.yaml_nodes import Node
from headwater.spec.nodes import Sink, Source
from headwater.spec.origin import Origin
from headwater.spec.units import Every

FieldsOf = Callable[[str, str], type | None]
NamesOf = Callable[[str], Iterable[str]]
_N = TypeVar("_N", Source, Sink)
_ROLES: Final[dict[type, str]] = {Source: "source", Sink: "sink"}


@dataclass(frozen=True, slots=True)
class Connectors:
    """What is known of connectors: the fields of one (role, name), and the names of all of a role."""

    fields_of: FieldsOf
    names_of: NamesOf


def read_connected(
    shape: type[_N], declared: Declared, connectors: Connectors, defaults: Mapping[str, Any]
) -> _N | None:
    """Read a source or sink; None if what it cannot do without is missing or wrong."""
    node, reading = declared.node, declared.reading
    reading.key = declared.name
    fields_type = _fields_type(shape, node, reading, connectors)
    own = _own_keys(shape, fields_type)
    others = {name: key.read for name, key in own.items()}
    values = read_values(shape, node, reading, others=others, is_open=fields_type is None)
    settings = {key.field: values.pop(name) for name, key in own.items() if name in values}
    lacks = missing_keys(shape, values, node, reading)
    if fields_type is None:
        return None
    _check_setting_references(node, own, reading)
    made = _made(fields_type, settings, node, reading)
    if "targets" in values:
        values["targets"] = _targets(fields_type, node, reading)
    if lacks or made is None:
        return None
    at = Origin(declared.where, reading.origin(node).keys)
    said = {**defaults, **values}
    return shape(name=declared.name, settings=jsonable(made), code=declared.code, at=at, **said)


def _own_keys(shape: Any, fields_type: type | None) -> dict[str, Key]:
    """Give the keys that only the connector has."""
    keys = keys_of(fields_type) if fields_type else {}
    return {name: key for name, key in keys.items() if name not in keys_of(shape)}


def _fields_type(shape: type, node: Node, reading: Reading, connectors: Connectors) -> type | None:
    pairs = node.value if node.id == "mapping" else []
    written = next((value for key, value in pairs if key.id == "scalar" and key.value == "connector"), None)
    if written is None or written.id != "scalar":
        return None
    role, name = _ROLES[shape], written.value
    found = connectors.fields_of(role, name)
    if found is None:
        known = sorted(connectors.names_of(role))
        hint = suggest(name[:100], known) or (f"known connectors: {', '.join(known)}" if known else "")
        reading.wrong("HW0123", written, f"no connector `{shown(name)}` for a {role}", hint)
    return found


def _check_setting_references(node: Node, own: Mapping[str, Key], reading: Reading) -> None:
    for key, value in node.value:
        if key.id == "scalar" and (key.value in own or key.value == "targets"):
            check_references(value, reading)


def _made(fields_type: type, settings: dict[str, Any], node: Node, reading: Reading) -> Any:
    if missing_keys(fields_type, settings, node, reading):
        return None
    try:
        return fields_type(**settings)
    except ValueError as problem:
        reading.wrong("HW0112", node, str(problem))
        return None


def _targets(fields_type: type, node: Node, reading: Reading) -> dict[str, dict[str, Any]]:
    """Read the settings that differ per environment: any of the connector's keys, none of them required."""
    targets: dict[str, dict[str, Any]] = {}
    written = next(value for key, value in node.value if key.id == "scalar" and key.value == "targets")
    for name, _, settings in entries(written, reading) if written.id == "mapping" else ():
        reading.key = name
        values = read_values(fields_type, settings, reading)
        targets[name] = {field: jsonable(value) for field, value in values.items() if value is not MISSING}
    return targets


def jsonable(value: Any) -> Any:
    """Give a read value as JSON can hold it: maps, lists, text, numbers."""
    if is_dataclass(value) and not isinstance(value, type | Every):
        return {f.name: jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Every) else value
