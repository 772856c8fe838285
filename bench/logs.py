"""Access logs to measure and test with: combined format, a fixed seed, the oddities of real ones."""

import gzip
import io
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal, cast

Compression = Literal["none", "gz", "zst"]
CHUNK = 20_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BAD_EVERY = 10_007
"""One line in so many is malformed (a prime, so that bad lines drift over the chunks)."""

METHODS = ("GET",) * 12 + ("POST",) * 3 + ("HEAD", "PUT", "DELETE")
PATHS = (
    "/",
    "/index.html",
    "/images/logo-large.png",
    "/blog/2026/01/a-long-title-of-an-article/",
    "/api/v2/orders?customer={n}&page=3",
    "/static/js/app.{n}.min.js",
    "/search?q=a%20few%20words%20{n}",
    "/presentations/{n}/images/dashboard.png",
)
STATUSES = ("200",) * 14 + ("304",) * 2 + ("301", "404", "404", "403", "500", "503")
REFERERS = (
    "-",
    "-",
    "https://www.example.org/",
    "https://search.example.com/?q=headwater+pipelines",
    "http://example.net/blog/2026/",
)
AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.6.0",
    "-",
)
BAD = (
    "not a log line at all",
    '198.51.100.7 - - [32/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8.6.0"',
    '198.51.100.7 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" two 12 "-" "curl/8.6.0"',
    '198.51.100.7 - - [01/Jan/2026:00:00:00 +0000] "GET /cut/in/the/mid',
    '198.51.100.7 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 12',
)


def chunk(rng: random.Random, first: int, count: int, *, clean: bool = False) -> bytes:
    """Make ``count`` lines that begin with line number ``first``; ``clean``: none of them malformed."""
    pick, integer = rng.choice, rng.randrange
    lines = []
    for number in range(first, first + count):
        at = FIRST + timedelta(seconds=number)
        when = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
        if number % BAD_EVERY == BAD_EVERY - 1 and not clean:
            lines.append(BAD[number // BAD_EVERY % len(BAD)])
            continue
        host = f"2001:db8::{integer(65536):x}" if number % 17 == 0 else f"203.0.{integer(256)}.{integer(256)}"
        user = "frank" if number % 29 == 0 else "-"
        request = f"{pick(METHODS)} {pick(PATHS).replace('{n}', str(integer(10**6)))} HTTP/1.1"
        if number % 499 == 0:
            request = pick((r"GET /say?\"hello\" HTTP/1.1", r"\x16\x03\x01\x02", "-"))
        size = "-" if number % 41 == 0 else str(integer(10**6))
        lines.append(
            f'{host} - {user} [{when}] "{request}" {pick(STATUSES)} {size} "{pick(REFERERS)}" "{pick(AGENTS)}"'
        )
    lines.append("")
    return "\n".join(lines).encode()


@contextmanager
def zstd(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing through zstd."""
    import pyarrow as pa

    with pa.output_stream(str(path), compression="zstd") as stream:
        yield cast("BinaryIO", stream)


def opened(path: Path, compression: Compression) -> AbstractContextManager[BinaryIO | gzip.GzipFile]:
    """Open a file for writing, compressed or not."""
    if compression == "gz":
        return gzip.open(path, "wb", compresslevel=6)
    return zstd(path) if compression == "zst" else io.open(path, "wb")  # noqa: UP020 - one opener per form


def generate(path: Path, lines: int, compression: Compression = "none", *, clean: bool = False) -> Path:
    """Write a log of so many lines (about 190 bytes each); the same lines whenever the count is the same."""
    rng = random.Random(20260101)
    with opened(path, compression) as file:
        for first in range(0, lines, CHUNK):
            file.write(chunk(rng, first, min(CHUNK, lines - first), clean=clean))
    return path
