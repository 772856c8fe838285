"""What errors mean that a load runs into: every one becomes a diagnostic of the sink."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from headwater.connect.durable import explained
from headwater.diagnostics import Broken, Invalid, Retryable, Where

_TOO_LARGE: Final = re.compile(r"HW0651: (.*)")
_OUT_OF_DECIMAL: Final = re.compile(r"Could not cast value (-?\d+) to DECIMAL\(38,0\)")
_SMALLER: Final = "cast it to DOUBLE or text in the model"


@contextmanager
def loading(target: str, where: Where | None) -> Iterator[None]:
    """Turn errors of DuckDB and of the operating system into Invalid, Retryable or Broken."""
    import duckdb

    with explained("HW0704", f"write {target}", where):
        try:
            yield
        except duckdb.Error as failure:
            raise _meaning(str(failure), target, where) from failure


def _meaning(text: str, target: str, where: Where | None) -> Invalid | Retryable | Broken:
    first = text.partition("\n")[0]
    if found := _TOO_LARGE.search(text):
        return Invalid.of("HW0651", found[1], where, hint=_SMALLER)
    if found := _OUT_OF_DECIMAL.search(text):
        return Invalid.of("HW0651", f"{found[1]} is a whole number of more than 38 digits", where, hint=_SMALLER)
    if "Could not set lock" in text or "Unique file handle conflict" in text:
        hint = "close the program that has it open for writing; readers do not matter"
        return Retryable.of("HW0708", f"{target} is open for writing elsewhere", where, hint=hint)
    if "not a valid DuckDB database file" in text:
        hint = "choose another path, or move that file away"
        return Invalid.of("HW0705", f"{target} is not a DuckDB file", where, hint=hint)
    return Broken.of("HW0704", f"cannot write {target}: {first}", where)
