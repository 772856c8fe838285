"""A site's worker as its asker sees it: a process, a thread that reads what it says, and questions under way."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from headwater.connect.outcomes import raised
from headwater.connect.wire import MOST_PAYLOAD_BYTES, Frame, Malformed, encode, read
from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, Refused

_GRACE_S: Final = 5.0
"""How long a worker may take to end, or to stop a question, before it is killed."""


@dataclass(slots=True)
class _Pending:
    """A question under way: where its rows go, how much came, and how it ended."""

    to: BinaryIO | None = None
    wire_bytes: int = 0
    payload_bytes: int = 0
    answer: Frame | None = None
    problem: HeadwaterError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self, answer: Frame | None = None, problem: HeadwaterError | None = None) -> None:
        """Note how it ended, once."""
        if not self.ended.is_set():
            self.answer, self.problem = answer, problem
            self.ended.set()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said in the end."""

    body: Any
    wire_bytes: int
    """Everything that it sent for this question."""
    payload_bytes: int
    """Of them, the file's."""


class Worker:
    """One process. Raises Retryable if it dies, or takes too long; any number of threads may ask at once."""

    def __init__(self, site: str, command: Sequence[str], environment: Mapping[str, str], home: str) -> None:
        self._site = site
        Path(home).mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=home,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as problem:
            raise raised("gone", site) from problem
        self._numbers = count(1)
        self._pending: dict[int, _Pending] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._dead = False
        self._reader = threading.Thread(target=self._listen, name=f"site {site}", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return not self._dead and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Its process, which leads a session of its own."""
        return self._process.pid

    def ask(
        self,
        kind: str,
        body: object,
        *,
        timeout_s: float,
        files: Mapping[str, Iterable[bytes]] | None = None,
        to: BinaryIO | None = None,
    ) -> Answer:
        """Ask one question and wait for its answer; ``files`` are sent along, the answer's rows are written ``to``."""
        number, pending = next(self._numbers), _Pending(to)
        with self._lock:
            if self._dead:
                raise raised("gone", self._site)
            self._pending[number] = pending
        try:
            for frame in _asked(number, kind, body, files or {}):
                self._say(frame)
            if not pending.ended.wait(timeout_s):
                self._stop(number, pending)
        finally:
            with self._lock:
                self._pending.pop(number, None)
        if pending.problem is not None:
            raise pending.problem
        found = pending.answer.body if pending.answer else None
        return Answer(found, pending.wire_bytes, pending.payload_bytes)

    def end(self) -> None:
        """End it: it ends by itself when nothing more comes, unless it hangs."""
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._kill()
        self._reader.join(_GRACE_S)

    def _stop(self, number: int, pending: _Pending) -> None:
        """Have a question stopped that took too long; a worker that does not even do that is killed."""
        self._say(Frame(number, "cancel"))
        if not pending.ended.wait(_GRACE_S):
            self._kill()
        raise raised("interrupted", self._site)

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _say(self, frame: Frame) -> None:
        content = encode(frame)
        try:
            with self._writing:
                assert self._process.stdin is not None  # noqa: S101 - it was asked for
                self._process.stdin.write(content)
                self._process.stdin.flush()
        except (OSError, ValueError) as problem:
            raise raised("gone", self._site) from problem

    def _listen(self) -> None:
        """Give every frame to the question that it answers; when no more come, none of them has an answer."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        last = "gone"
        try:
            while (frame := read(cast("BinaryIO", self._process.stdout))) is not None:
                if frame.question == 0:
                    last = str(frame.body)
                self._hear(frame)
        except (Malformed, OSError, ValueError):
            pass  # what it says makes no sense any more: it has gone
        with self._lock:
            self._dead = True
            pending = list(self._pending.values())
        for each in pending:
            each.end(problem=raised(last, self._site))
        self._kill()
        self._process.stdout.close()
        with suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101 - as above
            self._process.stdin.close()

    def _hear(self, frame: Frame) -> None:
        with self._lock:
            pending = self._pending.get(frame.question)
        if pending is None:
            return
        pending.wire_bytes += frame.size_bytes
        pending.payload_bytes += len(frame.payload)
        match frame.kind:
            case "part" if pending.to is not None and not pending.ended.is_set():
                self._keep(pending, frame)
            case "done":
                pending.end(frame)
            case "refused":
                pending.end(problem=_refusal(frame, self._site))
            case "failed":
                pending.end(problem=raised(str(frame.body), self._site))
            case _:
                pass  # rows that nobody waits for any more

    def _keep(self, pending: _Pending, frame: Frame) -> None:
        try:
            assert pending.to is not None  # noqa: S101 - asked by the caller
            pending.to.write(frame.payload)
        except (OSError, ValueError) as problem:
            pending.end(problem=_unwritten(problem))


def _asked(number: int, kind: str, body: object, files: Mapping[str, Iterable[bytes]]) -> Iterator[Frame]:
    yield Frame(number, kind, body)
    for name, chunks in files.items():
        yield Frame(number, "part", name=name)  # a file without bytes is one, too
        for chunk in chunks:
            yield Frame(number, "part", name=name, payload=chunk)
    yield Frame(number, "go")


def chunks_of(path: Path) -> Iterator[bytes]:
    """Read a file in pieces that a frame can hold."""
    with path.open("rb") as file:
        while chunk := file.read(MOST_PAYLOAD_BYTES):
            yield chunk


def pieces_of(content: bytes) -> Iterator[bytes]:
    """Cut bytes into pieces that a frame can hold."""
    for start in range(0, len(content), MOST_PAYLOAD_BYTES):
        yield content[start : start + MOST_PAYLOAD_BYTES]


def _refusal(frame: Frame, site: str) -> HeadwaterError:
    """Make the refusal that a site's proof gave: it speaks of the charter and of the fragment, never of rows."""
    import msgspec

    try:
        return Refused(*msgspec.convert(frame.body, tuple[Diagnostic, ...]))
    except (msgspec.ValidationError, ValueError):
        return raised("failed", site)


def _unwritten(problem: Exception) -> HeadwaterError:
    return Broken.of("HW1253", f"what a site has sent cannot be written: {problem}", hint="free some space")
