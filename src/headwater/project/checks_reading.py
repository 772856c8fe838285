"""Checks as people write them: ``not_null: [a]``, ``accepted_values: {origin: [EWR]}``, ``schema: exact``."""

from collections.abc import Iterator
from typing import Any, Final

from headwater.diagnostics import suggest
from headwater.project.names import shown
from headwater.project.reading import MISSING, Reading, entries, mismatch
from headwater.project.scalars import duration
from headwater.project.shapes import keys_of, missing_keys, read_values
from headwater.project.yaml_nodes import Node
from headwater.spec.checks import KINDS, AcceptedRange, AcceptedValues, AnyCheck, Check, Freshness, RowCount
from headwater.spec.origin import Origin

SHORT_CHECKS: Final = {
    "not_null": "columns",
    "unique": "columns",
    "expression": "sql",
    "query": "sql",
    "schema": "mode",
}
"""Kinds that may be written as one value instead of a map, and the setting it stands for."""
_BESIDE: Final = tuple(keys_of(Check))


def read_checks(node: Node, reading: Reading) -> Any:
    """Read a list of checks; each element is a map with one kind, and ``on_fail`` or ``where`` inside or beside it."""
    if node.id != "sequence":
        return mismatch(node, reading, "a list of checks")
    return tuple(check for element in node.value for check in _read_element(element, reading))


def _read_element(node: Node, reading: Reading) -> Iterator[AnyCheck]:
    if node.id != "mapping":
        reading.key = "checks"
        mismatch(node, reading, "a list of maps such as `not_null: [a]`")
        return
    beside: dict[str, Any] = {}
    kinds: list[tuple[str, Node, Node]] = []
    for text, key_node, value_node in entries(node, reading):
        if text in _BESIDE:
            reading.key = text
            value = keys_of(Check)[text].read(value_node, reading)
            if value is not MISSING:
                beside[text] = value
        elif text in KINDS:
            kinds.append((text, key_node, value_node))
        else:
            hint = suggest(text[:100], (*KINDS, *_BESIDE)) or f"known checks: {', '.join(KINDS)}"
            reading.wrong("HW0127", key_node, f"unknown check `{shown(text)}`", hint)
            kinds.append(("", key_node, value_node))
    if not kinds:
        reading.wrong("HW0111", node, "a check without its kind", f"one of {', '.join(KINDS)}")
    for kind, key_node, value_node in kinds:
        if kind:
            yield from _read_kind(kind, key_node, value_node, beside, reading)


def _read_kind(kind: str, key_node: Node, node: Node, beside: dict[str, Any], reading: Reading) -> Iterator[AnyCheck]:
    shape: Any = KINDS[kind]
    before = len(reading.found)
    reading.key = kind
    if shape is AcceptedValues and _is_short_values(node):
        variants = _short_values(node, reading)
    elif kind in SHORT_CHECKS and node.id != "mapping":
        field = SHORT_CHECKS[kind]
        value = keys_of(shape)[field].read(node, reading)
        variants = [] if value is MISSING else [{field: value}]
    else:
        values = read_values(shape, node, reading)
        variants = [] if missing_keys(shape, values, node, reading) else [values]
    origin = reading.origin(key_node, ("", node), *(((SHORT_CHECKS[kind], node),) if kind in SHORT_CHECKS else ()))
    for values in variants:
        check = _made(shape, {**beside, **values}, origin)
        if len(reading.found) == before and (problem := _problem(check)):
            reading.wrong("HW0112", key_node, problem)
        else:
            yield check


def _made(shape: type[AnyCheck], values: dict[str, Any], origin: Origin) -> AnyCheck:
    return shape(**values, at=origin)


def _is_short_values(node: Node) -> bool:
    """``{origin: [EWR]}`` rather than ``{column: origin, values: [EWR]}``."""
    return node.id == "mapping" and not any(k.id == "scalar" and k.value in {"column", "values"} for k, _ in node.value)


def _short_values(node: Node, reading: Reading) -> list[dict[str, Any]]:
    shared: dict[str, Any] = {}
    variants: list[dict[str, Any]] = []
    for text, _, value_node in entries(node, reading):
        reading.key = text
        if text in _BESIDE:
            value = keys_of(Check)[text].read(value_node, reading)
            if value is not MISSING:
                shared[text] = value
        else:
            value = keys_of(AcceptedValues)["values"].read(value_node, reading)
            variants += [] if value is MISSING else [{"column": text, "values": value}]
    if not any(key.id == "scalar" and key.value not in _BESIDE for key, _ in node.value):
        reading.wrong("HW0111", node, "`accepted_values` names no column", "such as {origin: [EWR, JFK]}")
    return [{**shared, **variant} for variant in variants]


def _problem(check: AnyCheck) -> str:
    """Say what a check cannot mean; empty if it can be evaluated."""
    if isinstance(check, AcceptedRange | RowCount):
        return _range_problem(check)
    if isinstance(check, AcceptedValues) and not check.values:
        return "`accepted_values` accepts no value"
    if getattr(check, "columns", None) == ():
        return "the check names no column"
    if isinstance(check, Freshness):
        try:
            duration(check.within)
        except ValueError as problem:
            return str(problem)
    return ""


def _range_problem(check: AcceptedRange | RowCount) -> str:
    low, high = check.min, check.max
    if low is None and high is None:
        return "neither `min` nor `max` is given"
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    if numbers and low > high:  # type: ignore[operator]
        return "`min` is greater than `max`"
    return ""
