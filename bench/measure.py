"""Run a command and say what it cost: seconds and peak memory, as the kernel counted them, beside the machine's name."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process and its children took: seconds and bytes (peak resident memory of the largest of them)."""

    wall_s: float
    user_s: float
    sys_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was done, by whom, at what cost; ``budget_s`` is what it may take."""

    what: str
    who: str
    cost: Cost
    budget_s: float | None = None
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


def run(
    command: Sequence[str | Path], folder: Path, *, expect: int = 0, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end; SystemExit with its output if it does not end with ``expect``."""
    with (folder / ".measured").open("w+b") as output:
        started = time.perf_counter()
        cost, code = _wait(_start(command, folder, environment, output), started)
        if code != expect:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command))} ended with {code}\n{output.read().decode(errors='replace')}")
    return cost


def _start(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None, output: IO[bytes]
) -> int:
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
    ).pid  # fmt: skip


def _wait(process: int, started: float) -> tuple[Cost, int]:
    _, status, used = os.wait4(process, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    cost = Cost(time.perf_counter() - started, used.ru_utime, used.ru_stime, used.ru_maxrss * unit)
    return cost, os.waitstatus_to_exitcode(status)


def best(command: Sequence[str | Path], folder: Path, *, times: int = 5, expect: int = 0) -> Cost:
    """Run a command several times; give the cost of the fastest run."""
    return min((run(command, folder, expect=expect) for _ in range(times)), key=lambda cost: cost.wall_s)


def machine() -> str:
    """Describe the machine in one line: processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(rows: Iterable[Row]) -> str:
    """Give rows as a Markdown table."""
    head = ["| what | who | wall s | user s | sys s | peak MB | budget | |", "|---|---|---:|---:|---:|---:|---:|---|"]
    return "\n".join([*head, *map(_line, rows)])


def _line(row: Row) -> str:
    cost = row.cost
    budget = (
        "" if row.budget_s is None else f"≤ {row.budget_s:g} s {'met' if cost.wall_s <= row.budget_s else '**missed**'}"
    )
    facts = ", ".join(f"{name} {value}" for name, value in row.facts.items())
    return f"| {row.what} | {row.who} | {cost.wall_s:.3f} | {cost.user_s:.3f} | {cost.sys_s:.3f} | {cost.peak_bytes / 1e6:.0f} | {budget} | {facts} |"


def write(name: str, rows: Sequence[Row]) -> Path:
    """Keep rows with the machine and the time as JSON; give the file's path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "name": name,
        "at": datetime.now(UTC).isoformat(),
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path
