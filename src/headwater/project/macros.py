"""Shared SQL: ``CREATE MACRO`` statements from ``functions/``."""

import re
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.names import node_problem, normal, shown
from headwater.spec.origin import Origin
from headwater.spec.project import Macro
from headwater.sql.text import position, split_statements

_MACRO: Final = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:macro|function)\s+(?:if\s+not\s+exists\s+)?"
    r"(?P<name>\"(?:[^\"]|\"\")+\"|[^\s(\"]+)\s*\(",
    re.IGNORECASE,
)
_HINT: Final = "files below functions/ hold `CREATE MACRO name(arguments) AS …;`"


def read_macros(path: str, text: str, known: dict[str, Macro]) -> list[Diagnostic]:
    """Add a file's macros to those ``known`` (by their folded names)."""
    found: list[Diagnostic] = []
    statements = split_statements(text)
    if not statements:
        found.append(error("HW0119", "the file holds no macro", Where(path, 1, 1), hint=_HINT))
    for offset, statement in statements:
        where = Where(path, *position(text, offset))
        match = _MACRO.match(statement)
        name = normal(match["name"].strip('"')) if match else ""
        if not match:
            found.append(error("HW0124", "this is not a CREATE MACRO statement", where, hint=_HINT))
        elif "." in name or (problem := node_problem(name)):
            why = "is qualified" if "." in name else problem
            found.append(error("HW0114", f"the macro name `{shown(name)}` {why}", where))
        elif name.casefold() in known:
            first = known[name.casefold()].at.where
            found.append(error("HW0125", f"the macro `{name}` is declared twice; first at {first}", where))
        else:
            known[name.casefold()] = Macro(name=name, statement=statement, at=Origin(where))
    return found
