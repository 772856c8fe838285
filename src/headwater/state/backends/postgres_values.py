"""How values go to Postgres and come back: as they do with SQLite."""

from typing import TYPE_CHECKING, Any

from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.types.numeric import FloatDumper
from psycopg.types.string import StrDumperUnknown

from headwater.state.values import NUL

if TYPE_CHECKING:
    from psycopg.adapt import AdaptersMap


class _Text(StrDumperUnknown):
    """Texts of any kind; Postgres has no NUL in them, so that another character stands for it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(str(obj).replace("\0", NUL))


class _Truth(Dumper):
    """Truth is 1 or 0: SQLite has no other."""

    oid = 20  # int8

    def dump(self, obj: bool) -> Buffer | None:  # noqa: FBT001 - what it is called with
        return b"1" if obj else b"0"


class _Real(FloatDumper):
    """What is no number is NULL, as SQLite keeps it."""

    def dump(self, obj: float) -> Buffer | None:
        return None if obj != obj else super().dump(obj)  # noqa: PLR0124 - only NaN differs from itself


class _Number(Loader):
    """Sums of whole numbers are whole numbers; averages are reals."""

    def load(self, data: Buffer) -> Any:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


def adapt(adapters: "AdaptersMap") -> None:
    """Set how one connection writes and reads values."""
    adapters.register_dumper(str, _Text)
    adapters.register_dumper(bool, _Truth)
    adapters.register_dumper(float, _Real)
    adapters.register_loader("numeric", _Number)
