"""The reference is made from the code, and leaves nothing out."""

import re
import subprocess
import sys

import pytest

from headwater.cli.main import SECTIONS
from headwater.cli.reference import documents
from headwater.diagnostics import CATALOGUE


@pytest.fixture(scope="module")
def pages():
    return documents()


def test_every_command_has_its_place(pages):
    for section in SECTIONS.values():
        for name in section:
            assert f"## `headwater {name}`" in pages["cli.md"]


def test_every_diagnostic_has_its_place(pages):
    assert [code for code in CATALOGUE if f"`{code}`" not in pages["diagnostics.md"]] == []


def test_every_key_says_what_it_means(pages):
    for name in ("project.md", "sources.md", "sinks.md", "checks.md"):
        rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", pages[name], re.MULTILINE)
        assert rows
        assert [key for key, text in rows if not text.strip()] == []


def test_pages_name_no_python(pages):
    for name, text in pages.items():
        assert "Annotated[" not in text, name
        assert "<class" not in text, name


def test_the_module_writes_and_checks(tmp_path):
    def run(what):
        command = [sys.executable, "-m", "headwater.cli.reference", what, "--folder", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("--check").returncode == 1
    assert run("--write").returncode == 0
    assert (run("--check").returncode, run("--check").stdout) == (0, "")
    (tmp_path / "cli.md").write_text("old")
    assert "cli.md" in run("--check").stdout


def test_a_switch_is_listed_with_both_its_names(pages):
    assert "| `--write` / `--print` | --new: write it" in pages["cli.md"]
    assert "Default: `--write`." in pages["cli.md"]
    assert "True" not in pages["cli.md"]


def test_what_functions_are_told_is_listed_field_by_field(pages):
    assert "It has `id`, `site`, `slot`, `fill`." in pages["python.md"]
