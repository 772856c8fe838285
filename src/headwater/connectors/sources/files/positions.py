"""Where rows stand in a file: the engine counts rows, so the bytes are walked once for those that are asked for."""

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from headwater.connectors.sources.files.opening import BOM, lines, opened, records
from headwater.connectors.sources.files.reading import Reading
from headwater.connectors.sources.files.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Byte offset of a row (-1: unknown, then ``line`` counts rows), its line, and its text if it was found."""

    position: int
    line: int
    text: str = ""


def places(
    settings: Settings, reading: Reading, path: str, numbers: Collection[int], skipped: Collection[int], rows: int
) -> dict[int, Place]:
    """Give the place of rows by their number among the ``rows`` that the engine's reader gave.

    ``skipped`` holds the offsets of rows that the reader set aside. Where the walk does not find exactly as many rows
    as the engine did, no position is claimed.
    """
    unknown = {number: Place(-1, number) for number in numbers}
    if reading.framing == "rows" or not numbers:
        return unknown
    wanted = frozenset(numbers)
    found: dict[int, Place] = {}
    number = 0
    try:
        for offset, line, body in _walk(settings, reading, path):
            if offset in skipped:
                continue
            number += 1
            if number in wanted:
                found[number] = Place(offset, line, body.decode(settings.dialect.encoding, errors="replace"))
    except (OSError, EOFError, zlib.error):
        return unknown
    return found if number == rows else unknown


def _walk(settings: Settings, reading: Reading, path: str) -> Iterator[tuple[int, int, bytes]]:
    dialect = settings.dialect
    with opened(path) as file:
        if reading.framing == "lines":
            for line, (offset, body) in enumerate(lines(file), 1):
                text = body.removeprefix(BOM) if line == 1 else body
                if text.strip(b" \t") if settings.format == "jsonl" else text:
                    yield offset, line, text
            return
        is_head = dialect.header
        keeps_blank = len(settings.contract.columns) == 1
        quote, escape = (sign.encode(dialect.encoding) for sign in (dialect.quote, dialect.escape))
        for offset, line, body in records(file, quote, escape):
            text = body.removeprefix(BOM) if line == 1 else body
            if is_head and text:
                is_head = False
            elif text or keeps_blank:
                yield offset, line, text
