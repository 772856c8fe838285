"""Rows of a test that stand in a file of their own: CSV, JSON, JSON lines or Parquet."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.run.unit_tests.fixtures import Fixture

_Read = tuple[Sequence[Mapping[str, Any]], Callable[[int], int]]
"""Rows, and row → line of the file."""


def read_fixture(root: Path, file: str, where: Where) -> tuple[Fixture, Diagnostic | None]:
    """Read the rows of a file (relative to the project); with a diagnostic there are none."""
    nothing = Fixture((), lambda _, __: where)
    reader = _READERS.get(Path(file).suffix.lower())
    if reader is None:
        hint = f"known: {', '.join(_READERS)}"
        return nothing, error("HW0417", f"`{file}` is of no kind that holds rows of a test", where, hint=hint)
    try:
        rows, line = reader((root / file).read_bytes())
    except OSError as problem:
        return nothing, error("HW0417", f"`{file}` cannot be read: {(problem.strerror or '').lower()}", where)
    except (ValueError, csv.Error) as problem:
        # UnicodeDecodeError, JSONDecodeError and Arrow's errors are all ValueErrors.
        return nothing, error("HW0417", f"`{file}` cannot be read: {str(problem).partition(chr(10))[0]}", where)
    return Fixture(rows, lambda row, _: Where(file, line(row))), None


def _csv(content: bytes) -> _Read:
    """Empty fields are NULL; an empty text is written in quotes nowhere, so it cannot be said."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    header = next(reader, [])
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    for fields in reader:
        if len(fields) != len(header):
            if not fields:
                continue
            raise ValueError(f"line {reader.line_num} has {len(fields)} fields, not {len(header)}")
        rows.append({name: field or None for name, field in zip(header, fields, strict=True)})
        lines.append(reader.line_num)
    return rows, lambda row: lines[row]


def _json(content: bytes) -> _Read:
    found = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    return _maps(found if isinstance(found, list) else [found]), lambda _: 0


def _jsonl(content: bytes) -> _Read:
    found: list[Any] = []
    lines: list[int] = []
    for number, line in enumerate(content.decode("utf-8-sig").split("\n"), 1):
        if line.strip():
            try:
                found.append(json.loads(line, parse_float=Decimal))
            except ValueError as problem:
                raise ValueError(f"line {number}: {problem}") from None
            lines.append(number)
    return _maps(found), lambda row: lines[row]


def _parquet(content: bytes) -> _Read:
    import pyarrow as pa
    from pyarrow import parquet

    return parquet.read_table(pa.BufferReader(content)).to_pylist(), lambda _: 0


def _maps(found: list[Any]) -> list[Mapping[str, Any]]:
    if not all(isinstance(row, Mapping) for row in found):
        raise ValueError("it must hold a list of maps, one a row")
    return found


_READERS: Final[Mapping[str, Callable[[bytes], _Read]]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
