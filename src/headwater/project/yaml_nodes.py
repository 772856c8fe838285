"""YAML text → nodes with positions (libyaml), refusing what would hang, crash or surprise."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from headwater.diagnostics import Diagnostic, Where, error

if TYPE_CHECKING:
    import yaml

MAX_DEPTH: Final = 100
"""Levels of nesting that are read."""
MAX_EXPANDED: Final = 100_000
"""Values that a file with anchors may expand to."""

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_SPECIAL: Final = re.compile(r"&\S|<<|(?:^|[\s,\[{:-])!")
_DEEP: Final = re.compile(r"^[ ?-]{100,}|^[ ?-]*[&!][^\n]{100,}", re.MULTILINE)
_FEW_BRACKETS: Final = 50
_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_TAB_HINT: Final = "indent with spaces"


class Mark(Protocol):
    """A place in the text, counted from 0."""

    line: int
    column: int


class Node(Protocol):
    """A YAML value: ``scalar`` (text), ``sequence`` (nodes) or ``mapping`` (pairs of nodes)."""

    id: str
    tag: str
    value: Any
    style: str | None
    start_mark: Mark


class WrittenNode(Node, Protocol):
    """A node of a YAML text: it ends somewhere, too."""

    end_mark: Mark


def compose(text: str, file: str, lines_before: int = 0) -> tuple[Node | None, list[Diagnostic]]:
    """Read one YAML document without resolving types; ``lines_before`` is where the text begins in its file.

    None with diagnostics is a broken text; None without any is an empty one.
    """
    found = _forbidden(text, file, lines_before)
    if found or (found := _too_deep(text, file, lines_before)):
        return None, found
    node, found = _compose(text, file, lines_before)
    if node is not None and _SPECIAL.search(text):
        found = list(_inspect(node, file, lines_before))
        if found:
            return None, found
        _merge(node, set())
    return node, found


def forbidden_character(text: str) -> tuple[int, int, str] | None:
    """Find the first character that no project file may hold: (line, column, its code)."""
    match = _FORBIDDEN.search(text)
    if not match:
        return None
    before = text[: match.start()]
    return before.count("\n") + 1, match.start() - before.rfind("\n"), f"U+{ord(match[0]):04X}"


def _forbidden(text: str, file: str, lines_before: int) -> list[Diagnostic]:
    place = forbidden_character(text)
    if not place:
        return []
    where = Where(file, place[0] + lines_before, place[1])
    hint = "delete it, or write it as an escape in double quotes"
    return [error("HW0104", f"control character {place[2]} in YAML", where, hint=hint)]


def _too_deep(text: str, file: str, lines_before: int) -> list[Diagnostic]:
    """The C composer recurses per level without a limit, so levels are counted on the event stream first.

    Few brackets and little indentation cannot nest far: those texts skip the count.
    """
    if text.count("[") + text.count("{") < _FEW_BRACKETS and not _DEEP.search(text):
        return []
    from yaml import YAMLError

    try:
        return _count_levels(text, file, lines_before)
    except YAMLError:
        return []  # the composer meets the same error and reports it


def _count_levels(text: str, file: str, lines_before: int) -> list[Diagnostic]:
    from yaml.events import CollectionEndEvent, CollectionStartEvent

    loader, depth = _loader(text), 0
    while event := loader.get_event():
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            where = Where(file, event.start_mark.line + 1 + lines_before, event.start_mark.column + 1)
            return [error("HW0107", f"YAML nested more than {MAX_DEPTH} levels deep", where)]
    return []


def _compose(text: str, file: str, lines_before: int) -> tuple[Node | None, list[Diagnostic]]:
    from yaml import YAMLError

    try:
        return _loader(text).get_single_node(), []
    except YAMLError as problem:
        return None, [_broken(problem, text, file, lines_before)]


_LOADERS: list[type] = []


def _loader(text: str) -> Any:
    """Make libyaml's parser with a composer that leaves tags alone: types are resolved by who reads the values."""
    if not _LOADERS:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs do not list it

        class Loader(CParser):
            def resolve(self, kind: type, value: object, implicit: object) -> str:
                del kind, value, implicit
                return ""

            def descend_resolver(self, parent: object, index: object) -> None:
                pass

            def ascend_resolver(self) -> None:
                pass

        _LOADERS.append(Loader)
    return _LOADERS[0](text)


def _broken(problem: "yaml.YAMLError", text: str, file: str, lines_before: int) -> Diagnostic:
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    where = Where(file, line + 1 + lines_before, column + 1)
    lines = text.split("\n")
    before = lines[line][: column + 1] if line < len(lines) else ""
    if "\t" in before and not before.strip():
        return error("HW0106", "a tab cannot indent YAML", where, hint=_TAB_HINT)
    what = " ".join(str(part) for part in (getattr(problem, "context", ""), getattr(problem, "problem", "")) if part)
    if "single document" in what:
        return error("HW0129", "several YAML documents in one file", where, hint="split the file at `---`")
    return error("HW0105", f"broken YAML: {what or 'unreadable'}", where, hint=_hint(what))


def _hint(what: str) -> str:
    if "mapping values are not allowed" in what:
        return "put a value that holds `: ` in quotes, or check the indentation"
    if "scanning an alias" in what:
        return "put a value that begins with `*` in quotes, such as a cron line"
    if "quoted scalar" in what:
        return "a quote is not closed"
    if "cannot start any token" in what:
        return "put a value that begins with a special character in quotes"
    if "did not find expected" in what:
        return "check indentation and brackets above this line"
    return ""


def _inspect(root: Node, file: str, lines_before: int) -> Iterator[Diagnostic]:
    """Find tags, endless aliases and aliases that expand too far: each node is looked at once."""
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        where = Where(file, node.start_mark.line + 1 + lines_before, node.start_mark.column + 1)
        if id(node) in sizes:
            stack.pop()
            continue
        below = _below(node)
        if id(node) not in open_nodes:
            yield from _tag_problem(node, where)
            open_nodes.add(id(node))
            if any(id(child) in open_nodes and id(child) not in sizes for child in below):
                yield error("HW0107", "an alias holds itself", where, hint="write the value out")
                return
            stack.extend(below)
            continue
        sizes[id(node)] = _measure(node, below, sizes)
        if sizes[id(node)][0] > MAX_EXPANDED or sizes[id(node)][1] > MAX_DEPTH:
            yield error("HW0107", f"aliases expand to more than {MAX_EXPANDED:,} values or {MAX_DEPTH} levels", where)
            return


def _measure(node: Node, below: list[Node], sizes: dict[int, tuple[int, int]]) -> tuple[int, int]:
    known = [sizes[id(child)] for child in below]
    own = len(node.value) // 100 if node.id == "scalar" else 0
    return 1 + own + sum(size for size, _ in known), 1 + max((depth for _, depth in known), default=0)


def _below(node: Node) -> list[Node]:
    if node.id == "mapping":
        return [part for pair in node.value for part in pair]
    return list(node.value) if node.id == "sequence" else []


def _tag_problem(node: Node, where: Where) -> Iterator[Diagnostic]:
    if node.tag and node.tag not in {_TEXT_TAG, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"}:
        yield error("HW0129", f"the YAML tag `{node.tag[:40]}` is not read", where, hint="write a plain value")


def _merge(node: Node, done: set[int]) -> None:
    """Write the pairs of ``<<: *anchor`` into the maps that name them; a map's own keys win."""
    if id(node) in done:
        return
    done.add(id(node))
    for child in _below(node):
        _merge(child, done)
    if node.id == "mapping" and any(_is_merge(key) for key, _ in node.value):
        own = [(key, value) for key, value in node.value if not _is_merge(key)]
        known = {key.value for key, _ in own if key.id == "scalar"}
        for key, value in _merged(node):
            if key.id == "scalar" and key.value not in known:
                known.add(key.value)
                own.append((key, value))
        node.value = own


def _is_merge(key: Node) -> bool:
    return key.id == "scalar" and key.value == "<<" and not key.style


def _merged(node: Node) -> Iterator[tuple[Node, Node]]:
    for key, value in node.value:
        if _is_merge(key):
            for source in value.value if value.id == "sequence" else [value]:
                if source.id == "mapping":
                    yield from source.value
