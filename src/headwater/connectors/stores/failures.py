"""What an error of DuckDB means when it was reading or writing the lake's files."""

import re
from typing import Final

from headwater.diagnostics import Diagnostic, error

_TOO_LARGE: Final = re.compile(r"HW0651: (.*)")
_OUT_OF_DECIMAL: Final = re.compile(r"Could not cast value (-?\d+) to DECIMAL\(38,0\)")
_DISK: Final = re.compile(
    r"No space left on device|Read-only file system|Permission denied|Disk quota exceeded|File too large"
)
_MISSING: Final = re.compile(r"No files found that match the pattern|Cannot open file|No such file or directory")
_UNREADABLE: Final = re.compile(
    r"No magic bytes found|Invalid Parquet|corrupt|too small to be a Parquet file|Footer length error"
    r"|Failed to read file|string encoding found in Parquet|Could not read enough bytes",
    re.IGNORECASE,
)
_DOCTOR: Final = "`headwater doctor` lists all damage and can repair it"


def explain(failure: Exception, root: str) -> Diagnostic | None:
    """Say what a DuckDB error means that reading or writing a lake's files raised; None: it is about the query."""
    text = str(failure)
    first = text.partition("\n")[0]
    if found := _TOO_LARGE.search(text):
        return error("HW0651", found[1], hint=_SMALLER)
    if found := _OUT_OF_DECIMAL.search(text):
        return error("HW0651", f"{found[1]} is a whole number of more than 38 digits", hint=_SMALLER)
    if found := _DISK.search(text):
        hint = "free some space, or run `headwater janitor`" if "space" in found[0] else "check who may write there"
        return error("HW0652", f"the lake cannot be written: {found[0].lower()}", hint=hint)
    if _MISSING.search(text) and root in text:
        return error("HW0654", f"a file of the lake is missing: {first}", hint=_DOCTOR)
    if _UNREADABLE.search(text) and root in text:
        return error("HW0655", f"a file of the lake is damaged: {first}", hint=_DOCTOR)
    return None


_SMALLER: Final = "cast it to DOUBLE or text in the query"
