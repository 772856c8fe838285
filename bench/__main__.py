"""Run benchmarks (all, or those named), print their tables, keep their numbers."""

import argparse
import importlib
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.measure import load, machine, table, write
from bench.scale import FULL, QUICK, Scale

BENCHMARKS = (
    "startup",
    "pipeline",
    "formats",
    "models",
    "slots",
    "chains",
    "tasks",
    "serving",
    "masking",
    "tpch",
    "policy_sets",
)


def main() -> None:
    asked = _arguments()
    scale = _scale(asked)
    print(f"{machine()}\n", flush=True)
    for name in asked.names or BENCHMARKS:
        module = importlib.import_module(f"bench.{name}")
        before = load()
        with tempfile.TemporaryDirectory(prefix=f"headwater-{name}-", dir=asked.folder) as folder:
            rows = list(module.rows(Path(folder), scale))
        path = write(name, rows, (before, load()))
        print(f"## {module.__doc__.strip()}\n\n{table(rows)}\n\n{path.name}; {before}\n", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run each: does it work?")
    parser.add_argument("--large", action="store_true", help="ten times the log lines and TPC-H, too (6 GB of disk)")
    parser.add_argument("--no-peers", action="store_true", help="without the tools that Headwater is measured beside")
    parser.add_argument("--models", type=int, action="append", help="how many models (repeatable)")
    parser.add_argument("--alone", type=int, action="append", help="how many models without peers (repeatable)")
    parser.add_argument("--changes", type=int, action="append", help="how many changes of chains (repeatable)")
    parser.add_argument("--slots", type=int, action="append", help="how many slots (repeatable)")
    parser.add_argument("--tasks", type=int, action="append", help="how many tasks that do nothing (repeatable)")
    parser.add_argument("--peer", action="append", help="only this peer, as in bench/peers.py (repeatable)")
    parser.add_argument("--times", type=int, help="runs of each")
    parser.add_argument("--folder", type=Path, help="where data is made; default: the system's temporary directory")
    return parser.parse_args()


def _scale(asked: argparse.Namespace) -> Scale:
    scale = QUICK if asked.quick else FULL
    peers = () if asked.no_peers else tuple(asked.peer or scale.peers)
    scale = replace(scale, peers=peers, times=asked.times or scale.times)
    scale = replace(scale, models=tuple(asked.models or scale.models), slots=tuple(asked.slots or scale.slots))
    scale = replace(scale, alone=tuple(asked.alone or scale.alone), changes=tuple(asked.changes or scale.changes))
    scale = replace(scale, tasks=tuple(asked.tasks or scale.tasks))
    return replace(scale, growth=(*scale.growth, 10), tpch=(*scale.tpch, 10)) if asked.large else scale


if __name__ == "__main__":
    main()
