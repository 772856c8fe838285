"""Targets of every kind, how a plain reader sees them, and what they should hold."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from headwater.connect.sinks import Load, SinkSlot
from headwater.connectors.sinks import SINKS

COMPONENTS = {component.name: component for component in SINKS}
COLUMNS = (("id", "INTEGER"), ("part", "VARCHAR"), ("note", "VARCHAR"))
SETTINGS = {
    "parquet": {"path": "out/t"},
    "parquet-parts": {"path": "out/t", "partition_by": ("part",)},
    "parquet-one": {"path": "out/t.parquet"},
    "csv": {"path": "out/t"},
    "csv-parts": {"path": "out/t", "partition_by": ("part",), "compression": "gz"},
    "csv-one": {"path": "out/t.csv.zst", "compression": "zst"},
    "jsonl": {"path": "out/t", "compression": "zst"},
    "jsonl-parts": {"path": "out/t", "partition_by": ("part",)},
    "jsonl-one": {"path": "out/t.jsonl"},
    "duckdb": {"path": "out/t.duckdb", "table": "t", "schema": "marts"},
    "sqlite": {"path": "out/t.db", "table": "t"},
}
KINDS = list(SETTINGS)
MODES = ["replace", "append", "merge"]
READERS = {
    "parquet": "read_parquet('{}', hive_partitioning = true, hive_types_autocast = false)",
    "csv": "read_csv('{}', hive_partitioning = true, all_varchar = true, allow_quoted_nulls = false)",
    "jsonl": "read_json('{}', columns = {}, format = 'newline_delimited', hive_types_autocast = false)",
}


def sink(kind, root, **settings):
    name = kind.partition("-")[0]
    return COMPONENTS[name].make({**SETTINGS[kind], **settings}, str(root), None)


def slot(day, fill, rows, site="hub", columns=COLUMNS):
    """A slot whose rows are (id, part, note)."""
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(str(tuple(row)).replace("None", "NULL") for row in rows)
    casts = ", ".join(f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in columns)
    empty = ", ".join(f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in columns)
    sql = f"SELECT {casts} FROM (VALUES {values}) AS v({names})" if rows else f"SELECT {empty} WHERE false"
    return SinkSlot(site=site, slot=f"2013-01-{day:02}T00:00:00Z", fill=fill, sql=sql)


def load(slots, mode="replace", *, restate="replace", columns=COLUMNS, key=("id",)):
    return Load(columns=columns, mode=mode, key=key if mode == "merge" else (), restate=restate, slots=slots)


def rows_of(kind, root):
    """What a reader finds who knows nothing of ledgers: (id, part, note), sorted."""
    name = kind.partition("-")[0]
    if name == "sqlite":
        return sqlite_rows(Path(root, SETTINGS[kind]["path"]))
    with duckdb.connect() as connection:
        if name == "duckdb":
            path = Path(root, SETTINGS[kind]["path"])
            if not path.exists():
                return []
            connection.execute(f"ATTACH '{path}' AS d (READ_ONLY)")
            source = "d.marts.t"
        else:
            path = Path(root, SETTINGS[kind]["path"])
            pattern = path if kind.endswith("-one") else f"{path}/**/*.{name}*"
            if not [file for file in path.parent.rglob("*") if f".{name}" in file.name and ".hw-" not in str(file)]:
                return []
            names = ["id", "note"] if kind.endswith("-parts") else ["id", "part", "note"]
            source = READERS[name].format(pattern, dict.fromkeys(names, "VARCHAR"))
        query = f"SELECT CAST(id AS INTEGER), CAST(part AS VARCHAR), CAST(note AS VARCHAR) FROM {source}"
        rows = connection.execute(query).fetchall()
    return sorted(rows, key=str)


def sqlite_rows(path):
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as database:
        has_table = database.execute("SELECT 1 FROM sqlite_master WHERE name = 't'").fetchone()
        return sorted(database.execute("SELECT id, part, note FROM t") if has_table else [], key=str)


@dataclass
class Oracle:
    """What a target should hold after loads of {(site, day): (fill, rows)}, by the plainest of rules."""

    mode: str
    restate: str = "replace"
    held: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)

    def load(self, state):
        for site, day in sorted(state, key=lambda key: (key[1], key[0])):
            fill, rows = state[site, day]
            old = self.held.get((site, day))
            if (old and old[0] == fill) or (old and self.mode == "append" and self.restate == "ignore"):
                continue
            self.held[site, day] = (fill, rows)
            for row in rows:
                stamp = (day, site)
                if row[0] not in self.keys or self.keys[row[0]][0] <= stamp:
                    self.keys[row[0]] = (stamp, row)
        if self.mode == "replace":
            self.held = dict(state)

    @property
    def rows(self):
        if self.mode == "merge":
            return sorted((row for _, row in self.keys.values()), key=str)
        return sorted((row for _, rows in self.held.values() for row in rows), key=str)

    @property
    def ledger(self):
        return {(site, f"2013-01-{day:02}T00:00:00Z"): fill for (site, day), (fill, _) in self.held.items()}
