"""No tracked file names the machine it was written on, or the index its packages came from."""

import re
import subprocess

from tools.shape import ROOT

MACHINE = re.compile(r"(?<![\w.])/(?:work|root|Users)/[a-z]|/home/[a-z]+/|[A-Z]:\\\\Users")
INDEX = re.compile(
    "|".join(("--(?:extra-)?index" + "-url", "--find" + "-links", "--trusted" + "-host", r"https?://\S*/simple\b"))
)


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return {str(f.relative_to(ROOT)): f.read_text(errors="replace") for f in files if f.is_file()}


def lines_with(pattern):
    return [f"{name}: {line.strip()}" for name, text in tracked().items() if name != "tests/shape/test_traces.py"
            for line in text.splitlines() if pattern.search(line)]  # fmt: skip


def test_no_machine_paths():
    assert lines_with(MACHINE) == []


def test_no_package_index():
    assert lines_with(INDEX) == []


def test_the_lock_pins_every_package_exactly():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [
        line
        for line in lines
        if line and not line.startswith("#") and not re.fullmatch(r"[a-z0-9-]+(\[\w+\])?==[\w.+]+", line)
    ] == []
