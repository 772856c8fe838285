"""Writes `class:` into a project's files: the column's own line changes, comments and layout stay."""

import json
from dataclasses import dataclass
from typing import Any, Final, cast

from headwater.project.sql_files import read_sql_file
from headwater.project.yaml_nodes import Mark, Node, WrittenNode, compose

_FLOW_MARKS: Final = frozenset(",[]{}")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What replaces the text between two offsets of a file."""

    start: int
    end: int
    text: str


def with_class(file: str, text: str, path: Path, class_: str) -> str | None:
    """Give a file's text with a column's class; ``path`` leads to the column (``sources, orders, columns, email``).

    None where it cannot be written by changing the column's own place, or where anything else would change with it.
    """
    node, lines_before = _read(file, text)
    if node is None or (found := _found(node, path)) is None:
        return None
    edit = _edit(text, found, class_, lines_before)
    changed = text[: edit.start] + edit.text + text[edit.end :]
    after, _ = _read(file, changed)
    is_right = after is not None and _plain(after) == _with(_plain(node), path, class_)
    return changed if is_right and _rest(file, text) == _rest(file, changed) else None


def _end(node: Node) -> Mark:
    """Give where a node of a text ends."""
    return cast("WrittenNode", node).end_mark


def _read(file: str, text: str) -> tuple[Node | None, int]:
    if not file.endswith(".sql"):
        node, found = compose(text, file)
        return (None if found else node), 0
    sql, found = read_sql_file(file, text)
    return (None if found else sql.header), sql.written.lines_before


def _rest(file: str, text: str) -> str:
    """What of a file is no YAML: the query of a model."""
    return read_sql_file(file, text)[0].query if file.endswith(".sql") else ""


def _found(node: Node, path: Path) -> tuple[Node, Node] | None:
    """Give the key and the value at a path; names are those that people write, in any case."""
    pair = None
    for name in path:
        if node.id != "mapping":
            return None
        pair = next((each for each in node.value if each[0].value.casefold() == name.casefold()), None)
        if pair is None:
            return None
        node = pair[1]
    return pair


def _edit(text: str, found: tuple[Node, Node], class_: str, lines_before: int) -> Edit:
    key, value = found

    def offset(mark: Any) -> int:
        return _offset(text, mark.line + lines_before, mark.column)

    start, end = offset(value.start_mark), offset(_end(value))
    if value.id != "mapping":
        written = text[start:end]
        if not written.strip():
            at = offset(_end(key)) + 1
            return Edit(at, at, f" {{class: {class_}}}")
        plain = json.dumps(value.value) if not value.style and _FLOW_MARKS & set(value.value) else written
        return Edit(start, end, f"{{type: {plain}, class: {class_}}}")
    if not value.value:
        return Edit(start, end, f"{{class: {class_}}}")
    if text[start] == "{":
        last = offset(_end(value.value[-1][1]))
        return Edit(last, last, f", class: {class_}")
    newline = "\r\n" if "\r\n" in text else "\n"
    return Edit(start, start, f"class: {class_}{newline}{' ' * value.start_mark.column}")


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line):
        start = text.index("\n", start) + 1 if "\n" in text[start:] else len(text)
    return start + column


def _plain(node: Node) -> Any:
    """A value without its places and layout."""
    if node.id == "mapping":
        return {key.value: _plain(value) for key, value in node.value}
    if node.id == "sequence":
        return [_plain(each) for each in node.value]
    return node.value


def _with(plain: Any, path: Path, class_: str) -> Any:
    if not path:
        said = plain if isinstance(plain, dict) else {"type": plain} if plain else {}
        return {**said, "class": class_}
    return {key: _with(value, path[1:], class_) if _is(key, path[0]) else value for key, value in plain.items()}


def _is(key: str, name: str) -> bool:
    return key.casefold() == name.casefold()
