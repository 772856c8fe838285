"""What it costs to start: `--help` and `status`, beside an interpreter that does nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, best

COMMAND = Path(sys.executable).with_name("headwater")


def rows(folder: Path) -> Iterator[Row]:
    best([COMMAND, "init", folder / "project"], folder, times=1)
    project = folder / "project"
    best([COMMAND, "apply"], project, times=1)
    yield Row("start", "python", best([sys.executable, "-c", ""], project))
    yield Row("start", "python -c 'import click'", best([sys.executable, "-c", "import click"], project))
    yield Row("--help", "headwater", best([COMMAND, "--help"], project), budget_s=0.12)
    yield Row("status", "headwater", best([COMMAND, "status"], project), budget_s=0.2)
