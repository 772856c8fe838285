"""The worker's side of a conversation: reads frames, has several questions answered at once, writes frames."""

import select
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, BinaryIO, Final

from headwater.app.site.answers import Unanswered, word_of
from headwater.app.site.site import Site
from headwater.connect.outcomes import OUTCOMES
from headwater.connect.runtimes import PROTOCOL, Fragment, Measure, Observe
from headwater.connect.wire import MOST_PAYLOAD_BYTES, Frame, Malformed, encode, read
from headwater.diagnostics import Refused
from headwater.sql.text import is_plain

_MOST_RECEIVED_BYTES: Final = 4 << 30
"""Of all files of one question together."""
_MOST_CHARTER_BYTES: Final = 64 << 20
_MOST_WAITING: Final = 64
_LOOK_S: Final = 0.2
"""How often a worker that was left alone looks whether anybody still listens."""
_LONGEST_NAME: Final = 64
_CHARTER: Final = "charter"


@dataclass(slots=True)
class _Question:
    """A question that is being asked or answered: what came with it, and what stops it."""

    number: int
    kind: str
    body: Any
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    received_bytes: int = 0
    wrong: str = ""
    """The word for what is wrong with it, found while it came in."""
    going: bool = False
    work: "Future[None] | None" = None
    stopped: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], None] = lambda: None

    def stoppable(self, stop: Callable[[], None]) -> None:
        """Note what stops it; one that was stopped before goes no further."""
        self.stop = stop
        self.ensure_wanted()

    def ensure_wanted(self) -> None:
        """Raise Unanswered if it cannot be answered, or nobody waits for its answer any more."""
        if self.wrong:
            raise Unanswered(self.wrong)
        if self.stopped.is_set():
            raise Unanswered("interrupted")

    def cancel(self) -> None:
        """Stop it."""
        self.stopped.set()
        self.stop()

    def take(self, frame: Frame) -> None:
        """Keep a part of a file that is sent along."""
        most = _MOST_CHARTER_BYTES if self.kind == "offer" else _MOST_RECEIVED_BYTES
        self.received_bytes += len(frame.payload)
        if self.received_bytes > most or len(frame.name) > _LONGEST_NAME or len(self.files) > _MOST_WAITING:
            self.wrong = "too large"
        elif not is_plain(frame.name):
            self.wrong = "malformed"
        if not self.wrong:
            path = self.files.setdefault(frame.name, self.folder / frame.name)
            with path.open("ab") as file:
                file.write(frame.payload)


class Conversation:
    """Everything that one asker says on a stream, and what it is told on another."""

    def __init__(self, site: Site, source: BinaryIO, target: BinaryIO, capacity: int) -> None:
        self._site, self._source, self._target = site, source, target
        self._pool = ThreadPoolExecutor(max_workers=capacity)
        self._writing = threading.Lock()
        self._open: dict[int, _Question] = {}
        self._answers: Mapping[str, Callable[[_Question], Iterator[Frame]]] = {
            "state": self._state,
            "offer": self._offer,
            "observe": self._observe,
            "measure": self._measure,
            "prove": self._prove,
            "perform": self._perform,
        }

    def run(self) -> None:
        """Answer until the stream ends, or is garbled so that nobody knows where the next message begins."""
        try:
            for frame in self._frames():
                self._take(frame)
            self._finish()
        finally:
            for question in list(self._open.values()):
                question.cancel()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _finish(self) -> None:
        """Answer what was asked before the questions ended, unless nobody listens any more."""
        listener = select.poll()
        listener.register(self._target.fileno(), 0)  # an end of the other side is told in any case
        while (working := [each.work for each in list(self._open.values()) if each.work]) and not listener.poll(0):
            wait(working, timeout=_LOOK_S)

    def _frames(self) -> Iterator[Frame]:
        while True:
            try:
                frame = read(self._source)
            except Malformed as problem:
                self._say(Frame(0, "failed", "malformed"))
                if problem.lost:
                    return
                continue
            if frame is None:
                return
            yield frame

    def _take(self, frame: Frame) -> None:
        question = self._open.get(frame.question)
        if question is None:
            self._begin(frame)
        elif frame.kind == "part" and not question.going:
            question.take(frame)
        elif frame.kind == "go" and not question.going:
            question.going = True
            question.work = self._pool.submit(self._answer, question)
        elif frame.kind == "cancel":
            question.cancel()
        else:
            self._say(Frame(0, "failed", "malformed"))

    def _begin(self, frame: Frame) -> None:
        if frame.kind in ("part", "go", "cancel"):
            return  # of a question that has been answered meanwhile
        if frame.kind not in self._answers or len(self._open) >= _MOST_WAITING:
            self._say(Frame(frame.question, "failed", "malformed"))
            return
        folder = Path(mkdtemp(prefix="received-", dir=self._site.home.temporary))
        self._open[frame.question] = _Question(frame.question, frame.kind, frame.body, folder)

    def _answer(self, question: _Question) -> None:
        try:
            question.ensure_wanted()
            for frame in self._answers[question.kind](question):
                question.ensure_wanted()
                self._say(frame)
        except BrokenPipeError:
            pass  # whoever asked has gone
        except Exception as problem:  # noqa: BLE001 - whatever it is, only a word of the closed list leaves
            self._fail(question, problem)
        finally:
            del self._open[question.number]
            rmtree(question.folder, ignore_errors=True)

    def _fail(self, question: _Question, problem: Exception) -> None:
        """Say that there is no answer."""
        with suppress(BrokenPipeError):
            try:
                self._say(self._ending(question, problem))
            except Exception as other:  # noqa: BLE001 - nor may a chain that cannot be written end the worker
                self._say(Frame(question.number, "failed", word_of(other, self._site.home)))

    def _ending(self, question: _Question, problem: Exception) -> Frame:
        """Give what is said of a problem; a refusal is in the audit chain before anybody hears of it."""
        import msgspec

        if isinstance(problem, Refused):
            self._site.refused(question.kind, question.body, [each.code for each in problem.diagnostics])
            return Frame(question.number, "refused", msgspec.to_builtins(problem.diagnostics))
        word = word_of(problem, self._site.home)
        if OUTCOMES[word].kind is Refused:
            self._site.refused(question.kind, question.body, [OUTCOMES[word].code])
        return Frame(question.number, "failed", word)

    def _say(self, frame: Frame) -> None:
        content = encode(frame)
        with self._writing:
            self._target.write(content)
            self._target.flush()

    def _state(self, question: _Question) -> Iterator[Frame]:
        yield _done(question, self._site.state())

    def _offer(self, question: _Question) -> Iterator[Frame]:
        path = question.files.get(_CHARTER)
        if path is None:
            raise Unanswered("malformed")
        yield _done(question, self._site.offer(path.read_bytes()))

    def _observe(self, question: _Question) -> Iterator[Frame]:
        yield _done(question, self._site.observe(_body(question, Observe), question.stoppable))

    def _measure(self, question: _Question) -> Iterator[Frame]:
        yield _done(question, self._site.measure(_body(question, Measure), question.stoppable))

    def _prove(self, question: _Question) -> Iterator[Frame]:
        yield _done(question, self._site.prove(_body(question, Fragment)))

    def _perform(self, question: _Question) -> Iterator[Frame]:
        fragment = _body(question, Fragment)
        with self._site.perform(fragment, question.files, question.stoppable) as found:
            with found.path.open("rb") as file:
                while chunk := file.read(MOST_PAYLOAD_BYTES):
                    yield Frame(question.number, "part", payload=chunk)
            yield _done(question, (found.certificate, found.rows, found.path.stat().st_size))


def _done(question: _Question, answer: object) -> Frame:
    import msgspec

    return Frame(question.number, "done", msgspec.to_builtins(answer))


def _body(question: _Question, kind: type[Any]) -> Any:
    """Read what is asked; Unanswered (protocol, malformed) if it is of another version, or no question."""
    import msgspec

    try:
        protocol, asked = question.body
        if protocol != PROTOCOL:
            raise Unanswered("protocol")
        return msgspec.convert(asked, kind)
    except (TypeError, ValueError):
        raise Unanswered("malformed") from None
