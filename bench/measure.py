"""Run a command and say what it cost: seconds and peak memory, as the kernel counted them, beside the machine's name."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

LAUNCHER = Path(__file__).resolve().with_name("launch.py")
RESULTS = Path(__file__).resolve().parent / "results"
NOT_HANDED_ON = ("PYTHONDONTWRITEBYTECODE",)
"""Installed programs have their bytecode; a benchmark must not make them compile it anew each time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process and its children took: seconds and bytes (peak resident memory of the largest of them)."""

    wall_s: float
    user_s: float
    sys_s: float
    peak_bytes: int
    written_bytes: int = 0
    """What it wrote to disks, be that still in memory when it ended; 0 where the kernel does not count it."""


Trial = Callable[[], Cost]
"""Does a thing once, from the same beginning each time."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was done, by whom, at what cost each time; budgets are what it may take."""

    what: str
    who: str
    costs: tuple[Cost, ...]
    budget_s: float | None = None
    budget_bytes: int | None = None
    facts: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def cost(self) -> Cost:
        """The cost of the median run, with the peak memory of all."""
        median = sorted(self.costs, key=lambda cost: cost.wall_s)[(len(self.costs) - 1) // 2]
        return replace(median, peak_bytes=max(cost.peak_bytes for cost in self.costs))

    @property
    def verdict(self) -> str:
        """What was allowed, and whether that was kept."""
        kept = []
        if self.budget_s is not None:
            kept.append((f"≤ {self.budget_s:.3g} s", self.cost.wall_s <= self.budget_s))
        if self.budget_bytes is not None:
            kept.append((f"≤ {self.budget_bytes / 1e6:.0f} MB", self.cost.peak_bytes <= self.budget_bytes))
        return ", ".join(f"{limit} {'met' if is_met else '**missed**'}" for limit, is_met in kept)


def run(
    command: Sequence[str | Path], folder: Path, *, expect: int = 0, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end; SystemExit with its output if it does not end with ``expect``."""
    given = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    words = [str(part) for part in command]
    with (folder / ".measured").open("w+b") as output, tempfile.NamedTemporaryFile() as cost:
        subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), cost.name, *words],
            cwd=folder, env={**given, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            check=True,
        )  # fmt: skip
        code, *found = json.loads(cost.read())
        if code != expect:
            output.seek(0)
            sys.exit(f"{' '.join(words)} ended with {code}\n{output.read().decode(errors='replace')}")
    return Cost(*found)


def alternate(trials: Mapping[str, Trial], times: int) -> dict[str, tuple[Cost, ...]]:
    """Run trials by turns, so that what disturbs the machine disturbs all of them; give every cost by name."""
    costs: dict[str, list[Cost]] = {who: [] for who in trials}
    for _ in range(times):
        for who, trial in trials.items():
            costs[who].append(trial())
    return {who: tuple(each) for who, each in costs.items()}


def machine() -> str:
    """Describe the machine in one line: processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def load() -> str:
    """Say how busy the machine was during the last minute and the last quarter of an hour."""
    recent, _, longer = os.getloadavg()
    return f"load {recent:.1f} (one minute), {longer:.1f} (fifteen)"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(rows: Iterable[Row]) -> str:
    """Give rows as a Markdown table."""
    head = [
        "| what | who | median s | least–most s | runs | processor s | peak MB | budget | |",
        "|---|---|---:|---:|---:|---:|---:|---|---|",
    ]
    return "\n".join([*head, *map(_line, rows)])


def _line(row: Row) -> str:
    cost, walls = row.cost, [cost.wall_s for cost in row.costs]
    spread = f"{min(walls):.3g}–{max(walls):.3g}" if len(walls) > 1 else ""
    facts = ", ".join(f"{name} {value}" for name, value in row.facts.items())
    cells = (
        *(row.what, row.who, f"{cost.wall_s:.3g}", spread, str(len(walls)), f"{cost.user_s + cost.sys_s:.3g}"),
        *(f"{cost.peak_bytes / 1e6:.0f}", row.verdict, facts),
    )
    return f"| {' | '.join(cells)} |"


def write(name: str, rows: Sequence[Row], busy: Sequence[str]) -> Path:
    """Keep rows with the machine, how busy it was before and after, and the time, as JSON; give the file's path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "name": name,
        "at": datetime.now(UTC).isoformat(),
        "machine": machine(),
        "load": list(busy),
        "rows": [{**asdict(row), "median": asdict(row.cost), "verdict": row.verdict} for row in rows],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path
