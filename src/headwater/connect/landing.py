"""What a connector fulfils whose rows are landed: say whether there is anything new, and extract it, raw."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headwater.spec.observations import SetAside
from headwater.spec.ranges import LandedRange
from headwater.spec.raw import Raw

if TYPE_CHECKING:
    import duckdb


class Extractor(Protocol):
    """Rows that are extracted and landed. Made with (settings, contract, root directory of the project)."""

    @property
    def cursor(self) -> str | None:
        """The declared column by which new rows are known; None: each extraction is all there is."""
        ...

    def label(self, site: str) -> str:
        """Name the place for people: `shop.db: orders`."""
        ...

    def token(self, site: str) -> str | None:
        """Say cheaply what state the place is in: the same token, the same rows; None: only extracting can tell."""
        ...

    def extract(self, connection: "duckdb.DuckDBPyConnection", site: str, after: str | None, path: Path) -> Raw | None:
        """Write what is new since ``after`` (what ``greatest`` gave; None: everything) to a file; None: nothing is.

        Without a cursor, no row at all is something new: the rows before are gone.

        ``connection`` is free for its use; the relation must be readable there. All or nothing: an error leaves
        nothing that counts. Raises Retryable if another program is in the way.
        """
        ...


class RangeStore(Protocol):
    """Where landed ranges lie; the record put beside a range, once and last, makes it one."""

    def draft(self, location: str, site: str, ordinal: int, attempt: str) -> Path:
        """Give the path for the rows of a range that is being written; its directory exists afterwards."""
        ...

    def path(self, file: str) -> str:
        """Give the full path of a range's file."""
        ...

    def relative(self, draft: Path) -> str:
        """Give the path of a range's file as its record holds it."""
        ...

    def exists(self, file: str) -> bool:
        """Whether a range's file is there."""
        ...

    def seal(self, landed: LandedRange, rejects: Sequence[SetAside]) -> bool:
        """Put the record of a range whose file is written; False if this ordinal is taken: nothing was put."""
        ...

    def sealed(self, location: str, site: str, after: int) -> list[tuple[LandedRange, tuple[SetAside, ...]]]:
        """Give the sealed ranges of a place with larger ordinals than ``after``, in order."""
        ...

    def every(self) -> Iterator[tuple[LandedRange, tuple[SetAside, ...]]]:
        """Give all sealed ranges of the lake, place by place, in order."""
        ...

    def is_whole(self, landed: LandedRange, *, hashes: bool = False) -> bool:
        """Whether a range's file is there, as long as its record says, and (``hashes``) the same bytes."""
        ...

    def delete(self, ranges: Sequence[LandedRange]) -> int:
        """Delete ranges in the order given, record first; give the bytes freed."""
        ...

    def orphans(self, older_than: datetime) -> list[Path]:
        """List files that no record names and that nobody touched since ``older_than``."""
        ...
