"""A project in a directory, and the command line as a function."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.app.initialise import initialise
from headwater.cli.main import cli


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)

    @property
    def everything(self):
        return self.out + self.err


@dataclass(frozen=True)
class CommandLine:
    """Runs commands on a project, as a person in another directory would."""

    root: Path

    def __call__(self, *arguments, stdin=None):
        given = ["--project", str(self.root), *map(str, arguments)]
        result = CliRunner().invoke(cli, given, input=stdin, prog_name="headwater")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def edit(self, path, old, new):
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))


@pytest.fixture
def headwater(tmp_path):
    initialise(tmp_path / "shop", "minimal", name="shop")
    return CommandLine(tmp_path / "shop")


@pytest.fixture
def applied(headwater):
    assert headwater("apply").code == 0
    return headwater


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A project that is applied to dev, shared by tests that only read."""
    root = tmp_path_factory.mktemp("shared") / "shop"
    initialise(root, "minimal", name="shop")
    run = CommandLine(root)
    assert run("apply").code == 0
    return run
