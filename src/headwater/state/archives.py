"""The portable file of a whole state: a zip of one file of JSON lines per table, and what they must be."""

import hashlib
import json
import math
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from headwater.diagnostics import Broken, Invalid, error
from headwater.state.values import NUL

FORMAT: Final = 1
"""Raised when an older Headwater could misread a file."""
CONTENTS: Final = "state.json"
_LINES: Final = ".jsonl"
_UNREADABLE: Final = (
    *(KeyError, ValueError, TypeError, AttributeError, OSError, EOFError),
    *(RuntimeError, BadZipFile, zlib.error),  # a zip says the first of what it cannot do: passwords, methods
)
"""What reading a damaged file may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table in a file."""

    columns: tuple[str, ...]
    rows: int
    sha256: str
    """Of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file holds."""

    schema: int
    version: str
    """Of the Headwater that wrote it."""
    at: str
    tables: Mapping[str, Table]
    numbers: Mapping[str, int]
    """Table → the last number given to a row: none is used again."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def write_table(archive: ZipFile, name: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> Table:
    """Write the rows of a table; give what a reader must find."""
    digest, count = hashlib.sha256(), 0
    with archive.open(name + _LINES, "w", force_zip64=True) as file:
        for row in rows:
            line = json.dumps([_shown(value) for value in row], separators=(",", ":"), allow_nan=False).encode() + b"\n"
            digest.update(line)
            file.write(line)
            count += 1
    return Table(columns=columns, rows=count, sha256=digest.hexdigest())


def write_contents(archive: ZipFile, contents: Contents) -> None:
    """Write, last, what the file holds."""
    tables = {
        name: {"columns": table.columns, "rows": table.rows, "sha256": table.sha256}
        for name, table in contents.tables.items()
    }
    document = {"format": FORMAT, "schema": contents.schema, "headwater": contents.version, "at": contents.at}
    archive.writestr(CONTENTS, json.dumps(document | {"tables": tables, "numbers": contents.numbers}, indent=1))


def open_archive(path: Any, mode: Any = "r") -> ZipFile:
    """Open a file; Invalid if there is none, or if it is no export."""
    try:
        return ZipFile(path, mode, compression=ZIP_DEFLATED, compresslevel=3)
    except (BadZipFile, RuntimeError, ValueError):
        raise _damaged(path, "it is no export of a state") from None
    except OSError as problem:
        message = f"`{path}` cannot be opened: {problem.strerror}"
        raise Invalid(error("HW1030", message, hint="name a file that `headwater state export` wrote")) from None


def read_contents(archive: ZipFile, newest: int) -> Contents:
    """Read what a file holds. Raises Invalid if it is none of ours, Broken if its schema is newer than ``newest``."""
    try:
        found = json.loads(archive.read(CONTENTS))
        form, schema = int(found["format"]), int(found["schema"])
        tables = {
            str(name): Table(columns=tuple(each["columns"]), rows=int(each["rows"]), sha256=str(each["sha256"]))
            for name, each in found["tables"].items()
        }
        numbers = {str(name): int(number) for name, number in found["numbers"].items()}
        about = str(found["headwater"]), str(found["at"])
    except _UNREADABLE:
        raise _damaged(archive.filename, "it does not say what it holds") from None
    if form > FORMAT or schema > newest:
        message = f"`{archive.filename}` was written by a newer Headwater ({about[0]}, schema {schema})"
        raise Broken(error("HW1033", message, hint="install that version, or a newer one"))
    return Contents(schema=schema, version=about[0], at=about[1], tables=tables, numbers=numbers)


def read_table(archive: ZipFile, name: str, table: Table) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a table; raises Invalid, at the latest at the end, if they are not those that were written."""
    digest, count = hashlib.sha256(), 0
    try:
        with archive.open(name + _LINES) as file:
            for line in file:
                digest.update(line)
                count += 1
                yield tuple(_kept(value) for value in json.loads(line))
    except _UNREADABLE:
        raise _damaged(archive.filename, f"rows of `{name}` cannot be read") from None
    if (count, digest.hexdigest()) != (table.rows, table.sha256):
        raise _damaged(archive.filename, f"rows of `{name}` are not those that were written")


def _damaged(path: Any, because: str) -> Invalid:
    hint = "take another copy: nothing was changed"
    return Invalid(error("HW1030", f"`{path}` cannot be imported: {because}", hint=hint))


def _shown(value: Any) -> Any:
    """Write a value as JSON has it: bytes, and numbers that JSON has not, as objects."""
    if isinstance(value, bytes | memoryview):
        return {"bytes": b64encode(bytes(value)).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"real": repr(value)}
    return value.replace(NUL, "\0") if isinstance(value, str) else value


def _kept(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return b64decode(value["bytes"]) if "bytes" in value else float(value["real"])
