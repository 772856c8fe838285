"""Help: every command says what it does and shows an example, and finding that out costs little."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from headwater.cli.main import SECTIONS, cli

LISTED = {name: text for section in SECTIONS.values() for name, text in section.items()}
CONTEXT = click.Context(cli, info_name="headwater")


def every_command():
    for name in LISTED:
        command = cli.get_command(CONTEXT, name)
        yield name, command
        for below, each in getattr(command, "commands", {}).items():
            yield f"{name} {below}", each


COMMANDS = dict(every_command())


@pytest.mark.parametrize("name", LISTED)
def test_the_list_says_what_the_command_says_of_itself(name):
    assert COMMANDS[name].short_help == LISTED[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_it_does_and_shows_an_example(headwater, name):
    said = headwater(*name.split(), "--help")
    assert said.code == 0
    assert f"$ headwater {name}" in said.out or name == "completion"
    assert COMMANDS[name].help.split("\n")[0].rstrip(".")[:40] in " ".join(said.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name):
    options = [p for p in COMMANDS[name].params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_names_of_options_are_one_word_for_one_thing(name):
    options = {opt for p in COMMANDS[name].params for opt in p.opts}
    assert {"--json", "--project", "--quiet", "--verbose", "--no-color", "--var"} <= options


def test_without_a_command_the_list_is_shown():
    said = CliRunner().invoke(cli, [])
    assert (said.exit_code, said.stdout, "Show what an apply would change" in said.stderr) == (2, "", True)


def test_the_version_is_printed(headwater):
    assert headwater("--version").out.startswith("headwater 0.")


def test_help_imports_no_command(tmp_path):
    code = (
        "import sys\nfrom headwater.cli.main import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("LOADED ")[2].split()
    assert [name for name in loaded if name.startswith("headwater.cli.commands.")] == []
    assert {"yaml", "rich", "duckdb", "pyarrow", "sqlglot", "msgspec"} & set(loaded) == set()
