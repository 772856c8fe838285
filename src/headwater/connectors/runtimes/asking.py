"""One conversation with one site over frames: the questions of a session, and files that come whole or not at all."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from headwater.connect.outcomes import raised
from headwater.connect.runtimes import (
    PROTOCOL,
    Certificate,
    Fragment,
    Measure,
    Measured,
    Observe,
    Sent,
    SiteState,
)
from headwater.connectors.runtimes.processes import Answer, Worker, chunks_of, pieces_of

_T = TypeVar("_T")
_SHORT_S: Final = 60.0
_LONG_S: Final = 3600.0
"""Looking into new files reads all of them once."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Fulfils `SiteSession`; ``worker`` gives the process to ask, started anew if it has died."""

    site: str
    worker: Callable[[], Worker]

    def state(self) -> SiteState:
        """Say hello."""
        return self._read(self.worker().ask("state", None, timeout_s=_SHORT_S), SiteState)

    def offer(self, charter: bytes) -> bool:
        """Send a charter along, and hear whether the site answers under it."""
        files = {"charter": pieces_of(charter)}
        return self._read(self.worker().ask("offer", None, files=files, timeout_s=_SHORT_S), bool)

    def observe(self, question: Observe) -> tuple[str, ...]:
        """Give the position of each stretch."""
        return self._read(self._ask("observe", question, _LONG_S), tuple[str, ...])

    def measure(self, question: Measure) -> Measured:
        """Give the statistics that may be told."""
        return self._read(self._ask("measure", question, _LONG_S), Measured)

    def prove(self, fragment: Fragment) -> Certificate:
        """Have a fragment proved, without running it."""
        return self._read(self._ask("prove", fragment, _SHORT_S), Certificate)

    def perform(self, fragment: Fragment, received: Mapping[str, Path], to: Path) -> Sent:
        """Have a fragment proved and run; its rows are written beside ``to``, and take its name when all are there."""
        began = time.perf_counter()
        beside = to.with_name(f".{to.name}.{secrets.token_hex(6)}")
        try:
            with beside.open("wb") as file:
                files = {name: chunks_of(path) for name, path in received.items()}
                body = (PROTOCOL, _plain(fragment))
                answer = self.worker().ask("perform", body, files=files, to=file, timeout_s=fragment.timeout_s)
            certificate, rows, size = self._read(answer, tuple[Certificate, int, int])
            if size != answer.payload_bytes:
                raise raised("gone", self.site)
            beside.replace(to)
        finally:
            with suppress(OSError):
                beside.unlink()
        seconds = time.perf_counter() - began
        return Sent(certificate=certificate, rows=rows, bytes=answer.wire_bytes, seconds=seconds)

    def _ask(self, kind: str, question: object, timeout_s: float) -> Answer:
        return self.worker().ask(kind, (PROTOCOL, _plain(question)), timeout_s=timeout_s)

    def _read(self, answer: Answer, kind: type[_T]) -> _T:
        import msgspec

        try:
            return msgspec.convert(answer.body, kind)
        except msgspec.ValidationError:
            raise raised("protocol", self.site) from None


def _plain(question: object) -> Any:
    import msgspec

    return msgspec.to_builtins(question)
