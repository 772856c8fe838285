"""Where analyses are kept: a protocol, and the form in which they are written."""

from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")


class AnalysisCache(Protocol):
    """Bytes by key; what it loses is computed again."""

    def get(self, key: str) -> bytes | None:
        """Give what was put under a key, or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep bytes under a key."""
        ...


class Forgetful:
    """A cache for one compilation only."""

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Give what was put under a key, or None."""
        return self._entries.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep bytes under a key."""
        self._entries[key] = value


def read(kept: AnalysisCache, key: str, kind: type[T]) -> T | None:
    """Give the value of a kind under a key; None if there is none or it cannot be read."""
    import msgspec

    found = kept.get(key)
    if found is None:
        return None
    try:
        value: T = _decoder(kind).decode(found)
    except msgspec.DecodeError:
        return None
    return value


def write(kept: AnalysisCache, key: str, value: Any) -> None:
    """Keep a value under a key."""
    import msgspec

    kept.put(key, msgspec.msgpack.encode(value))


def _decoder(kind: Any) -> Any:
    import msgspec

    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.msgpack.Decoder(kind)
    return _DECODERS[kind]


_DECODERS: Final[dict[Any, Any]] = {}
