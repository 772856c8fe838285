"""How `headwater serve` is told to stop: the first signal lets runs end, the second does not wait."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def until_told(stopped: threading.Event) -> Iterator[None]:
    """Set an event at the first SIGINT or SIGTERM; the second ends the process, and recovery does the rest."""

    def tell(number: int, frame: FrameType | None) -> None:
        del frame
        if stopped.is_set():
            os._exit(128 + number)
        stopped.set()

    before: dict[int, Any] = {number: signal.signal(number, tell) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
