"""What no message may say: values of secrets, in all the forms in which texts carry them, become their references."""

import re
import threading
from collections.abc import Iterable, Iterator
from typing import Final

SHORTEST: Final = 6
"""Shorter values are left alone: they stand in any text by chance."""
_RECOGNISABLE: Final = 8
"""So many characters of a secret that was cut off give it away."""
_WRAPPED: Final = 12
"""Longer values are also found where a table or a terminal has broken them into pieces."""
_REFERENCE: Final = re.compile(r"(\$\{(?:env|file|keyring):[^}]+\})")
_PASSWORD: Final = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
_TOKEN: Final = re.compile(
    r"(?i)([?&;](?:[a-z_.-]*(?:token|password|passwd|secret|signature|credential)|sig|pwd|api[_-]?key|key)=)[^\s&;'\"#]+"
)
_HEADER: Final = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic|token)\s+)?)[^\s'\",`]+")
_PATTERNS: Final = (("://", _PASSWORD), ("=", _TOKEN), ("uthorization", _HEADER))
"""What holds a secret by its form, known or not, each with a sign that it may be there."""
_HIDDEN: Final = r"\1***"


class Redactor:
    """Takes secrets out of texts; it may be taught more of them at any time, by any thread."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._forms: tuple[tuple[str, str], ...] | None = ()
        self._lock = threading.Lock()

    def learn(self, secret: str, reference: str) -> None:
        """Remember a value that no text may show, and what stands for it instead."""
        with self._lock:
            if len(secret) >= SHORTEST and secret not in self._secrets:
                self._secrets[secret] = reference
                self._forms = None  # made when first needed: most commands never say a thing

    def __call__(self, text: str) -> str:
        """Give a text without any secret: references, `***` for passwords and tokens of URLs that are not known."""
        forms = self._known()
        if forms:
            text = "".join(_without(part, forms) for part in _parts(text))
        for sign, pattern in _PATTERNS:
            text = pattern.sub(_HIDDEN, text) if sign in text else text
        return text

    def _known(self) -> tuple[tuple[str, str], ...]:
        forms = self._forms
        if forms is None:
            from headwater.diagnostics.disguises import disguises

            with self._lock:
                found = {form: said for secret, said in self._secrets.items() for form in disguises(secret, SHORTEST)}
                forms = self._forms = tuple(sorted(found.items(), key=lambda each: (-len(each[0]), each)))
        return forms


conceal: Final = Redactor()
"""The process's own: whatever has resolved a reference has taught it, and all diagnostics pass through it."""


def _parts(text: str) -> Iterable[str]:
    """Cut out references, which stay as they are: a secret may be as simple as its own name."""
    return _REFERENCE.split(text) if "${" in text else (text,)


def _without(part: str, forms: Iterable[tuple[str, str]]) -> str:
    if part.startswith("${") and _REFERENCE.fullmatch(part):
        return part
    kept: list[str] = []
    for form, said in forms:
        # A form that was replaced must not be looked into again: its name may be somebody else's value.
        if form in part:
            part = part.replace(form, _mark(len(kept)))
            kept.append(said)
        cut = _cut_off(part, form)
        if cut:
            part = part.replace(cut, _mark(len(kept)))
            kept.append(said)
    part = _unbroken(part, forms) if "\n" in part else part
    for number, said in enumerate(kept):
        part = part.replace(_mark(number), said)
    return part


def _mark(number: int) -> str:
    return f"\x00\x01{number}\x01\x00"


def _cut_off(text: str, secret: str) -> str:
    """Give what is left of a secret that an ellipsis, or the text's end, has cut off; empty: nothing was cut."""
    beginning = secret[:_RECOGNISABLE]
    # The beginning of a place (`postgres://…`, a path) is no secret.
    if len(secret) <= _RECOGNISABLE or "/" in secret or beginning not in text:
        return ""
    for first in _places(text, beginning):
        length = next((n for n, (a, b) in enumerate(zip(text[first:], secret, strict=False)) if a != b), None)
        end = len(text) if length is None else first + length
        if end == len(text) or text.startswith(("…", "..."), end):
            return text[first:end]
    return ""


def _places(text: str, part: str) -> Iterator[int]:
    first = text.find(part)
    while first >= 0:
        yield first
        first = text.find(part, first + 1)


def _unbroken(text: str, forms: Iterable[tuple[str, str]]) -> str:
    """Find secrets that line ends, blanks and the rulers of tables have broken into pieces."""
    from headwater.diagnostics.disguises import compact

    joined, places = compact(text)
    spans: list[tuple[int, int, str]] = []
    for form, said in forms:
        wanted = compact(form)[0]
        if len(wanted) >= _WRAPPED:
            spans += [(places[at], places[at + len(wanted) - 1] + 1, said) for at in _places(joined, wanted)]
    last = len(text) + 1
    for first, end, said in sorted(spans, reverse=True):
        if end <= last:
            text, last = text[:first] + said + text[end:], first
    return text
