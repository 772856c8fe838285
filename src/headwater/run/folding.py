"""Folds what came to a merge or history: only keys that were touched are folded, only their buckets are written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headwater.graph.values import Node
from headwater.run.buckets import Key, Low, bucket_of, cut_lows
from headwater.run.engine import Session
from headwater.run.refolding import TOUCHED, Since, touched_select
from headwater.run.relations import Surroundings, fills_select
from headwater.run.splitting import KEY, write_split
from headwater.run.staging import STAGED, Stage, Staged, fill_of
from headwater.spec.fills import Fill, StoredColumn, StoredFile
from headwater.sql.text import quote_identifier, quote_relation
from headwater.tasks.values import FoldBase, Task

_REFOLDED = "hw_refolded"
_MOST_TOUCHED = 0.3
"""Share of the rows from which folding everything anew takes no longer."""
_File = tuple[Low, StoredFile]


def stage_fold(session: Session, task: Task, select: str, to: Stage, around: Surroundings) -> Staged:
    """Write a fold as one unsealed fill whose files are buckets of keys; those of untouched buckets are shared."""
    columns = to.store.stored_columns([(c.name, c.type) for c in task.node.columns])
    fold = _Fold(session, task, select, to, around, columns)
    base = _usable_base(task, columns, around)
    files = (fold.again(base, around.fills[base.before]) if base else None) or fold.whole()
    fill = fill_of(task, task.slots[0], columns, tuple(file for _, file in files), to)
    return Staged([replace(fill, lows=tuple(low for low, _ in files))])


def _usable_base(task: Task, columns: tuple[StoredColumn, ...], around: Surroundings) -> FoldBase | None:
    """The fold before, if its rows are of this logic, and few enough have been touched since."""
    base = task.fold
    if base is None:
        return None
    before = around.fills[base.before]
    touched = sum(around.fills[fill].rows for fill in (*base.removed, *base.added))
    # After a forward change the fold before is of another logic, which must not live on in untouched keys.
    is_same = before.version == task.node.version and before.columns == columns
    usable = is_same and len(before.lows) == len(before.files) > 0
    return base if usable and touched <= before.rows * _MOST_TOUCHED else None


class _Fold:
    """One fold in one session."""

    def __init__(
        self,
        session: Session,
        task: Task,
        select: str,
        to: Stage,
        around: Surroundings,
        columns: tuple[StoredColumn, ...],
    ) -> None:
        self._session, self._task, self._select = session, task, select
        self._to, self._around, self._columns = to, around, columns
        self._key = Key.of(task.node)
        self._target = task.node.chain.bucket_rows if task.node.chain else 0

    @property
    def _node(self) -> Node:
        return self._task.node

    @property
    def _is_history(self) -> bool:
        return self._node.chain is not None and self._node.chain.kind == "history"

    def whole(self) -> list[_File]:
        """Fold everything that came."""
        [changes] = self._task.relations
        self._see(fills_select(self._around, changes.name, changes.fills))
        # Who comes last in a merge is found from the keys alone, twice rather than with all columns in memory; the
        # steps of a history take all columns and much longer.
        columns, rows = ("*", f"SELECT * FROM {STAGED}") if self._is_history else (self._key.listed, self._select)
        self._session.run(f"CREATE OR REPLACE TEMP TABLE {STAGED} AS SELECT {columns} FROM ({self._select}) AS folded")
        [(count,)] = self._session.rows(f"SELECT count(*) FROM {STAGED}")
        lows = cut_lows(self._session, self._key, f"SELECT * FROM {STAGED}", count, self._target)
        files = self._write(f"SELECT *, {bucket_of(self._key, lows)} AS {KEY} FROM ({rows}) AS rows_of_fold", lows)
        self._session.run(f"DROP TABLE {STAGED}")
        return files

    def again(self, base: FoldBase, before: Fill) -> list[_File] | None:
        """Fold the keys of what came and went since ``before``; None if nothing would be left of it."""
        session, key = self._session, self._key
        session.run(
            f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS {touched_select(self._changes, base, key, self._around)}"
        )
        old = list(zip(before.lows, before.files, strict=True))
        lows = list(dict.fromkeys(before.lows))
        touched = self._numbers(lows)
        hit = [(low, file) for low, file in old if lows.index(low) in touched]
        kept = [(low, file) for low, file in old if lows.index(low) not in touched]
        rows = self._refold(base, self._relation(before, [file for _, file in hit]))
        finer = self._cut_finer(lows, hit, rows)
        files = self._write(f"SELECT *, {bucket_of(key, finer)} AS {KEY} FROM ({rows}) AS rows_of_fold", finer)
        session.run(f"DROP TABLE {_REFOLDED}")
        return _sorted_files(finer, [*kept, *files])

    @property
    def _changes(self) -> Node:
        return self._around.node(self._node.inputs[0].node)

    def _refold(self, base: FoldBase, old: str) -> str:
        """Fold the touched keys again; give a SELECT of the rows of touched buckets, whose old ones are ``old``."""
        session, key = self._session, self._key
        [changes] = self._task.relations
        since = Since.of(self._changes, base, changes.fills, self._around)
        if since is None:
            rows = fills_select(self._around, changes.name, changes.fills)
            narrow = f"SELECT * FROM ({rows}) AS changes SEMI JOIN {TOUCHED} USING ({key.listed})"
        else:
            narrow = since.steps(key, self._around, old) if self._is_history else since.last(session, key, self._around)
        self._see(narrow)
        session.run(f"CREATE OR REPLACE TEMP TABLE {_REFOLDED} AS {self._select}")
        closed = since.was_closed if since is not None and self._is_history else "false"
        return (
            f"SELECT old.* FROM ({old}) AS old LEFT JOIN (SELECT *, true AS hw_is_touched FROM {TOUCHED}) AS touched"
            f" USING ({key.listed}) WHERE hw_is_touched IS NULL OR {closed} UNION ALL SELECT * FROM {_REFOLDED}"
        )

    def _see(self, changes: str) -> None:
        """Say what the query sees as the changes: only that is opened."""
        name = self._changes.name
        schema, _, _ = name.rpartition(".")
        if schema:
            self._session.run(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        self._session.run(f"CREATE OR REPLACE VIEW {quote_relation(name)} AS {changes}")

    def _numbers(self, lows: Sequence[Low]) -> set[int]:
        found = self._session.rows(f"SELECT DISTINCT {bucket_of(self._key, lows)} FROM {TOUCHED}")
        return {number for (number,) in found}

    def _relation(self, fill: Fill, files: Sequence[StoredFile]) -> str:
        store = self._to.store
        return store.relation(self._columns, [store.path(fill.node, fill.version, file.name) for file in files])

    def _cut_finer(self, lows: Sequence[Low], hit: Sequence[_File], rows: str) -> list[Low]:
        """Cut buckets that have grown to more than twice their size."""
        numbered = f"SELECT *, {bucket_of(self._key, lows)} AS {KEY} FROM {_REFOLDED}"
        counts = dict(self._session.rows(f"SELECT {KEY}, count(*) FROM ({numbered}) AS refolded GROUP BY 1"))
        for low, file in hit:
            counts[lows.index(low)] = counts.get(lows.index(low), 0) + file.rows
        finer: list[Low] = []
        for number, low in enumerate(lows):
            finer.append(low)
            if counts.get(number, 0) > 2 * self._target:
                within = f"SELECT * FROM ({rows}) AS grown WHERE {bucket_of(self._key, lows)} = {number}"
                finer += cut_lows(self._session, self._key, within, counts[number], self._target)[1:]
        return list(dict.fromkeys(finer))

    def _write(self, numbered: str, lows: Sequence[Low]) -> list[_File]:
        store, task = self._to.store, self._task
        fill = task.slots[0].entry.fill
        names = ", ".join(quote_identifier(column.name) for column in self._columns)
        beginning = store.path(task.node.name, task.node.version, f"{fill}-{self._to.attempt}-")
        if len(lows) == 1:
            rows = f"SELECT {names} FROM ({numbered}) AS numbered"
            return [((), self._write_one(rows, f"{beginning}0.parquet"))]
        finals = {number: f"{beginning}{number}-" for number in range(len(lows))}
        directory = Path(store.path(task.node.name, task.node.version, f"hw-{self._to.attempt}"))
        copy = store.split_statement(
            f"SELECT {names}, {KEY} FROM ({numbered}) AS numbered", self._columns, str(directory), KEY
        )
        written = write_split(self._session, copy, directory, finals)
        return [
            (lows[number], store.stored_file(path, rows))
            for number in sorted(written)
            for path, rows in written[number]
        ]

    def _write_one(self, rows: str, path: str) -> StoredFile:
        store = self._to.store
        copied = self._session.rows(store.write_statement(rows, self._columns, path))
        return store.stored_file(path, int(copied[0][0]))


def _sorted_files(lows: Sequence[Low], files: Sequence[_File]) -> list[_File]:
    """Files in the order of their buckets; a bucket that has become empty belongs to the one before it."""
    order = {low: number for number, low in enumerate(lows)}
    found = sorted(files, key=lambda each: order[each[0]])
    if found:
        first = found[0][0]
        found = [(() if low == first else low, file) for low, file in found]
    return found
