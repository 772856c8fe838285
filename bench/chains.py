"""Merge and history: changes into a large table, beside DuckDB by hand and Delta."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bench.commands import HEADWATER, headwater, trial
from bench.measure import Cost, Row, Trial, alternate
from bench.peers import installed, program
from bench.scale import Scale

SCRIPTS = Path(__file__).resolve().parent / "scripts"
DAYS = 50
"""Days over which the rows of the beginning were seen; each batch of changes comes on a day of its own after them."""
RECENT = 0.05
"""Share of the keys that are changed when only recent ones are."""
NEW = 10
"""One in so many changes is of a key that was not there before."""
TYPES = {
    "id": "bigint", "seen": "timestamp", "name": "text", "city": "text", "status": "text", "amount": '"decimal(12,2)"',
    "score": "double", "quantity": "integer", "since": "date", "active": "boolean",
}  # fmt: skip
PROJECT = f"""\
project: chains
environments: {{dev: {{}}}}
sources:
  changes:
    connector: files
    path: data/*.parquet
    format: parquet
    time: seen
    start: 2024-01-01
    end: 2024-03-31
    columns: {{{", ".join(f"{name}: {type_}" for name, type_ in TYPES.items())}}}
"""
MODEL = """\
/* headwater
kind: %s
key: [id]
time: seen
every: 1d
*/
SELECT * FROM changes
"""
ROWS = """\
SELECT
  id, seen, 'customer ' || id || ' of ' || h %% 97 AS name, 'city ' || h %% 1009 AS city,
  ['new', 'open', 'paid', 'sent', 'done'][CAST(1 + h %% 5 AS INTEGER)] AS status,
  CAST(h %% 1000000007 / 100.0 AS DECIMAL(12, 2)) AS amount, h %% 1000003 / 7.0 AS score,
  CAST(h %% 100 AS INTEGER) AS quantity, DATE '2020-01-01' + CAST(h %% 1000 AS INTEGER) AS since, h %% 3 = 0 AS active
FROM (SELECT *, hash(id, seen) AS h FROM (%s) AS keys) AS hashed"""
OURS = "headwater run"
Pattern = str
PATTERNS: tuple[Pattern, ...] = ("keys at random", "keys of the last 5 %")


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for kind in ("merge", "history"):
        yield from _rows(folder / kind, kind, scale)
        shutil.rmtree(folder / kind)


def _rows(folder: Path, kind: str, scale: Scale) -> Iterator[Row]:
    folder.mkdir()
    base = _beginning(folder / "base.parquet", scale.chain_rows)
    contenders = _contenders(folder, kind, scale)
    for who, each in contenders.items():
        cost = each.begin(base)
        if who == OURS:
            yield Row(f"{kind}: {scale.chain_rows:,} rows, the first time", "headwater apply", (cost,))
    numbers = count()
    for changes in scale.changes:
        for pattern in PATTERNS:
            batches = [_batch(folder, next(numbers), scale.chain_rows, changes, pattern) for _ in range(scale.times)]
            trials = {who: each.trial(iter(batches)) for who, each in contenders.items()}
            costs = alternate(trials, scale.times)
            _assert_same(contenders)
            for who, found in costs.items():
                what = f"{kind}: {changes:,} changes, {pattern}"
                written = f"{Row('', '', found).cost.written_bytes / 1e6:.0f}"
                yield Row(what, who, found, facts={"written MB": written, **contenders[who].facts()})


def _contenders(folder: Path, kind: str, scale: Scale) -> "dict[str, Contender]":
    found: dict[str, Contender] = {OURS: Headwater(folder / "headwater", kind)}
    if not scale.peers:
        return found
    if kind == "merge":
        found["DuckDB file with a primary key, INSERT OR REPLACE"] = DuckdbFile(folder / "keyed", "replace")
        found["DuckDB file without one, MERGE INTO"] = DuckdbFile(folder / "plain", "merge")
    else:
        found["DuckDB file, UPDATE and INSERT"] = DuckdbFile(folder / "plain", "history")
    found["DuckDB, the whole Parquet file anew"] = ParquetFile(folder / "parquet", kind)
    if "deltalake" in scale.peers and installed("deltalake"):
        found["deltalake, DeltaTable.merge"] = Delta(folder / "delta", kind)
    return found


def _beginning(path: Path, rows: int) -> Path:
    step = DAYS * 86_400_000_000 // rows
    return _write(
        f"SELECT range AS id, TIMESTAMP '2024-01-01' + to_microseconds(range * {step}) AS seen FROM range({rows})", path
    )


def _batch(folder: Path, number: int, rows: int, changes: int, pattern: Pattern) -> Path:
    """Write changes of ``changes`` different keys, seen on a day of their own: nine in ten are there already."""
    old = changes - changes // NEW
    among = rows if pattern == PATTERNS[0] else int(rows * RECENT)
    known = f"{rows - among} + (range * 7919 + {number * 104_729}) % {among}"
    new = f"{rows + number * max(changes, 1_000_000)} + range - {old}"
    day = f"TIMESTAMP '2024-01-01' + to_days({DAYS + number})"
    seen = f"{day} + to_microseconds(range * {86_400_000_000 // changes})"
    keys = f"SELECT CASE WHEN range < {old} THEN {known} ELSE {new} END AS id, {seen} AS seen FROM range({changes})"
    path = _write(keys, folder / f"changes{number}.parquet")
    assert _query(f"SELECT count(DISTINCT id) AS keys FROM '{path}'") == {"keys": changes}
    return path


def _write(keys: str, path: Path) -> Path:
    import duckdb

    duckdb.execute(f"COPY ({ROWS % keys} ORDER BY id) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def _query(sql: str) -> dict[str, object]:
    import duckdb

    cursor = duckdb.execute(sql)
    return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


class Contender(ABC):
    """One way of bringing changes into its own copy of the table."""

    def __init__(self, folder: Path, way: str) -> None:
        folder.mkdir()
        self.folder, self.way = folder, way
        self.next = folder / "next.parquet"

    @abstractmethod
    def begin(self, base: Path) -> Cost | None:
        """Make the table of the beginning."""

    @abstractmethod
    def command(self) -> Trial:
        """Give the trial that brings in what stands at ``next``."""

    @abstractmethod
    def totals(self, wanted: str) -> dict[str, object]:
        """Give what a SELECT list, aggregates all, comes to over the table."""

    def trial(self, batches: Iterator[Path]) -> Trial:
        """Give a trial that brings in another batch each time."""
        command = self.command()

        def once() -> Cost:
            self.hand_over(next(batches))
            return command()

        return once

    def hand_over(self, batch: Path) -> None:
        """Put a batch where the command looks for it."""
        self.next.unlink(missing_ok=True)
        self.next.hardlink_to(batch)

    def facts(self) -> dict[str, str]:
        """Give what else was measured since the last time."""
        return {}

    @property
    def is_history(self) -> bool:
        return self.way == "history"


def beginning_of(base: Path, *, history: bool) -> str:
    """Give the SELECT of the table before the first change."""
    more = ", seen AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to" if history else ""
    return f"SELECT *{more} FROM read_parquet('{base}')"


class Headwater(Contender):
    """A project with one model; a batch is one more file of its source."""

    def __init__(self, folder: Path, way: str) -> None:
        super().__init__(folder, way)
        self.folds: list[float] = []

    def begin(self, base: Path) -> Cost:
        for name in ("models", "data"):
            (self.folder / name).mkdir()
        (self.folder / "headwater.yaml").write_text(PROJECT)
        (self.folder / "models" / "folded.sql").write_text(MODEL % self.way)
        self.hand_over(base)
        return headwater(self.folder, "apply")()

    def hand_over(self, batch: Path) -> None:
        (self.folder / "data" / batch.name).hardlink_to(batch)

    def command(self) -> Trial:
        run = headwater(self.folder, "run")

        def once() -> Cost:
            cost = run()
            self.folds.append(self._seconds_of_fold())
            return cost

        return once

    def _seconds_of_fold(self) -> float:
        """Read how long the last fold took from its manifest."""
        manifests = self.folder.glob(".headwater/lake/main/folded/*/*.json")
        return float(json.loads(max(manifests, key=os.path.getmtime).read_text())["seconds"])

    def facts(self) -> dict[str, str]:
        middle = sorted(self.folds)[(len(self.folds) - 1) // 2]
        self.folds.clear()
        return {"of it the fold s": f"{middle:.3g}", "with": "checks of keys, the move, a way back, all that came kept"}

    def totals(self, wanted: str) -> dict[str, object]:
        command = [HEADWATER, "query", "--json", f"SELECT {wanted} FROM folded"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        found: dict[str, object] = json.loads(done.stdout)[0]
        return found


class DuckdbFile(Contender):
    """A table in a DuckDB file."""

    def begin(self, base: Path) -> None:
        import duckdb

        with duckdb.connect(str(self.folder / "rows.duckdb")) as connection:
            connection.execute(f"CREATE TABLE rows AS {beginning_of(base, history=self.is_history)}")
            if self.way == "replace":
                connection.execute("ALTER TABLE rows ADD PRIMARY KEY (id)")

    def command(self) -> Trial:
        return trial((sys.executable, SCRIPTS / "chain_duckdb.py", self.way, self.next, "rows.duckdb"), self.folder)

    def totals(self, wanted: str) -> dict[str, object]:
        import duckdb

        with duckdb.connect(str(self.folder / "rows.duckdb"), read_only=True) as connection:
            cursor = connection.execute(f"SELECT {wanted} FROM rows")
            return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


class ParquetFile(Contender):
    """A table that is one Parquet file."""

    def begin(self, base: Path) -> None:
        select = beginning_of(base, history=self.is_history)
        _query(f"COPY ({select}) TO '{self.folder / 'rows.parquet'}' (FORMAT parquet, COMPRESSION zstd)")

    def command(self) -> Trial:
        return trial((sys.executable, SCRIPTS / "chain_parquet.py", self.way, self.next, "rows.parquet"), self.folder)

    def totals(self, wanted: str) -> dict[str, object]:
        return _query(f"SELECT {wanted} FROM '{self.folder / 'rows.parquet'}'")


class Delta(Contender):
    """A Delta table, of files of the size that the package chooses."""

    script = (program("deltalake", "python"), SCRIPTS / "chain_delta.py")

    def begin(self, base: Path) -> None:
        first = self.folder / "first.parquet"
        _query(f"COPY ({beginning_of(base, history=self.is_history)}) TO '{first}' (FORMAT parquet)")
        trial((*self.script, "create", first, "rows"), self.folder)()
        first.unlink()

    def command(self) -> Trial:
        return trial((*self.script, self.way, self.next, "rows"), self.folder)

    def totals(self, wanted: str) -> dict[str, object]:
        done = subprocess.run([*self.script, "files", "-", "rows"], cwd=self.folder, capture_output=True, check=True)
        return _query(f"SELECT {wanted} FROM read_parquet({json.loads(done.stdout)})")


def _assert_same(contenders: dict[str, Contender]) -> None:
    """All must hold the same rows."""
    columns = [*TYPES, *(("valid_from", "valid_to") if contenders[OURS].is_history else ())]
    wanted = f"count(*) AS rows, CAST(sum(hash({', '.join(columns)})) AS VARCHAR) AS hashes"
    found = {who: each.totals(wanted) for who, each in contenders.items()}
    assert all(each == found[OURS] for each in found.values()), json.dumps(found, indent=1)
