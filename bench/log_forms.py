"""The same events written in every format of logs: a fixed seed, quotes to escape, and malformed lines."""

import bz2
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Final, cast

from bench.logs import AGENTS, BAD_EVERY, CHUNK, FIRST, METHODS, PATHS, REFERERS, STATUSES

LEVELS: Final = ("info",) * 12 + ("warn", "warn", "error", "debug")


@dataclass(frozen=True, slots=True)
class Event:
    """One request, as every format tells it."""

    at: datetime
    host: str
    request: str
    path: str
    status: str
    size: int
    referer: str
    agent: str
    level: str
    number: int


def _access(event: Event) -> str:
    return f'{event.host} - - [{event.at:%d/%b/%Y:%H:%M:%S} +0000] "{event.request}" {event.status} {event.size}'


def _combined(event: Event) -> str:
    return f'{_access(event)} "{event.referer}" "{event.agent}"'


def _logfmt(event: Event) -> str:
    return (
        f"ts={event.at:%Y-%m-%dT%H:%M:%SZ} level={event.level} host={event.host} path={event.path} "
        f'status={event.status} bytes={event.size} msg="{event.request} \\"served\\"" agent="{event.agent}"'
    )


def _message(event: Event) -> str:
    return f"{event.request} {event.status} {event.size} {event.agent}"


def _rfc3164(event: Event) -> str:
    day = f"{event.at:%b} {event.at.day:2d} {event.at:%H:%M:%S}"
    return f"<{event.number % 192}>{day} web{event.number % 50} httpd[{event.number % 30_000}]: {_message(event)}"


def _rfc5424(event: Event) -> str:
    head = f"<{event.number % 192}>1 {event.at:%Y-%m-%dT%H:%M:%S}.000Z web{event.number % 50} httpd"
    data = f'[request@32473 status="{event.status}" bytes="{event.size}"]'
    return f"{head} {event.number % 30_000} access {data} {_message(event)}"


def _lines(event: Event) -> str:
    return f"[{event.at:%Y-%m-%d %H:%M:%S}] {event.level.upper()} {event.host} {event.status}/{event.size}: {event.request}"


def _jsonl(event: Event) -> str:
    return json.dumps(
        {
            "ts": f"{event.at:%Y-%m-%dT%H:%M:%SZ}", "level": event.level, "host": event.host, "path": event.path,
            "status": int(event.status), "bytes": event.size, "msg": event.request, "agent": event.agent,
        }
    )  # fmt: skip


WRITERS: Final[dict[str, Callable[[Event], str]]] = {
    "combined": _combined,
    "common": _access,
    "logfmt": _logfmt,
    "rfc3164": _rfc3164,
    "rfc5424": _rfc5424,
    "regex": _lines,
    "jsonl": _jsonl,
}


def events(count: int) -> Iterator[Event]:
    """Give so many events, a second apart."""
    rng = random.Random(20260101)
    pick, integer = rng.choice, rng.randrange
    for number in range(count):
        path = pick(PATHS).replace("{n}", str(integer(10**6)))
        yield Event(
            at=FIRST + timedelta(seconds=number), host=f"203.0.{integer(256)}.{integer(256)}",
            request=f"{pick(METHODS)} {path} HTTP/1.1", path=path, status=pick(STATUSES), size=integer(10**6),
            referer=pick(REFERERS), agent=pick(AGENTS), level=pick(LEVELS), number=number,
        )  # fmt: skip


def generate(path: Path, form: str, count: int) -> Path:
    """Write so many events in a form; one line in many is cut off, and fits no format."""
    write = WRITERS[form]
    with _opened(path) as file:
        lines: list[str] = []
        for event in events(count):
            line = write(event)
            lines.append(line[:9] if event.number % BAD_EVERY == BAD_EVERY - 1 else line)
            if len(lines) == CHUNK:
                file.write("".join(f"{text}\n" for text in lines).encode())
                lines = []
        file.write("".join(f"{text}\n" for text in lines).encode())
    return path


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "wb", compresslevel=6))
    return cast("IO[bytes]", bz2.open(path, "wb") if path.suffix == ".bz2" else io.open(path, "wb"))  # noqa: UP020 - beside bz2.open it reads best
