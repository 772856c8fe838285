"""Fenced blocks of a Markdown page, and a shell session in which they run.

The words after a block's language say how it is tested::

    ```console                 every `$ ` line must end with 0; what is printed is for the reader and not compared
    ```console output          … and each command prints what stands below it; `…` stands for any text or any lines
    ```console exit=6          … and the last command ends with 6
    ```console skip="why"      not run, for a reason
    ```python run              run by Python in the session's directory; without `run` it must at least compile

All blocks of a page share one session: an empty directory, in which `cd` and `export` last.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w+)[ \t]*([^\n`]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the words after it, its text, the line on which it begins."""

    language: str
    words: dict[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """One command of a console block with the output written below it."""

    text: str
    output: str = ""


def blocks_of(page: str) -> list[Block]:
    return [
        Block(
            m[1],
            {w.partition("=")[0]: w.partition("=")[2] for w in shlex.split(m[2])},
            m[3],
            page.count("\n", 0, m.start()) + 1,
        )
        for m in FENCE.finditer(page)
    ]


def commands_of(text: str) -> list[Command]:
    """Split a console block: `$ ` begins a command; a final backslash or a here-document continues it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console block begins with a command, not with {parts[0]!r}"
    return [Command(*_split(part)) for part in parts[1:]]


def _split(part: str) -> tuple[str, str]:
    lines = part.splitlines()
    last = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
    if here := re.search(r"<<-?'?(\w+)'?", lines[last]):
        last = lines.index(here[1], last)
    return "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def is_like(expected: str, printed: str) -> bool:
    """Whether a text is the expected one; `…` stands for any text within a line, alone on a line for any lines."""

    def pattern(line: str) -> str:
        return (
            r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ \t]*\n"
        )

    return re.fullmatch("".join(map(pattern, expected.strip("\n").split("\n"))), printed.strip("\n") + "\n") is not None


@dataclass
class Session:
    """A shell that remembers its directory and environment from one command to the next."""

    home: Path
    folder: Path = field(init=False)
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.home / "work"
        self.folder.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Reader"), ("EMAIL", "reader@example.org"))
        }
        self.environment = {
            "PATH": path,
            "HOME": str(self.home),
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.home),
        } | who

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        left = self.home / "left"
        script = (
            f"{command}\ncode=$?\npwd > {shlex.quote(str(left))}; env -0 > {shlex.quote(str(left))}.env; exit $code"
        )
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=240,
        )  # fmt: skip
        self.folder = Path(left.read_text().rstrip("\n"))
        pairs = Path(f"{left}.env").read_text().split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        return done


def try_block(block: Block, session: Session) -> None:
    """Run a block as its words say; AssertionError with the command and what it printed otherwise."""
    if block.language == "python":
        ast.parse(block.text)
    if "skip" in block.words:
        assert block.words["skip"], f"line {block.line}: say why this block is skipped"
    elif block.language == "console":
        _try_commands(block, session)
    elif block.language == "python" and "run" in block.words:
        done = session.run(f"{shlex.quote(sys.executable)} -c {shlex.quote(block.text)}")
        assert done.returncode == 0, f"line {block.line}: ended with {done.returncode}\n{done.stdout}"


def _try_commands(block: Block, session: Session) -> None:
    commands = commands_of(block.text)
    for command in commands:
        done = session.run(command.text)
        expected = int(block.words.get("exit", 0)) if command is commands[-1] else 0
        assert done.returncode == expected, (
            f"line {block.line}: `{command.text}` ended with {done.returncode}\n{done.stdout}"
        )
        if "output" in block.words:
            assert is_like(command.output, done.stdout), f"line {block.line}: `{command.text}` printed\n{done.stdout}"
