"""JSON lines and JSON documents: every value is taken as text and cast, so that nothing is rounded or dropped."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.listing import full_path, read_paths
from headwater.connectors.sources.files.opening import BOM, head_of
from headwater.connectors.sources.files.reading import BUFFER_BYTES, FILE, LINE, Flaw, Reading, path_list
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.text_lines import lines_relation
from headwater.connectors.sources.files.times import time_from_text
from headwater.spec.addresses import address
from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.type_names import TypeName, parse_type

Layout = Literal["lines", "array", "unstructured", ""]
_EXACT_DIGITS: Final = 15
"""As many digits as every number keeps that has passed through a double."""
_VALUES: Final = "raw.__hw_values"


def layout_of(settings: Settings, path: str) -> Layout:
    """Say how a file holds its objects: a line each, in one array, or one behind the other; "" if it is empty."""
    head = head_of(full_path(settings, path), 1 << 16).removeprefix(BOM).lstrip()
    if not head:
        return ""
    if settings.format == "jsonl":
        return "lines"
    return "array" if head.startswith(b"[") else "unstructured"


def document_reading(settings: Settings, items: Sequence[ScanItem], layout: Layout) -> Reading:
    """Give the reading of files that hold objects in the same way."""
    paths = read_paths(settings, items)
    rejects = "hw_rejects_" + address(settings.address, *paths)[:20] if layout == "lines" else ""
    lines = lines_relation(settings, paths, rejects) if rejects else _objects(paths, layout)
    declared = settings.contract.columns
    shape = json.dumps(
        {c.name: "VARCHAR" if parse_type(c.type).is_leaf and c.type != "JSON" else "JSON" for c in declared}
    )
    relation = (
        f"SELECT {LINE}, {FILE}, TRY(json_transform({LINE}, {quote_literal(shape)})) AS __hw_values "
        f"FROM ({lines}) AS l WHERE starts_with({LINE}, '{{') OR trim({LINE}, ' \t\r') <> ''"
    )
    raw = {f"__hw_raw_{n}": _text(c) for n, c in enumerate(declared)}
    relation = f"SELECT *, {', '.join(f'{text} AS {name}' for name, text in raw.items())} FROM ({relation}) AS raw"
    columns = {c.name: _expression(c, f"raw.__hw_raw_{n}", settings) for n, c in enumerate(declared)}
    return Reading(
        items=tuple(items),
        paths=paths,
        relation=relation,
        columns=columns,
        carried={LINE: f"raw.{LINE}", "__hw_valid": f"{_VALUES} IS NOT NULL", **{name: f"raw.{name}" for name in raw}},
        flaws=(_no_object(), *(() if settings.contract.lazy else _cast_flaws(declared))),
        rejects=rejects,
        is_costly=True,
        key=LINE,
        framing="lines" if rejects else "documents",
    )


def _objects(paths: tuple[str, ...], layout: Layout) -> str:
    return (
        f"SELECT CAST(json AS VARCHAR) AS {LINE}, filename AS {FILE} FROM read_json_objects({path_list(paths)}, "
        f"format = '{layout}', filename = true, maximum_object_size = {BUFFER_BYTES}, hive_partitioning = false)"
    )


def _no_object() -> Flaw:
    # What begins with a brace and is valid JSON is an object; of what is not valid there are no values.
    begins = f"CASE WHEN starts_with({LINE}, '{{') THEN true ELSE starts_with(ltrim({LINE}, ' \t'), '{{') END"
    return Flaw("json", "", f"NOT (__hw_valid AND {begins})", "this is not a JSON object")


def _text(column: ContractColumn) -> str:
    """The value as text (nested ones as JSON); numbers longer than a double keeps are taken from the line itself."""
    value = f"{_VALUES}[{quote_literal(column.name)}]"
    tree = parse_type(column.type)
    if not tree.is_leaf or column.type == "JSON":
        return f"CASE WHEN CAST({value} AS VARCHAR) <> 'null' THEN {value} END"
    if tree.head != "DECIMAL" or _width(column.type) <= _EXACT_DIGITS:
        return value
    key = "".join(f"\\{sign}" if not sign.isalnum() and sign.isascii() else sign for sign in json.dumps(column.name))
    number = quote_literal(key + r"\s*:\s*(-?[0-9][0-9.eE+-]*)")
    found = f"regexp_extract({LINE}, {number}, 1)"
    same = f"TRY_CAST({found} AS DOUBLE) = TRY_CAST({value} AS DOUBLE)"
    long = f"regexp_matches({LINE}, '[0-9][0-9.]{{{_EXACT_DIGITS}}}')"
    return f"CASE WHEN {long} AND {same} THEN {found} ELSE {value} END"


def _width(type_: str) -> int:
    digits = type_.partition("(")[2].partition(",")[0].strip(") ")
    return int(digits) if digits.isdecimal() else 18


def _expression(column: ContractColumn, raw: str, settings: Settings) -> str:
    tree = parse_type(column.type)
    if column.type in {"VARCHAR", "JSON"}:
        return raw
    if not tree.is_leaf:
        # Absent keys are NULL and others ignored; then every part must cast.
        kind = "ARRAY" if tree.head in {"LIST", "ARRAY"} else "OBJECT"
        texts = f"TRY_CAST({raw} AS {_as_text(tree)})"
        return f"CASE WHEN json_type({raw}) = '{kind}' THEN TRY(CAST({texts} AS {column.type})) END"
    return time_from_text(raw, column.type, settings.contract.timezone) or f"TRY_CAST({raw} AS {column.type})"


def _as_text(tree: TypeName) -> TypeName:
    """The same structure with text in every place."""
    if tree.is_leaf:
        return tree if tree.head == "JSON" else TypeName("VARCHAR", text="VARCHAR")
    return replace(tree, parts=tuple((name, _as_text(part)) for name, part in tree.parts))


def _cast_flaws(columns: Sequence[ContractColumn]) -> tuple[Flaw, ...]:
    return tuple(
        Flaw(
            "cast", c.name, f"__hw_raw_{n} IS NOT NULL AND {quote_identifier(c.name)} IS NULL",
            f"`{c.name}` is no {c.type}",
        )
        for n, c in enumerate(columns) if c.type != "VARCHAR" and not c.discovered
    )  # fmt: skip
