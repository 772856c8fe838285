"""Access logs, parsed by their whole contract, filtered, counted by hour, into the lake, with checks and move."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.commands import HEADWATER, headwater, remove, trial
from bench.logs import FIRST, Compression, generate
from bench.measure import Cost, Row, Trial, alternate
from bench.peers import installed, program
from bench.scale import Scale

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SHARE = 0.85
"""So much of the rows per second of the script written by hand is demanded."""
MOST_BYTES = 600_000_000
SOURCE = """\
project: logs
environments: {dev: {}}
sources:
  access:
    connector: files
    path: %s
    format: combined
%s    columns:
      client_ip: {type: text}
      user_name: {type: text}
      ts: {type: timestamptz}
      method: {type: text}
      path: {type: text}
      protocol: {type: text}
      status: {type: integer}
      bytes: {type: bigint}
      referer: {type: text}
      user_agent: {type: text}
"""
CHECKS = """\
grain: [hour, status]
checks:
  - accepted_range: {column: requests, min: 1}
  - accepted_range: {column: bytes, min: 0}
*/
SELECT date_trunc('hour', ts) AS hour, status, count(*) AS requests, CAST(sum(bytes) AS BIGINT) AS bytes
FROM access
WHERE method = 'GET'"""
FULL = f"/* headwater\n{CHECKS}\nGROUP BY ALL\n"
INCREMENTAL = (
    f"/* headwater\nkind: incremental\ntime: hour\nevery: 1h\n{CHECKS} AND ts >= $start AND ts < $end\nGROUP BY ALL\n"
)
SLOTS = "    time: ts\n    start: 2026-01-01T00:00:00Z\n    end: %s\n"
SECOND = timedelta(seconds=1)
TOTALS = "SELECT count(*) AS n, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, epoch(min(hour))::BIGINT AS first FROM "


@dataclass(frozen=True, slots=True)
class Work:
    """One way of doing it: the trial, and how to ask for the totals of what it left."""

    trial: Trial
    totals: Callable[[], object]
    is_exact: bool = True


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    forms: dict[Compression, str] = {"none": "", "gz": ".gz", "zst": ".zst"}
    for compression, suffix in forms.items():
        log = generate(folder / f"access.log{suffix}", scale.lines, compression)
        what = f"{scale.lines:,} lines, {log.stat().st_size / 1e6:.0f} MB{suffix.replace('.', ' ')}"
        yield from _beside(what, folder / f"all{suffix}", log, scale)
        if compression != "none":
            log.unlink()
    clean = generate(folder / "clean.log", scale.lines, clean=True)
    yield from _beside(f"{scale.lines:,} lines, none malformed", folder / "clean", clean, scale)
    clean.unlink()
    yield from _growth(folder, scale)


def _beside(what: str, folder: Path, log: Path, scale: Scale) -> Iterator[Row]:
    works = _works(folder, log, scale)
    costs = alternate({who: work.trial for who, work in works.items()}, scale.times)
    expected = works[BY_HAND].totals()
    by_hand = Row(what, BY_HAND, costs[BY_HAND]).cost.wall_s
    for who, found in costs.items():
        is_ours = who == OURS
        lines_s = scale.lines / Row(what, who, found).cost.wall_s
        facts = {"lines/s": f"{lines_s / 1e6:.2f} M", "of the script": f"{by_hand * lines_s / scale.lines:.2f}"}
        totals = works[who].totals()
        assert not works[who].is_exact or totals == expected, f"{who}: {totals}, not {expected}"
        facts |= {} if works[who].is_exact else {"result": f"{totals[1]:,} of {expected[1]:,} requests"}
        yield Row(
            what,
            who,
            found,
            budget_s=by_hand / SHARE if is_ours else None,
            budget_bytes=MOST_BYTES if is_ours else None,
            facts=facts,
        )


OURS = "headwater apply (full)"
BY_SLOTS = "headwater apply (every 1h, with its file index)"
BY_HAND = "DuckDB script by hand"


def _works(folder: Path, log: Path, scale: Scale) -> dict[str, Work]:
    folder.mkdir(parents=True)
    python = {BY_HAND: ("duckdb_lines", sys.executable), "the same, tuned": ("duckdb_fenced", sys.executable)}
    if log.suffix == ".log":
        python["the same by read_csv"] = ("duckdb_csv", sys.executable)
    if "polars" in scale.peers and installed("polars"):
        python["Polars script"] = ("polars_lines", str(program("polars", "python")))
    works = {OURS: _project(folder / "full", log, "", FULL)}
    works |= {who: _script(folder, name, interpreter, log) for who, (name, interpreter) in python.items()}
    return works | {
        BY_SLOTS: _project(folder / "slots", log, SLOTS % (FIRST + scale.lines * SECOND).isoformat(), INCREMENTAL)
    }


def _project(folder: Path, log: Path, time: str, model: str) -> Work:
    (folder / "models").mkdir(parents=True)
    (folder / log.name).symlink_to(log)
    (folder / "headwater.yaml").write_text(SOURCE % (log.name, time))
    (folder / "models" / "hourly.sql").write_text(model)

    def totals() -> object:
        command = [HEADWATER, "query", "--json", TOTALS + "hourly"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return tuple(json.loads(done.stdout)[0].values())

    return Work(headwater(folder, "apply", before=lambda: remove(folder / ".headwater")), totals)


def _script(folder: Path, name: str, interpreter: str, log: Path) -> Work:
    target = folder / f"{name}.parquet"

    def totals() -> object:
        import duckdb

        return duckdb.sql(f"{TOTALS}'{target}'").fetchone()

    command = (interpreter, SCRIPTS / f"{name}.py", log, target)
    return Work(trial(command, folder, before=lambda: remove(target)), totals, is_exact=name != "duckdb_csv")


def _growth(folder: Path, scale: Scale) -> Iterator[Row]:
    """More lines at the engine's default limits: what must not grow is memory."""
    for times in scale.growth:
        log = generate(folder / f"{times}.log", scale.lines * times)
        works = {
            OURS: _project(folder / f"growth{times}", log, "", FULL),
            BY_HAND: _script(folder, "duckdb_lines", sys.executable, log),
        }
        costs: dict[str, tuple[Cost, ...]] = alternate({who: work.trial for who, work in works.items()}, 1)
        assert works[OURS].totals() == works[BY_HAND].totals()
        for who, found in costs.items():
            facts = {"lines/s": f"{scale.lines * times / found[0].wall_s / 1e6:.2f} M"}
            yield Row(f"growth: {times} × {scale.lines:,} lines", who, found, facts=facts)
        log.unlink()
