"""Sends messages through apprise: Slack, e-mail, web hooks, PagerDuty and a hundred more, each by its URL."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Literal

from headwater.diagnostics import Diagnostic, conceal, warning

Level = Literal["info", "success", "warning", "failure"]
_LOGGER: Final = "apprise"
_HOOKS: Final = {"http": "json", "https": "jsons"}
"""A plain web hook takes JSON."""
_WITH_HOST: Final = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos"})
"""Schemes whose URL names a machine, which is no secret."""
_PIECES: Final = re.compile(r"[/:@?&=,;]+")
_SHORTEST: Final = 4
_UNKNOWN: Final = "the channel did not take the message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told at once."""

    title: str
    body: str
    """Plain text."""
    level: Level


class UndeliveredError(Exception):
    """The channel did not take the message; its text says why, without what opens the channel."""


def is_installed() -> bool:
    """Whether messages can be sent at all, without loading what sends them."""
    return find_spec("apprise") is not None


def needs_package() -> Diagnostic:
    """Say that alerts cannot be sent from here."""
    return warning("HW1068", "alerts are not sent from here: the package `apprise` is not installed")


def problem_of(url: str) -> str:
    """Say why a URL cannot be a channel, without showing it; empty if it can."""
    with _quietly():
        return "" if _channel(url) is not None else "no kind of channel has such a URL"


def send(url: str, message: Message, timeout_s: float) -> None:
    """Send a message and wait until the channel has taken it; raises UndeliveredError.

    ``timeout_s`` bounds each step that waits for the network: to connect, and each answer.
    """
    with _quietly() as said:
        channel = _channel(url)
        if channel is None:
            raise UndeliveredError("no kind of channel has such a URL")
        channel.socket_connect_timeout = channel.socket_read_timeout = timeout_s
        try:
            is_taken = channel.notify(
                title=message.title, body=message.body, notify_type=message.level, body_format="text"
            )
        except Exception as problem:  # noqa: BLE001 - a plugin of apprise may raise anything; it is told, not lost
            raise UndeliveredError(hidden(f"{type(problem).__name__}: {problem}", url)) from None
        if not is_taken:
            raise UndeliveredError(hidden(said[-1] if said else _UNKNOWN, url))


def hidden(text: str, url: str) -> str:
    """Give a text without what opens a channel: secrets by their value, and parts of the URL that are no machine.

    >>> hidden("POST /services/T00/B11/abcdef failed", "slack://T00/B11/abcdef")
    'POST /services/T00/B11/*** failed'
    """
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    shown = {host} if scheme.lower() in _WITH_HOST | _HOOKS.keys() else set()
    text = conceal(text).replace(url, f"{scheme}://***")
    for piece in sorted(set(_PIECES.split(rest)) - shown, key=len, reverse=True):
        text = text.replace(piece, "***") if len(piece) >= _SHORTEST else text
    return text


def _channel(url: str) -> Any:
    import apprise

    scheme, separator, rest = url.strip().partition("://")
    found = apprise.Apprise.instantiate(url.strip(), suppress_exceptions=True) if separator else None
    if found is None and scheme.lower() in _HOOKS:
        found = apprise.Apprise.instantiate(f"{_HOOKS[scheme.lower()]}://{rest}", suppress_exceptions=True)
    return found


class _Listener(logging.Handler):
    """Keeps what apprise says in one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _quietly() -> Iterator[list[str]]:
    """Take what apprise says in this thread: its words may hold URLs, so nobody else may hear them."""
    logger, listener = logging.getLogger(_LOGGER), _Listener()
    logger.propagate = False
    logger.addHandler(listener)
    try:
        yield listener.said
    finally:
        logger.removeHandler(listener)
