"""The data of template `logs`: a week of access logs of three web servers, made up from a fixed seed."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, TypeVar

SERVERS: Final = ("web1", "web2", "web3")
FIRST_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAYS: Final = 7
_SEED: Final = 20_260_105
_VISITS_A_DAY: Final = 160
_PLAIN_DAYS: Final = 2
"""The newest files are not compressed yet."""
_BUSY: Final = (1, 1, 1, 1, 1, 2, 3, 5, 8, 9, 9, 8, 7, 8, 9, 9, 8, 7, 7, 8, 9, 7, 4, 2)
"""How busy each hour of the day is."""
_PAGES: Final = (
    "/", "/", "/", "/blog", "/blog/rivers", "/blog/rivers?page=2", "/blog/lakes", "/blog/why-we-moved", "/shop",
    "/shop/maps", "/shop/maps?sort=price", "/shop/boots", "/about", "/feed.xml", "/old-page",
    "/search?q=%22high+water%22",
)  # fmt: skip
_ASSETS: Final = ("/style.css", "/app.js", "/img/logo.svg", "/img/river.png", "/favicon.ico")
_BROWSERS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    r"Mozilla/5.0 (compatible; \"Reader\" 3.1; Linux)",  # quotes that the server has escaped
)
_ROBOTS: Final = (
    "Examplebot/2.1 (+https://bot.example.org/)",
    "curl/8.17.0",
    r"FeedFetcher/1.0 (\"weekly digest\"; 12 subscribers)",
    "-",
)
_SCANS: Final = ("/wp-login.php", "/.env", r"/index.php?q=\"><script>alert(1)</script>", "/admin")
_DAMAGED: Final = (
    b'203.0.113.9 - - [05/Jan/2026:14:02:11 +0000] "GET /blog/rivers HT',  # the disk was full
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xd4\x8e\xff\xfe",  # bytes that are no text
    b'198.51.100.23 - - [06/Jan/2026:09:15 "GET / HTTP/1.1" 200 5316 "-" "-"',  # no time
    b'198.51.100.40 - - [07/Jan/2026:10:00:00 +0000] "GET /shop HTTP/1.1" 2OO 8123 "-" "curl/8.17.0"',  # letters
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class _Line:
    """A request as a server writes it down, when it has answered."""

    written_at: datetime
    server: str
    text: str


class _Chance:
    """Choices from the one function of Random whose results are promised to stay the same."""

    def __init__(self, seed: int) -> None:
        self._next = Random(seed).random  # noqa: S311 - made-up data, not secrets

    def below(self, end: int) -> int:
        return int(self._next() * end)

    def one_of(self, values: tuple[T, ...]) -> T:
        return values[self.below(len(values))]

    def is_one_in(self, count: int) -> bool:
        return self.below(count) == 0


def lay_out(root: Path) -> list[Path]:
    """Write ``data/`` below ``root``: a file per server and day, the older ones compressed; give their paths.

    The same lines at each call. Raises OSError if a file cannot be written.
    """
    lines = sorted(_lines(_Chance(_SEED)))
    written = []
    for server in SERVERS:
        (root / "data" / server).mkdir(parents=True, exist_ok=True)
        for number in range(DAYS):
            day = FIRST_DAY + timedelta(days=number)
            texts = [
                each.text.encode() for each in lines if each.server == server and each.written_at.date() == day.date()
            ]
            written.append(_write(root, server, day, b"\n".join([*_with_damage(texts, server, number), b""])))
    return written


def _write(root: Path, server: str, day: datetime, content: bytes) -> Path:
    is_old = day < FIRST_DAY + timedelta(days=DAYS - _PLAIN_DAYS)
    path = Path(f"data/{server}/access-{day:%Y-%m-%d}.log{'.gz' if is_old else ''}")
    (root / path).write_bytes(gzip.compress(content, mtime=0) if is_old else content)
    return path


def _with_damage(lines: list[bytes], server: str, day: int) -> list[bytes]:
    """Put a damaged line in the middle of the first server's first files."""
    if server != SERVERS[0] or day >= len(_DAMAGED):
        return lines
    middle = len(lines) // 2
    return [*lines[:middle], _DAMAGED[day], *lines[middle:]]


def _lines(chance: _Chance) -> Iterator[_Line]:
    people = tuple(_person(chance) for _ in range(400))
    robots = tuple((_address(chance), chance.one_of(_ROBOTS)) for _ in range(12))
    hours = tuple(hour for hour, weight in enumerate(_BUSY) for _ in range(weight))
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        for _ in range(_VISITS_A_DAY):
            begins = day + timedelta(hours=chance.one_of(hours), seconds=chance.below(3600))
            if chance.is_one_in(6):
                yield from _crawl(chance, begins, *chance.one_of(robots))
            else:
                yield from _visit(chance, begins, *chance.one_of(people))


def _person(chance: _Chance) -> tuple[str, str]:
    return _address(chance), chance.one_of(_BROWSERS)


def _address(chance: _Chance) -> str:
    """Addresses that are reserved for examples, of both kinds."""
    if chance.is_one_in(4):
        return f"2001:db8:{chance.below(65536):x}::{chance.below(65536):x}"
    return f"{chance.one_of(('192.0.2', '198.51.100', '203.0.113'))}.{1 + chance.below(254)}"


def _visit(chance: _Chance, at: datetime, address: str, agent: str) -> Iterator[_Line]:
    came_from = chance.one_of(("-", "-", "https://search.example/", 'https://news.example/?id=\\"7\\"'))
    name = "jo" if chance.is_one_in(30) else "-"
    for _ in range(1 + chance.below(7)):
        page = chance.one_of(_PAGES)
        yield _request(chance, at, address, f"GET {page} HTTP/1.1", came_from, agent, name)
        for asset in _ASSETS[: chance.below(len(_ASSETS) + 1)]:
            yield _request(chance, at + timedelta(seconds=1), address, f"GET {asset} HTTP/1.1", page, agent, name)
        came_from = f"https://www.example.org{page}"
        at += timedelta(seconds=5 + chance.below(400))


def _crawl(chance: _Chance, at: datetime, address: str, agent: str) -> Iterator[_Line]:
    for _ in range(2 + chance.below(12)):
        path = chance.one_of(_SCANS) if chance.is_one_in(5) else chance.one_of(_PAGES)
        request = r"\x16\x03\x01" if chance.is_one_in(25) else f"GET {path} HTTP/1.1"
        yield _request(chance, at, address, request, "-", agent, "-")
        at += timedelta(seconds=1 + chance.below(20))


def _request(chance: _Chance, at: datetime, address: str, request: str, referer: str, agent: str, name: str) -> _Line:
    status = _status(chance, request)
    size = str(200 + chance.below(60_000)) if status in {200, 404} else "-" if status == 304 else "512"  # noqa: PLR2004 - HTTP
    stamp = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
    text = f'{address} - {name} [{stamp}] "{request}" {status} {size} "{referer}" "{agent}"'
    return _Line(at + timedelta(seconds=chance.below(3)), chance.one_of(SERVERS), text)


def _status(chance: _Chance, request: str) -> int:
    if not request.startswith("GET "):
        return 400
    if chance.is_one_in(150):
        return chance.one_of((500, 503))
    if any(path in request for path in (*_SCANS, "/old-page")):
        return 404
    return chance.one_of((200,) * 9 + (304,))
