"""Sinks that are Python functions: called with released rows in a process of their own, noted in the state.

A call that has ended well is noted at once. A crash between its effect and the note repeats it, with the same ``id``:
what a function does outside happens at least once, and exactly once if it goes by the id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from headwater.connect.sinks import Load, Loaded, SinkSlot
from headwater.diagnostics import Diagnostic, HeadwaterError, Invalid, Where
from headwater.events import Emit, silent
from headwater.graph.values import PythonNode, SinkNode
from headwater.run.engine import Engine
from headwater.run.python.functions import load_function, raised, wanted_type
from headwater.run.python.process import Errand, ask
from headwater.spec.addresses import ALL, HUB, address
from headwater.spec.authoring import Run, Slot
from headwater.state.database import Database
from headwater.state.sink_ledgers import note_taken, sink_ledger

if TYPE_CHECKING:
    import duckdb

_AT_ONCE: Final = 64
"""Slots that one process takes, one after the other: their rows lie on disk meanwhile."""
_BATCH_ROWS: Final = 65_536
_ARGUMENTS: Final = ("rows", "slot", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkRequest:
    """What the child process is told; ``done`` is the file in which it notes each slot that it has given."""

    name: str
    where: Where
    code: PythonNode
    slots: tuple[tuple[Slot, str], ...]
    """Each slot with the file of its rows (Arrow IPC)."""
    done: str
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkResponse:
    """What it answers: nothing, or the kind of error and its diagnostics."""

    failure: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSink:
    """Fulfils ``connect.sinks.Sink`` by calling a function of the project."""

    node: SinkNode
    db: Database
    engine: Engine
    root: str
    temp_directory: str
    clock: Callable[[], datetime]
    run: Run
    emit: Emit = silent

    def ledger(self) -> Mapping[tuple[str, str], str]:
        """Give (site, slot) → fill that it has taken."""
        return sink_ledger(self.db, self.run.environment, self.node.name)

    def load(self, connection: "duckdb.DuckDBPyConnection", load: Load) -> Loaded:
        """Call it for every slot that it has not taken as it is now; ``replace``: once, with all rows."""
        held = dict(self.ledger())
        wanted = {(slot.site, slot.slot): slot.fill for slot in load.slots}
        if load.mode == "replace":
            if wanted == held:
                return Loaded(0, 0)
            rows = self._give(connection, [_together(load.slots)], lambda _: None)
            note_taken(self.db, self.run.environment, self.node.name, wanted, held.keys() - wanted.keys(), self.clock())
            return Loaded(len(wanted), rows)
        keeps = load.mode == "append" and load.restate == "ignore"
        ordered = sorted(load.slots, key=lambda each: (each.slot, each.site))
        taken = [
            each
            for each in ordered
            if held.get((each.site, each.slot)) != each.fill and not (keeps and (each.site, each.slot) in held)
        ]
        pieces = (taken[first : first + _AT_ONCE] for first in range(0, len(taken), _AT_ONCE))
        rows = sum(self._give(connection, piece, self._note) for piece in pieces)
        return Loaded(len(taken), rows)

    def _note(self, done: Sequence[SinkSlot]) -> None:
        taken = {(each.site, each.slot): each.fill for each in done}
        note_taken(self.db, self.run.environment, self.node.name, taken, (), self.clock())

    def _give(
        self,
        connection: "duckdb.DuckDBPyConnection",
        slots: Sequence[SinkSlot],
        note: Callable[[Sequence[SinkSlot]], None],
    ) -> int:
        """Call the function for each slot, and note those that it has taken, even if a later one fails."""
        Path(self.temp_directory).mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="sink-", dir=self.temp_directory) as folder:
            files = [str(Path(folder, f"{number}.arrow")) for number in range(len(slots))]
            rows = sum(_write(connection, slot.sql, file) for slot, file in zip(slots, files, strict=True))
            done = Path(folder, "done")
            given = tuple(
                (Slot(id=self._id(slot), site=slot.site, slot=slot.slot, fill=slot.fill), file)
                for slot, file in zip(slots, files, strict=True)
            )
            try:
                self._call(given, str(done))
            finally:
                count = len(done.read_bytes()) if done.exists() else 0
                if count:
                    note(slots[:count])
            return rows

    def _call(self, given: tuple[tuple[Slot, str], ...], done: str) -> None:
        code = self.node.python
        assert code is not None  # noqa: S101 - made for sinks that have a function
        where = Where(self.node.file, self.node.line)
        request = SinkRequest(name=self.node.name, where=where, code=code, slots=given, done=done, run=self.run)
        settings = self.node.settings
        errand = Errand(
            what="sink",
            name=self.node.name,
            where=where,
            root=self.root,
            timeout_s=float(settings.get("timeout") or 3600.0),
            memory_bytes=settings.get("memory"),
            must="it must take the rows and return",
            emit=self.emit,
        )
        ask(errand, request, SinkResponse, self.engine)

    def _id(self, slot: SinkSlot) -> str:
        return address("sink", self.node.name, self.run.environment, slot.site, slot.slot, slot.fill)


def _together(slots: Sequence[SinkSlot]) -> SinkSlot:
    """All slots as one, for a function that replaces: its fill is the address of theirs."""
    ordered = sorted(slots, key=lambda each: (each.slot, each.site))
    fill = address("fills", *(f"{each.site}/{each.slot}={each.fill}" for each in ordered))
    sql = "\nUNION ALL\n".join(f"SELECT * FROM (\n{each.sql}\n) AS part" for each in ordered)
    return SinkSlot(site=HUB, slot=ALL, fill=fill, sql=sql or "SELECT NULL AS nothing WHERE false")


def _write(connection: "duckdb.DuckDBPyConnection", select: str, file: str) -> int:
    """Write rows as they come; give how many."""
    import pyarrow as pa

    reader, rows = connection.sql(select).to_arrow_reader(_BATCH_ROWS), 0
    with pa.ipc.new_file(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def deliver(request: SinkRequest, folder: Path) -> None:
    """Call the function for each slot in turn. Everything it does wrong is a diagnostic."""
    unknown = [name for name in request.code.arguments if name not in _ARGUMENTS]
    if unknown or "rows" not in request.code.arguments:
        what = f"has an argument `{unknown[0]}`" if unknown else "has no argument `rows`"
        hint = "a sink's function takes `rows`, and `slot` and `run` if it wants them"
        raise Invalid.of("HW0586", f"`{request.name}` {what}", request.where, hint=hint)
    try:
        function = load_function(request.code, folder)
        with Path(request.done).open("ab", buffering=0) as done:
            for slot, file in request.slots:
                known = {"rows": _rows(file, function), "slot": slot, "run": request.run}
                function(**{name: known[name] for name in request.code.arguments})
                done.write(b".")
    except BaseException as problem:
        if isinstance(problem, HeadwaterError):
            raise
        hint = "mend it: the next run gives it the slots that it has not taken, with the same ids"
        raise raised("HW0585", request.name, problem, folder, request.where, hint) from problem


def _rows(file: str, function: Callable[..., Any]) -> Any:
    """Give the rows as the function's annotation asks: Arrow unless it says Polars or pandas."""
    import pyarrow as pa

    with pa.memory_map(file) as source:
        table = pa.ipc.open_file(source).read_all()
    wanted = wanted_type(function, "rows")
    if wanted.startswith(("pandas", "pd.")):
        return table.to_pandas()
    if wanted.startswith(("polars", "pl.")):
        import polars as pl

        return pl.from_arrow(table)
    return table
