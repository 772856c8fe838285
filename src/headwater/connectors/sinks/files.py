"""Rows loaded to files: each slot its own files, swapped one by one, or one table written again as a whole.

What a reader of ``*.parquet`` or ``**/*.parquet`` sees: never a partial file, because finished files are renamed to
names that stay the same for a slot (and partition), so a slot's rows are swapped by one rename per partition, and a
listed name can still be opened after the swap. Between the renames of one load some slots may be new and others old;
the ledger ``_headwater.json`` is put last and names what belongs together.
"""

import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from headwater.connect.durable import alone
from headwater.connect.sinks import Load, Loaded, SinkSlot
from headwater.connectors.sinks import ledgers
from headwater.connectors.sinks.failures import loading
from headwater.connectors.sinks.formats import Format
from headwater.connectors.sinks.ledgers import Ledger, Place, Taken
from headwater.connectors.sinks.slots import Key, check_columns, difference, in_order, key_of
from headwater.connectors.sinks.tables import Rows, Workshop, union
from headwater.diagnostics import Invalid, Where

if TYPE_CHECKING:
    import duckdb

_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d):(\d\d):(\d\dZ)")
_WHOLE: Final = "merged"
"""Stem of the files of a table that is written as a whole."""


def file_sink(format_: Format, settings: Mapping[str, object], root: str, where: Where | None) -> "FileSink":
    """Make a file sink; a relative path starts at the project, a path with a file's suffix is one file.

    Raises Invalid (HW0701) for a single file with partitions or with a suffix of another compression.
    """
    path = Path(root, str(settings["path"])).absolute()
    partition_by = settings.get("partition_by") or ()
    names = tuple(str(name) for name in partition_by) if isinstance(partition_by, Sequence) else ()
    is_single = path.name.casefold().endswith(
        (format_.suffix, f".{format_.name}", f".{format_.name}.gz", f".{format_.name}.zst")
    )
    if is_single and names:
        hint = f"take the suffix off the path: `{path.name.partition('.')[0]}`"
        raise Invalid.of("HW0701", "`partition_by` needs a directory, and `path` names a file", where, hint=hint)
    if is_single and not path.name.casefold().endswith(format_.suffix):
        hint = f"end the path in `{format_.suffix}`, or change `compression`"
        raise Invalid.of("HW0701", f"`path` ends in `{path.suffix}`, which is not how it is written", where, hint=hint)
    return FileSink(Place(path, is_single), format_, names, where)


@dataclass(frozen=True, slots=True)
class FileSink:
    """A target made of files of one format."""

    place: Place
    format: Format
    partition_by: tuple[str, ...]
    where: Where | None

    def ledger(self) -> Mapping[Key, str]:
        """Give (site, slot) → fill that the target holds; slots whose files somebody deleted are not held."""
        with loading(str(self.place.path), self.where):
            if self.place.swap.exists():
                with alone(self.place.lock):
                    ledgers.finish(self.place)
            found = ledgers.read(self.place)
            return self._held(found) if found else {}

    def load(self, connection: "duckdb.DuckDBPyConnection", load: Load) -> Loaded:
        """Make the target hold the load's slots: all of it or, before the swap is put, nothing."""
        check_columns(load, self.partition_by, self.where)
        with loading(str(self.place.path), self.where):
            self.place.base.mkdir(parents=True, exist_ok=True)
            with alone(self.place.lock):
                return self._load(connection, load)

    def _load(self, connection: "duckdb.DuckDBPyConnection", load: Load) -> Loaded:
        ledgers.finish(self.place)
        found = ledgers.read(self.place)
        if found is None:
            self._refuse_foreign()
        shutil.rmtree(self.place.staging, ignore_errors=True)
        # A name of its own each time: the engine may remember what lay under an old one.
        work = Workshop(connection, self.place.staging / secrets.token_hex(6), self.where)
        work.staging.mkdir(parents=True)
        try:
            whole = load.mode == "merge" or self.place.is_single
            write = self._write_whole if whole else self._write_slots
            return write(work, load, found or Ledger())
        finally:
            if not self.place.swap.exists():  # else the next one to come finishes it, and needs what is staged
                shutil.rmtree(self.place.staging, ignore_errors=True)

    # What is there

    @property
    def _layout(self) -> str:
        return json.dumps([self.format.name, self.format.suffix, [name.casefold() for name in self.partition_by]])

    def _held(self, ledger: Ledger) -> dict[Key, str]:
        if ledger.layout != self._layout or not self._are_there([*ledger.files, ledger.rows_file]):
            return {}
        return {key: taken.fill for key, taken in ledger.slots.items() if self._are_there(taken.files)}

    def _are_there(self, files: Sequence[str]) -> bool:
        return all((self.place.base / file).exists() for file in files if file)

    def _refuse_foreign(self) -> None:
        """Refuse to mix our files with those of somebody else (or with our own after the ledger was lost)."""
        if self.place.is_single:
            foreign = self.place.path if self.place.path.exists() else None
        else:
            visible = (p for p in self.place.base.rglob(f"*{self.format.suffix}") if ".hw-" not in p.as_posix())
            foreign = next(visible, None)
        if foreign:
            hint = "move it away or delete it, or choose another path"
            raise Invalid.of("HW0705", f"{foreign} was not written by this sink", self.where, hint=hint)

    # Each slot its own files

    def _write_slots(self, work: Workshop, load: Load, old: Ledger) -> Loaded:
        kept = {} if old.files or old.rows_file else dict(old.slots)
        different = difference(self._held(replace(old, slots=kept)), load)
        gone = {key for key in kept if load.mode == "replace" and key not in set(map(key_of, load.slots))}
        if different.is_empty and not gone and old.layout == self._layout and old.mode == load.mode:
            return Loaded(0, 0)
        renames: dict[Path, str] = {}
        rows = 0
        slots = {key: taken for key, taken in kept.items() if key not in gone}
        for number, slot in enumerate(different.taken):
            count, files = self._render(work, load, slot.sql, f"slot{number}", _stem(slot))
            rows += count
            renames |= files
            slots[key_of(slot)] = Taken(slot.fill, tuple(files.values()))
        self._commit(load, replace(old, slots=slots, files=(), rows_file=""), old, renames)
        return Loaded(len(different.taken), rows)

    def _commit(self, load: Load, new: Ledger, old: Ledger, renames: Mapping[Path, str]) -> None:
        ledger = replace(
            new, layout=self._layout, mode=load.mode, key=load.key, columns=load.columns, load=old.load + 1
        )
        ledgers.commit(self.place, ledger, renames, old.every_file - ledger.every_file)

    def _render(self, work: Workshop, load: Load, select: str, staged: str, stem: str) -> tuple[int, dict[Path, str]]:
        """Write rows to staged files; give their number and staged file → final name."""
        path = work.staging / staged
        row = work.connection.execute(self.format.copy(select, load.columns, str(path), self.partition_by)).fetchone()
        count = int(row[0]) if row else 0
        if self.partition_by:
            return count, self._partitions(path, stem)
        final = self.place.path.name if self.place.is_single else f"{stem}{self.format.suffix}"
        return count, {path: final}

    def _partitions(self, staged: Path, stem: str) -> dict[Path, str]:
        """Name the files of each partition: one, unless DuckDB had to close it in between."""
        found: dict[Path, str] = {}
        numbers: dict[Path, int] = {}
        for path in sorted(p for p in staged.rglob("*") if p.is_file()):
            number = numbers[path.parent] = numbers.get(path.parent, -1) + 1
            name = f"{stem}{f'-{number}' if number else ''}{self.format.suffix}"
            found[path] = (path.parent.relative_to(staged) / name).as_posix()
        return found

    # All slots in the same files

    def _write_whole(self, work: Workshop, load: Load, old: Ledger) -> Loaded:
        keeps_rows = load.mode != "replace"
        is_same = old.mode == load.mode and old.key == load.key and bool(old.rows_file) == keeps_rows
        is_usable = is_same and self._are_there([old.rows_file])
        held = old.fills if is_usable and (keeps_rows or self._held(old)) else {}
        different = difference(held, load)
        is_drawn = bool(old.files) and old.layout == self._layout and self._are_there(old.files)
        if different.is_empty and is_usable and is_drawn:
            return Loaded(0, 0)
        if not keeps_rows:
            return self._replace_whole(work, load, old)
        before = Rows(old.columns, str(self.place.base / old.rows_file)) if is_usable else Rows((), "")
        columns, path, rows = work.combine(load, before, different.taken)
        name = self.place.hidden(f"rows-{work.staging.name}").name
        _, drawn = self._render(work, replace(load, columns=columns), work.select(columns, path), "table", _WHOLE)
        slots = {**({k: Taken(f) for k, f in held.items()}), **{key_of(s): Taken(s.fill) for s in different.taken}}
        new = Ledger(slots=slots, files=tuple(drawn.values()), rows_file=name)
        self._commit(replace(load, columns=columns), new, old, {**drawn, path: name})
        return Loaded(len(different.taken), rows)

    def _replace_whole(self, work: Workshop, load: Load, old: Ledger) -> Loaded:
        select = union([slot.sql for slot in in_order(load.slots)], load.columns)
        rows, drawn = self._render(work, load, select, "table", _WHOLE)
        slots = {key_of(slot): Taken(slot.fill) for slot in load.slots}
        self._commit(load, Ledger(slots=slots, files=tuple(drawn.values())), old, drawn)
        return Loaded(len(load.slots), rows)


def _stem(slot: SinkSlot) -> str:
    """Name a slot's files: ``hub.2013-01-01T000000Z``; what a file name or a pattern could choke on is encoded.

    >>> _stem(SinkSlot(site="hub", slot="2013-01-01T05:00:00Z", fill="", sql=""))
    'hub.2013-01-01T050000Z'
    """
    plain = _INSTANT.fullmatch(slot.slot)
    name = "".join(plain.groups()) if plain else quote(slot.slot, safe="")
    return f"{quote(slot.site, safe='').replace('.', '%2E')}.{name}"
