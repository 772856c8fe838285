"""Run benchmarks (all, or those named), print their tables, keep their numbers."""

import importlib
import sys
import tempfile
from pathlib import Path

from bench.measure import machine, table, write

BENCHMARKS = ("startup",)


def main() -> None:
    names = sys.argv[1:] or BENCHMARKS
    print(f"{machine()}\n")
    for name in names:
        module = importlib.import_module(f"bench.{name}")
        with tempfile.TemporaryDirectory(prefix=f"headwater-{name}-") as folder:
            rows = list(module.rows(Path(folder)))
        print(f"## {module.__doc__.strip()}\n\n{table(rows)}\n\n{write(name, rows).name}\n")


if __name__ == "__main__":
    main()
