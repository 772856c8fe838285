"""The forms in which programs write one and the same secret: quoted, percent-encoded, in base64, broken into lines."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape

_LONG_LINE = 12
"""Lines of a key or certificate that are so long are secrets of their own."""
_TELLING = re.compile(r"(?i)token|password|passwd|secret|sig|credential|key|pwd")
"""Names of a URL's parameters that hold secrets; others (`sslmode=require`) stand in any text."""
_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s/]+)@")
_KEY = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{16,}$")
"""Parts of a URL's path that are keys, as web hooks have them."""
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_IGNORED = frozenset("│┃┆|")
"""Rulers of tables."""


def disguises(secret: str, shortest: int) -> set[str]:
    """Give the forms of a secret, and of the secrets inside it (a URL's password, the lines of a key).

    >>> sorted(each for each in disguises("p@ss word", 6) if " " in each or "+" in each)
    ['p%40ss word', 'p%40ss+word', 'p@ss word', 'p@ss+word']
    """
    found = {form for each in _inside(secret) if len(each) >= shortest for form in _written(each)}
    return {form for form in found if len(form) >= shortest and form.strip()}


def compact(text: str) -> tuple[str, list[int]]:
    r"""Leave out blanks, line ends and rulers; give what remains, and where each character of it stood.

    >>> compact("ab │\n│ c")
    ('abc', [0, 1, 7])
    """
    places = [index for index, c in enumerate(text) if not c.isspace() and c not in _IGNORED]
    return "".join(text[index] for index in places), places


def _inside(secret: str) -> Iterator[str]:
    yield secret
    yield secret.strip()
    if "\n" in secret:
        yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= _LONG_LINE)
    if "://" in secret:
        yield from _of_url(secret)


def _of_url(secret: str) -> Iterator[str]:
    """Whoever quotes a URL in part may quote its password, or a token of its query."""
    place, _, query = secret.partition("?")
    password = _PASSWORD.search(place)
    if password:
        yield from (password[1], _unquoted(password[1]), f":{password[1]}@")
    yield from (part for part in place.split("/")[3:] if _KEY.search(part))
    pairs = (pair.partition("=") for pair in re.split("[&;#]", query))
    yield from (each for name, _, value in pairs if _TELLING.search(name) for each in (value, _unquoted(value)))


def _written(secret: str) -> Iterator[str]:
    content = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (escape(secret), secret.replace("'", "''"), secret.replace('"', '""'))
    for safe in (b"", b"/", b" ", b"/:", b"/:@"):
        quoted = _quoted(content, safe)
        yield from (quoted, _small(quoted), quoted.replace("%20", "+"))
    yield from (content.hex(), content.hex().upper())
    for before in range(3):
        yield from _base64(content, before)


def _quoted(content: bytes, safe: bytes) -> str:
    """Percent-encode all but what needs no encoding in URLs, and ``safe``.

    >>> _quoted(b"p@ss word/1", b"/")
    'p%40ss%20word/1'
    """
    plain = _UNRESERVED + safe
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in content)


def _unquoted(text: str) -> str:
    """Undo it.

    >>> _unquoted("p%40ss%20word")
    'p@ss word'
    """
    content = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return content.decode("utf-8", "replace")


def _small(quoted: str) -> str:
    """Write percent-encoded bytes in small letters.

    >>> _small("A%2FB")
    'A%2fB'
    """
    first, *others = quoted.split("%")
    return "%".join([first, *(each[:2].lower() + each[2:] for each in others)])


def _base64(content: bytes, before: int) -> Iterator[str]:
    """Give what stands in base64 for certain, with so many bytes before it, whatever comes before and after."""
    for encode in (b64encode, urlsafe_b64encode):
        text = encode(b"\0" * before + content).decode()
        sure = text[(0, 2, 3)[before] : len(text) - (0, 2, 3)[-(before + len(content)) % 3]]
        yield sure
