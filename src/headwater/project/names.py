"""Which names a project may give: what SQL can say without surprises, and what can stand in a path."""

import re
import unicodedata
from pathlib import PurePath
from typing import Final

MAX_LENGTH: Final = 100
_PLACE: Final = re.compile(r"[^\W_][\w-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEMAS_OF_DUCKDB: Final = frozenset({"main", "temp", "system", "information_schema", "pg_catalog"})
_OWN_PARAMETERS: Final = frozenset({"start", "end", "now"})
_SHOWN: Final = 60


def normal(name: str) -> str:
    """Give the one spelling of a name whose letters can be written in several ways (Unicode NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def shown(name: str) -> str:
    """Give a name as it can be printed: short, on one line, without control characters."""
    text = printable(name[: _SHOWN + 1])
    return text if len(name) <= _SHOWN else text[:_SHOWN] + "…"


def printable(text: str) -> str:
    """Give a text on one line, without characters that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def node_problem(name: str) -> str:
    """Say why a source, model or sink cannot have this name; empty if it can.

    >>> node_problem("clean.flights"), node_problem("a.b.c")
    ('', 'has more than one dot; at most one folder or schema')
    """
    parts = name.split(".")
    if len(parts) > 2:  # noqa: PLR2004 - a schema and a table
        return "has more than one dot; at most one folder or schema"
    if len(parts) > 1 and parts[0].casefold() in _SCHEMAS_OF_DUCKDB:
        return f"uses `{parts[0]}`, a schema of DuckDB's own"
    if name.casefold() == "this":
        return "is taken: checks call the node itself `this`"
    return next(filter(None, map(_part_problem, parts)), "")


def _part_problem(part: str) -> str:
    if not part:
        return "is empty, or has an empty part"
    if len(part) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if not f"_{part}".isidentifier():
        return "may hold only letters, digits and _"
    return ""


def file_problem(path: str) -> str:
    r"""Say why a path cannot be that of a file; empty if it can.

    >>> file_problem("out/prod.duckdb"), file_problem("out/.."), file_problem("a\0b")
    ('', 'names no file', 'holds a character that cannot be printed')
    """
    if not path.isprintable():
        return "holds a character that cannot be printed"
    return "" if PurePath(path).name not in {"", ".."} else "names no file"


def place_problem(name: str) -> str:
    """Say why a site, environment or pipeline cannot have this name; empty if it can.

    >>> place_problem("pr-12"), place_problem("../x")
    ('', 'may hold only letters, digits, _ and -, and begins with a letter or digit')
    """
    if len(name) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if not _PLACE.fullmatch(name):
        return "may hold only letters, digits, _ and -, and begins with a letter or digit"
    return ""


def title_problem(name: str) -> str:
    """Say why a test or project cannot have this name; empty if it can (any readable line of text)."""
    if not name.strip():
        return "is empty"
    if len(name) > 3 * MAX_LENGTH:
        return f"is longer than {3 * MAX_LENGTH} characters"
    return "" if name.isprintable() else "holds characters that cannot be printed"


def variable_problem(name: str) -> str:
    """Say why a variable cannot have this name; empty if it can.

    >>> variable_problem("late_after_min"), variable_problem("now")
    ('', 'is taken: `$now` has a meaning of its own')
    """
    if name.casefold() in _OWN_PARAMETERS:
        return f"is taken: `${name}` has a meaning of its own"
    if len(name) > MAX_LENGTH or not _VARIABLE.fullmatch(name):
        return "may hold only the letters a-z, digits and _, and begins with a letter"
    return ""
