"""References in settings (``${env:X}``): checked for their form, never resolved when a project is read."""

import re
from collections.abc import Iterator
from typing import Final

from headwater.project.reading import Reading
from headwater.project.yaml_nodes import Node

_REFERENCE: Final = re.compile(r"\$\{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^{}\s][^{}]*|keyring:[^{}/\s]+/[^{}\s]+)\}")
_OPENING: Final = "${"
_HINT: Final = "references are ${env:NAME}, ${file:path} and ${keyring:service/user}"


def is_reference(text: str) -> bool:
    """Whether a text is one reference and nothing else.

    >>> is_reference("${env:PUSH}"), is_reference("hunter2")
    (True, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def check_references(node: Node, reading: Reading) -> None:
    """Note every malformed reference below a node; the text itself is not shown, it may hold a secret."""
    for scalar in _scalars(node):
        if _OPENING in scalar.value and _OPENING in _REFERENCE.sub("", scalar.value):
            reading.wrong("HW0113", scalar, "malformed reference", _HINT)


def _scalars(node: Node) -> Iterator[Node]:
    if node.id == "scalar":
        yield node
    elif node.id == "sequence":
        for item in node.value:
            yield from _scalars(item)
    else:
        for _, value in node.value:
            yield from _scalars(value)
