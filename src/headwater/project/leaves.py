"""Readers of single values, and of lists and maps of values that other readers read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from headwater.diagnostics import suggest
from headwater.project import scalars
from headwater.project.names import shown
from headwater.project.other_tools import instead_of_value
from headwater.project.reading import MISSING, Read, Reading, entries, is_null, mismatch
from headwater.project.yaml_nodes import Node
from headwater.spec.units import Bytes, Every, Seconds


def leaf(accepts: tuple[type, ...], expected: str) -> Read:
    """Read a plain value of one of these types."""

    def read(node: Node, reading: Reading) -> Any:
        if node.id == "scalar":
            value = scalars.plain(node)
            if type(value) in accepts:
                return float(value) if accepts == (float, int) else value
        return mismatch(node, reading, expected)

    return read


def _converted(convert: Callable[[Any], Any], expected: str) -> Read:
    def read(node: Node, reading: Reading) -> Any:
        if node.id != "scalar":
            return mismatch(node, reading, expected)
        try:
            return convert(scalars.plain(node))
        except ValueError as problem:
            return reading.wrong("HW0110", node, f"`{reading.key}` must be {expected}", hint=str(problem))

    return read


def read_any(node: Node, reading: Reading) -> Any:
    """Read anything as plain Python values; times stay text."""
    if node.id == "scalar":
        return scalars.plain(node)
    if node.id == "sequence":
        return [read_any(item, reading) for item in node.value]
    return {key: read_any(value, reading) for key, _, value in entries(node, reading)}


LEAVES: Final[dict[Any, Read]] = {
    str: leaf((str,), "text"),
    int: leaf((int,), "a whole number"),
    float: leaf((float, int), "a number"),
    bool: leaf((bool,), "true or false"),
    type(None): leaf((type(None),), "null"),
    Seconds: _converted(scalars.duration, "a duration such as 90s, 5m, 2h or 7d"),
    Bytes: _converted(scalars.size, "a size such as 64MB or 2GiB"),
    Every: _converted(scalars.every, "a slot length such as 5m, 1h, 1d or 1mo"),
    datetime: _converted(scalars.instant, "a date or time (ISO 8601)"),
    Any: read_any,
    object: read_any,
}


def one_of(choices: tuple[Any, ...]) -> Read:
    """Read one of a few words or numbers."""
    listed = ", ".join(str(choice) for choice in choices)

    def read(node: Node, reading: Reading) -> Any:
        value = scalars.plain(node) if node.id == "scalar" else MISSING
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return value
        if not isinstance(value, str):
            return mismatch(node, reading, f"one of {listed}")
        hint = instead_of_value(reading.key, value) or suggest(value, map(str, choices))
        return reading.wrong("HW0112", node, f"`{reading.key}` must be one of {listed}, not `{shown(value)}`", hint)

    return read


def first_that_fits(readers: tuple[Read, ...]) -> Read:
    """Read what the first reader without a complaint reads."""

    def read(node: Node, reading: Reading) -> Any:
        for reader in readers:
            trial = replace(reading, found=[])
            value = reader(node, trial)
            if not trial.found:
                return value
        reading.found.extend(trial.found)
        return MISSING

    return read


def exactly(readers: tuple[Read, ...]) -> Read:
    """Read a list with one value for each reader."""

    def read(node: Node, reading: Reading) -> Any:
        if node.id != "sequence" or len(node.value) != len(readers):
            return mismatch(node, reading, f"a list of {len(readers)} values")
        values = tuple(reader(item, reading) for reader, item in zip(readers, node.value, strict=True))
        return MISSING if MISSING in values else values

    return read


def list_of(item: Read, *, one: tuple[str, ...] = ()) -> Read:
    """Read a list; a value of one of these kinds of YAML node stands for a list of one: ``tags: ops``."""

    def read(node: Node, reading: Reading) -> Any:
        key = reading.key
        if node.id == "sequence":
            values = []
            for element in node.value:
                reading.key = key
                values.append(item(element, reading))
            return tuple(value for value in values if value is not MISSING)
        if node.id in one and not is_null(node):
            value = item(node, reading)
            return value if value is MISSING else (value,)
        return mismatch(node, reading, "a list")

    return read


def map_of(item: Read, *, is_caseless: bool) -> Read:
    """Read a map from names to values."""

    def read(node: Node, reading: Reading) -> Any:
        if node.id != "mapping":
            return mismatch(node, reading, "a map")
        values: dict[str, Any] = {}
        for name, _, value_node in entries(node, reading, is_caseless=is_caseless):
            reading.key = name
            value = item(value_node, reading)
            if value is not MISSING:
                values[name] = value
        return values

    return read
