"""A YAML file → what it declares: named entries of the plural maps, and (in headwater.yaml) the project's own keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error, suggest, warning
from headwater.project.names import normal
from headwater.project.reading import LATER, MISSING, Reading, entries, mismatch, unknown_key
from headwater.project.shapes import keys_of
from headwater.project.yaml_nodes import Node
from headwater.spec.nodes import PythonCode
from headwater.spec.project import Project

SECTIONS: Final = (
    *("sources", "models", "sinks", "pipelines", "alerts", "tests", "sites", "environments"),
    *("policies", "keys", "policy_tests"),
)
PROJECT_FILE: Final = "headwater.yaml"
_TOP_KEY: Final = re.compile(r"^(?:\{[ \t]*)?['\"]?([A-Za-z_]+)['\"]?[ \t]*:", re.MULTILINE)
_CLOSE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Declared:
    """One named entry of a plural map."""

    section: str
    name: str
    key: Node
    node: Node
    reading: Reading
    code: PythonCode | None = None
    """The function of a Python source or sink."""

    @property
    def what(self) -> str:
        """What it declares, for messages: a source, a policy test."""
        singular = "policy" if self.section == "policies" else self.section.removesuffix("s")
        return singular.replace("_", " ")

    @property
    def where(self) -> Where:
        """Its place: the name's."""
        return self.reading.where(self.key)


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """The project's own keys, read, with the node they stand in."""

    values: Mapping[str, Any]
    node: Node
    reading: Reading


def sections_of(node: Node, reading: Reading) -> list[Declared]:
    """Give what a map of plural maps declares; other keys are mistakes, except the project's own in headwater.yaml."""
    declared: list[Declared] = []
    own = project_keys() if reading.written.file == PROJECT_FILE else ()
    for text, key_node, value in entries(node, reading):
        if text in SECTIONS:
            declared += _section(text, value, reading)
        elif text in project_keys() and not own:
            reading.wrong("HW0109", key_node, f"`{text}` belongs into {PROJECT_FILE}")
        elif text not in own:
            unknown_key(text, key_node, reading, (*SECTIONS, *own))
    return declared


def _section(section: str, node: Node, reading: Reading) -> list[Declared]:
    if node.id == "scalar" and not node.value and not node.style:
        return []
    if node.id != "mapping":
        reading.key = section
        mismatch(node, reading, "a map from names to settings")
        return []
    return [Declared(section, normal(name), key, value, reading) for name, key, value in entries(node, reading)]


def project_keys() -> tuple[str, ...]:
    """Give the keys that only headwater.yaml has."""
    return ("project", *keys_of(Project))


def read_project_keys(node: Node, reading: Reading) -> ProjectKeys:
    """Read the project's own keys; what is wrong is left to its default."""
    values: dict[str, Any] = {}
    keys = keys_of(Project)
    for key_node, value_node in node.value:
        text = key_node.value if key_node.id == "scalar" else ""
        reading.key = text
        if text == "project" and value_node.id == "scalar":
            values.setdefault("name", value_node.value)
        elif text == "project":
            mismatch(value_node, reading, "text")
        elif text in keys and text not in values:
            value = keys[text].read(value_node, reading)
            if value is not MISSING:
                values[text] = value
    if not any(key.id == "scalar" and key.value == "project" for key, _ in node.value):
        reading.wrong("HW0111", node, "`project` is missing", "the project's name, such as `project: flights`")
    return ProjectKeys(values, node, reading)


def foreign(text: str, file: str) -> list[Diagnostic] | None:
    """Judge a YAML file by the keys at its left edge: None if it is the project's, else what to say of it.

    A repository holds YAML files of other tools: they are passed over. A file whose keys are all slips of ours is a
    mistake; one with some such key gets a warning.
    """
    keys = list(dict.fromkeys(match[1] for match in _TOP_KEY.finditer(text)))
    if any(key in SECTIONS for key in keys) or file == PROJECT_FILE:
        return None
    if keys and all(key in LATER for key in keys):
        message = f"this file is not read: this version of Headwater knows no `{keys[0]}` yet"
        return [warning("HW0130", message, Where(file, 1, 1))]
    close = [key for key in keys if get_close_matches(key, SECTIONS, n=1, cutoff=_CLOSE)]
    if not close:
        return []
    report = error if len(close) == len(keys) else warning
    line = text[: text.index(close[0])].count("\n") + 1
    hint = suggest(close[0], SECTIONS)
    return [report("HW0130", f"this file is not read: it holds no `{close[0]}`", Where(file, line, 1), hint=hint)]
