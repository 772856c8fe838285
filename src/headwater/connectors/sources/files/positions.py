"""Where rows stand in a file: their bytes are looked for once, in files that hold rows which were set aside.

The engine reads in parallel and promises no order, so rows are known by what they hold: whether a row has a flaw
follows from its text alone, so every row of the file with such a text is one that is looked for.
"""

import csv
import json
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from headwater.connectors.sources.files.delimited import csv_options, is_late
from headwater.connectors.sources.files.line_search import search_path
from headwater.connectors.sources.files.opening import BOM, opened, records
from headwater.connectors.sources.files.reading import Reading
from headwater.connectors.sources.files.settings import Settings

_LARGEST_DOCUMENT: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A row: its key, its byte offset (-1: unknown), its line (or number, where there are no lines) and its text."""

    key: str
    position: int
    line: int
    text: str


def find(
    settings: Settings, reading: Reading, path: str, keys: Collection[str], skipped: Collection[int]
) -> list[Place]:
    """Find all rows with these keys; ``skipped`` holds offsets of rows that the reader itself set aside."""
    search: Callable[[], Iterator[Place]] = {
        "lines": lambda: _in_lines(path, frozenset(keys)),
        "records": lambda: _in_records(settings, reading, path, frozenset(keys)),
        "documents": lambda: _in_documents(path, frozenset(keys)),
        "rows": lambda: (_numbered(key) for key in keys),
    }[reading.framing]
    try:
        return [place for place in search() if place.position not in skipped or place.position < 0]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error):
        return []


def _numbered(key: str) -> Place:
    number, _, text = key.partition(" ")
    return Place(key, -1, int(number) + 1, text)


def _in_lines(path: str, keys: frozenset[str]) -> Iterator[Place]:
    wanted = {key.encode(): key for key in keys}
    for hit in search_path(path, frozenset(wanted)):
        yield Place(wanted[hit.wanted], hit.offset, hit.line, hit.body.decode(errors="replace"))


def _in_records(settings: Settings, reading: Reading, path: str, keys: frozenset[str]) -> Iterator[Place]:
    dialect = settings.dialect
    if len(dialect.delimiter) > 1:
        return
    options = csv_options(dialect)
    is_head = dialect.header
    quote, escape = (sign.encode(dialect.encoding) for sign in (dialect.quote, dialect.escape))
    with opened(path) as file:
        for offset, line, body in records(file, quote, escape):
            text = (body.removeprefix(BOM) if offset == 0 else body).decode(dialect.encoding, errors="replace")
            if is_head and text:
                is_head = False
                continue
            values = next(csv.reader(text.splitlines(keepends=True), **options), [])  # type: ignore[arg-type]
            key = _key(settings, reading.header, values)
            if key in keys:
                yield Place(key, offset, line, text)


def _key(settings: Settings, header: tuple[str, ...], values: list[str]) -> str:
    """The key of a record as the reading's SQL writes it: what is read as text, and whether the others are there."""
    if len(values) != len(header):
        values = [*values, *[""] * (len(header) - len(values))]
    null = settings.dialect.null
    there = dict(zip(header, values, strict=False))
    parts = []
    for column in settings.contract.columns:
        value = there[column.name]
        absent = value in null
        parts.append(None if absent else value if is_late(settings, column) else "")
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _in_documents(path: str, keys: frozenset[str]) -> Iterator[Place]:
    with opened(path) as file:
        content = file.read(_LARGEST_DOCUMENT + 1)
    if len(content) > _LARGEST_DOCUMENT:
        return
    text = content.removeprefix(BOM).decode(errors="replace")
    decode = json.JSONDecoder().raw_decode
    at, number = 0, 0
    bytes_before, counted = len(content) - len(content.removeprefix(BOM)), 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[]" and not (number and text[at] == "["):
            at += 1
        if at >= len(text):
            return
        _, end = decode(text, at)
        number += 1
        if text[at:end] in keys:
            bytes_before, counted = bytes_before + len(text[counted:at].encode()), at
            yield Place(text[at:end], bytes_before, number, text[at:end])
        at = end
