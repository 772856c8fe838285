"""What an attempt uses while it works: processor seconds and memory, as the engine or the system counts them."""

import re
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

_CPU: Final = re.compile(r'"cpu_time": ([0-9.e+-]+)')
_PEAK: Final = re.compile(r'"system_peak_buffer_memory": ([0-9]+)')
_WANTED: Final = '{"CPU_TIME": "true", "SYSTEM_PEAK_BUFFER_MEMORY": "true"}'


class Meter:
    """Counts for one attempt, in the thread that performs it.

    Processor seconds are those that the engine's operators took, on all its threads, or those of the attempt's own
    thread, whichever is more; a process of its own (a Python function) comes on top. Memory is the most that the
    engine's buffers held while a statement of it ran, or that the process of its function had resident.
    """

    def __init__(self) -> None:
        self._began = time.thread_time()
        self._engine_s = 0.0
        self._apart_s = 0.0
        self.peak_bytes = 0

    @property
    def cpu_s(self) -> float:
        """Processor seconds so far; to be asked in the thread that made the meter."""
        return max(self._engine_s, time.thread_time() - self._began) + self._apart_s

    def watch(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Have a connection count what its statements use."""
        connection.execute(f"PRAGMA enable_profiling = 'no_output'; PRAGMA custom_profiling_settings = '{_WANTED}'")

    def note(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Add what the last statement of a watched connection used."""
        profile = str(connection.get_profiling_information(format="json"))[:400]  # type: ignore[attr-defined,unused-ignore]
        if found := _CPU.search(profile):
            self._engine_s += float(found[1])
        if found := _PEAK.search(profile):
            self.peak_bytes = max(self.peak_bytes, int(found[1]))

    def add_process(self, cpu_s: float, peak_bytes: int) -> None:
        """Add what a process used that worked for this attempt."""
        self._apart_s += cpu_s
        self.peak_bytes = max(self.peak_bytes, peak_bytes)
