"""Each format of logs, plain and compressed: whole contract, counted by hour, beside a tuned query for that very file."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.commands import HEADWATER, headwater, remove, trial
from bench.log_forms import WRITERS, generate
from bench.logs import FIRST
from bench.measure import Row, alternate
from bench.scale import Scale

SCRIPT = Path(__file__).resolve().parent / "scripts" / "duckdb_formats.py"
OURS, BY_HAND = "headwater apply", "DuckDB query tuned by hand (the limit)"
COMPRESSIONS: Final = ("", ".gz", ".bz2")
PATTERN: Final = r"\[(?P<ts>[^\]]+)\] (?P<level>[A-Z]+) (?P<host>[^ ]+) (?P<status>\d+)/(?P<bytes>\d+): (?P<msg>.*)"
_ACCESS: Final = {
    "client_ip": "text", "user_name": "text", "ts": "timestamptz", "method": "text", "path": "text",
    "protocol": "text", "status": "integer", "bytes": "bigint",
}  # fmt: skip
_KEYS: Final = {
    "ts": "timestamptz", "level": "text", "host": "text", "path": "text", "status": "integer", "bytes": "bigint",
    "msg": "text", "agent": "text",
}  # fmt: skip
_SYSLOG: Final = {
    "ts": "timestamptz", "facility": "text", "severity": "integer", "host": "text", "app": "text", "pid": "integer",
    "message": "text",
}  # fmt: skip
_NEW: Final = {**_SYSLOG, "version": "integer", "msgid": "text", "structured_data": "text"}
SOURCES: Final[Mapping[str, tuple[Mapping[str, object], Mapping[str, str]]]] = {
    "combined": ({"format": "combined"}, {**_ACCESS, "referer": "text", "user_agent": "text"}),
    "common": ({"format": "common"}, _ACCESS),
    "logfmt": ({"format": "logfmt"}, _KEYS),
    "rfc3164": ({"format": "syslog", "year": FIRST.year}, _SYSLOG),
    "rfc5424": ({"format": "syslog"}, _NEW),
    "regex": (
        {"format": "regex", "pattern": PATTERN},
        {"ts": "timestamptz", "level": "text", "host": "text", "status": "integer", "bytes": "bigint", "msg": "text"},
    ),
    "jsonl": ({"format": "jsonl"}, _KEYS),
}
"""Form → the settings of its source, and its contract."""
_TOTALS: Final = "SELECT count(*) AS n, sum(lines)::BIGINT AS lines, sum(size)::BIGINT AS size FROM "


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for form in WRITERS:
        for compression in COMPRESSIONS:
            log = generate(folder / f"{form}.log{compression}", form, scale.format_lines)
            yield from _beside(folder / f"{form}{compression}", form, log, scale)
            log.unlink()


def _beside(folder: Path, form: str, log: Path, scale: Scale) -> Iterator[Row]:
    _project(folder, form, log)
    target = folder / "by_hand.parquet"
    trials = {
        OURS: headwater(folder, "apply", before=lambda: remove(folder / ".headwater")),
        BY_HAND: trial((sys.executable, SCRIPT, form, log, target), folder, before=lambda: remove(target)),
    }
    costs = alternate(trials, scale.times)
    ours, expected = _ours(folder), _by_hand(target)
    assert ours == expected, f"{form}: {ours}, not {expected}"
    what = f"{form}{log.suffix if log.suffix != '.log' else ''}, {scale.format_lines:,} lines, {log.stat().st_size / 1e6:.0f} MB"
    limit_s = Row(what, BY_HAND, costs[BY_HAND]).cost.wall_s
    for who, found in costs.items():
        wall_s = Row(what, who, found).cost.wall_s
        facts = {"lines/s": f"{scale.format_lines / wall_s / 1e6:.2f} M", "of the limit": f"{limit_s / wall_s:.2f}"}
        yield Row(what, who, found, facts=facts)


def _project(folder: Path, form: str, log: Path) -> None:
    (folder / "models").mkdir(parents=True)
    (folder / log.name).symlink_to(log)
    settings, columns = SOURCES[form]
    source = {"connector": "files", "path": log.name, **settings, "columns": columns}
    (folder / "headwater.yaml").write_text(json.dumps({"project": "formats", "sources": {"events": source}}))
    kind, size = ("severity", "strlen(message)") if "severity" in columns else ("status", "bytes")
    (folder / "models" / "hourly.sql").write_text(
        f"SELECT date_trunc('hour', ts) AS hour, {kind} AS kind, count(*) AS lines, CAST(sum({size}) AS BIGINT) AS size\n"
        "FROM events GROUP BY ALL\n"
    )


def _ours(folder: Path) -> tuple[object, ...]:
    command = [HEADWATER, "query", "--json", _TOTALS + "hourly"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout)[0].values())


def _by_hand(target: Path) -> tuple[object, ...] | None:
    import duckdb

    return duckdb.sql(f"{_TOTALS}'{target}'").fetchone()
