"""Where a new test belongs: a file of tests of its model, the tests that stand there already untouched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.app.editor import SCHEMA_FILE, schema_line
from headwater.app.unit_tests.writing import Draft, section
from headwater.diagnostics import Invalid, Where
from headwater.project.assembling import read_tests
from headwater.project.names import shown, title_problem
from headwater.project.yaml_nodes import compose
from headwater.spec.project import Project

_INDENT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file and what it will hold. ``before`` is what it holds now (None: it does not exist)."""

    path: str
    before: str | None
    after: str = ""
    first: str = ""
    """What a new file begins with."""

    def holding(self, draft: Draft) -> "NewFile":
        """Give the file with a test added; Invalid if it is written in a way that cannot be added to."""
        after = _added(self.before if self.before is not None else self.first, section(draft))
        old, new = ({test.name for test in read_tests(t, self.path)[0]} for t in (self.before or "", after))
        if new != old | {draft.name}:
            hint = "print the test with --print, and put it where it belongs"
            message = f"no test can be added to `{self.path}`: its `tests:` are not a plain map, one test below another"
            raise Invalid.of("HW0673", message, Where(self.path), hint=hint)
        return NewFile(path=self.path, before=self.before, after=after)


def place_test(root: Path, name: str, model: str, project: Project) -> NewFile:
    """Find the file for a new test: ``tests/<model>.yaml``; Invalid if the name cannot be, or is taken."""
    if problem := title_problem(name):
        raise Invalid.of("HW0114", f"the test name `{shown(name)}` {problem}", hint="choose another name")
    taken = next((test for test in project.tests if test.name.casefold() == name.casefold()), None)
    if taken is not None:
        hint = "give the new one another name with --name, or delete the old one first"
        raise Invalid.of("HW0673", f"there is a test `{shown(name)}` already", taken.at.where, hint=hint)
    path = f"tests/{model}.yaml"
    try:
        text = (root / path).read_text(encoding="utf-8") if (root / path).exists() else None
    except (OSError, UnicodeDecodeError) as problem:
        hint = "tests are UTF-8 text that this user may read"
        raise Invalid.of("HW0673", f"`{path}` cannot be read: {problem}", Where(path), hint=hint) from None
    first = f"{schema_line(path)}\n" if (root / SCHEMA_FILE).exists() else ""
    return NewFile(path=path, before=text, first=first)


def _added(text: str, entry: str) -> str:
    """Put an entry behind the last one of ``tests:``, as far to the right as those are."""
    node, _ = compose(text, "tests") if text.strip() else (None, [])
    tests = next((pair for pair in node.value if pair[0].value == "tests"), None) if node is not None else None
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if tests is None:
        return "".join(lines) + ("\n" if node is not None else "") + "tests:\n" + entry
    entries = tests[1].value if tests[1].id == "mapping" else []
    indent = entries[0][0].start_mark.column if entries else _INDENT
    later = (
        [key.start_mark.line for key, _ in node.value if key.start_mark.line > tests[0].start_mark.line] if node else []
    )
    at = min(later, default=len(lines))
    while at and not lines[at - 1].strip():
        at -= 1
    moved = "".join(f"{' ' * indent}{line[_INDENT:]}" for line in entry.splitlines(keepends=True))
    return "".join([*lines[:at], "\n" if entries else "", moved, *lines[at:]])
