"""The shape of the code is a test too: the tail is where quality goes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.diagnostics import CATALOGUE
from tools.shape import ROOT, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
REASONS: dict[str, str] = {}
"""Dotted name → why this one may be longer. Empty is best."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "handler", "base", "misc"}

MODULES = modules()
FUNCTIONS = [function for module in MODULES for function in module.functions]
CODE = re.compile(r"\bHW\d{4}\b")
BARE = re.compile(r"# no[q]a(?!: [A-Z]+\d+(, [A-Z]+\d+)* - \S)")


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.name)
def test_a_module_is_short_and_opens_with_a_sentence(module):
    assert module.lines <= LONGEST_MODULE or module.name in REASONS, f"{module.name} has {module.lines} lines"
    assert module.opening.endswith("."), f"{module.name} does not open with a sentence"
    assert not VAGUE & set(re.split(r"[._]", module.name)), f"{module.name}: name it after what it produces"


def test_no_function_is_long():
    long = {f.name: f.lines for f in FUNCTIONS if f.lines > LONGEST_FUNCTION and f.name not in REASONS}
    assert not long


def test_exceptions_are_still_needed():
    sizes = {f.name: f.lines > LONGEST_FUNCTION for f in FUNCTIONS} | {
        m.name: m.lines > LONGEST_MODULE for m in MODULES
    }
    assert not [name for name in REASONS if not sizes.get(name)]


def test_diagnostic_codes_used_are_those_in_the_catalogue():
    texts = {path: path.read_text() for path in (ROOT / "src").rglob("*.py") if path.name != "catalogue.py"}
    used = {code: str(path.relative_to(ROOT)) for path, text in texts.items() for code in CODE.findall(text)}
    assert {code: where for code, where in used.items() if code not in CATALOGUE} == {}, (
        "used, but not in the catalogue"
    )
    assert sorted(CATALOGUE.keys() - used.keys()) == [], "in the catalogue, but never used"


def test_whoever_is_let_off_a_rule_says_why():
    files = [path for folder in ("src", "tests", "bench", "tools") for path in (ROOT / folder).rglob("*.py")]
    own = [path for path in files if ".peers" not in path.parts]
    lines = [f"{path.relative_to(ROOT)}: {line}" for path in own for line in path.read_text().splitlines()]
    assert [line for line in lines if BARE.search(line)] == []


def test_titles_of_diagnostics_are_one_line_and_unlike():
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)
    assert not [title for title in CATALOGUE.values() if "\n" in title or not title.strip()]


def test_imports_go_down_only():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
