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


SITES = {
    "headwater.yaml": "project: web\nsites:\n"
    "  hub: {jurisdiction: us}\n  eu: {jurisdiction: eu, root: eu}\n  uk: {jurisdiction: uk, root: uk}\n",
    "sources.yaml": "sources:\n  visits:\n    connector: files\n    path: logs/*.csv\n    at: [eu, uk]\n    columns:\n"
    "      path: {type: text, class: internal}\n      client: {type: text, class: pii.ip}\n"
    "      bytes: {type: bigint, class: internal}\n",
    "policies.yaml": "policies:\n  traffic:\n    description: How much is read, never by whom\n"
    "    ship: [path, bytes]\n    from: visits\n    to: [hub]\n",
    "models/traffic.sql": "SELECT path, sum(bytes) AS bytes FROM visits WHERE path <> '/hidden' GROUP BY path\n",
    "models/busy.sql": "SELECT path FROM traffic WHERE bytes > 20\n",
    "eu/logs/1.csv": "path,client,bytes\n/a,1.2.3.4,10\n/b,1.2.3.5,30\n",
    "uk/logs/1.csv": "path,client,bytes\n/a,9.2.3.4,5\n/hidden,9.2.3.4,5\n",
}
"""A project whose visits lie under two laws, and whose tables lie under a third."""


@pytest.fixture
def apart(tmp_path):
    """A project over three jurisdictions, whose rules nobody has approved yet."""
    run = CommandLine(tmp_path / "web")
    for path, text in SITES.items():
        run.write(path, text)
    return run


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """A project over three jurisdictions that is applied to dev, shared by tests that only read."""
    run = CommandLine(tmp_path_factory.mktemp("crossed") / "web")
    for path, text in SITES.items():
        run.write(path, text)
    assert run("sites", "approve", "--all", "--yes").code == 0
    assert run("apply").code == 0
    return run
