"""What readers share: where they are in a file, what they found there, and the mistakes that all of them know.

``MISSING`` stands for a value that could not be read; why is among the diagnostics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.project import scalars
from headwater.project.names import printable, shown
from headwater.project.other_tools import KEYS
from headwater.project.places import Places, Written, mark_of
from headwater.project.yaml_nodes import Node
from headwater.spec.origin import Origin


class Missing:
    """The type of ``MISSING``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
_NAMES: Final = {"scalar": "a single value", "sequence": "a list", "mapping": "a map"}
TYPE_NAMES: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


@dataclass(slots=True)
class Reading:
    """What readers share while they read one file: where they are and what they found."""

    written: Written
    found: list[Diagnostic]
    key: str = ""
    """The key whose value is being read, for messages."""
    read_checks: "Read | None" = None
    """How a list of checks is read (they have a syntax of their own)."""

    def where(self, node: Node) -> Where:
        """Give the place of a node."""
        return self.written.where(node)

    def wrong(self, code: str, node: Node, message: str, hint: str = "") -> Missing:
        """Note a mistake at a node."""
        length = len(node.value) if node.id == "scalar" and "\n" not in node.value else 1
        self.found.append(
            error(code, printable(message), self.where(node), hint=printable(hint), length=max(length, 1))
        )
        return MISSING

    def origin(self, node: Node, *more: tuple[str, Node]) -> Origin:
        """Give the origin of a value: the node's own place and (lazily) all below it and below other (path, node)."""
        parts = [(self.written, path, mark_of(part)) for path, part in (("", node), *more)]
        return Origin(self.written.where(node), Places(*parts))


Read = Callable[[Node, Reading], Any]


def mismatch(node: Node, reading: Reading, expected: str) -> Any:
    """Note a value of the wrong type; what was found is named by its type, never by its text."""
    found = TYPE_NAMES.get(type(scalars.plain(node)), "text") if node.id == "scalar" else _NAMES[node.id]
    hint = ""
    if found == "null":
        hint = "give it a value, or take the key out"
    elif expected == "text":
        hint = "put it in quotes" if node.id == "scalar" else ""
    elif found == "text" and node.value.lower() in {"yes", "no", "on", "off"}:
        hint = "write true or false"
    what = f"`{shown(reading.key)}`" if reading.key else "this"
    return reading.wrong("HW0110", node, f"{what} must be {expected}, not {found}", hint)


def is_null(node: Node) -> bool:
    """Whether a node is nothing: empty, ``~`` or ``null``."""
    return node.id == "scalar" and scalars.plain(node) is None


def entries(node: Node, reading: Reading, *, is_caseless: bool = False) -> list[tuple[str, Node, Node]]:
    """Give a map's (key, its node, value node); a key written twice counts once and is a mistake."""
    seen: dict[str, Node] = {}
    kept = []
    for key, value in node.value:
        if key.id != "scalar":
            reading.wrong("HW0129", key, "a key must be a single value", "put lists and maps on the right of the `:`")
            continue
        text = key.value
        folded = text.casefold() if is_caseless else text
        if folded in seen:
            first = reading.where(seen[folded])
            reading.wrong("HW0108", key, f"`{shown(text)}` is written twice; first on line {first.line}")
            continue
        seen[folded] = key
        kept.append((text, key, value))
    return kept


LATER: Final = frozenset({
    "connections", "dialect", "runtimes", "scenarios",
})  # fmt: skip
"""Keys of the published format that this version does not read yet."""


def unknown_key(text: str, node: Node, reading: Reading, known: Sequence[str]) -> None:
    """Note a key that nobody reads, with the known key closest to it."""
    hint = "this version of Headwater does not read it yet" if text in LATER else KEYS.get(text, "")
    hint = hint or suggest(text[:100], known)
    reading.wrong("HW0109", node, f"unknown key `{shown(text)}`", hint or f"known keys: {', '.join(sorted(known))}")
