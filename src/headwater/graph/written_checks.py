"""What a check is as SQL, and what its writers know of the node that it checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.diagnostics import Diagnostic
from headwater.graph.values import Drift
from headwater.spec.checks import AnyCheck
from headwater.sql.binding import Relation
from headwater.sql.text import canonical_tokens

Scope = Literal["row", "fill", "map", "drift"]


class WrongCheck(Exception):
    """A check that cannot be compiled, and why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Subject:
    """A node as its checks see it."""

    name: str
    kind: str
    columns: Relation
    time: str
    """Its time column if slots cut it, else empty."""
    declared: Mapping[str, str]
    """Declared columns with their normalised types (empty where none is declared)."""
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A check as SQL."""

    kind: str
    name: str
    scope: Scope
    failing: str
    reads: tuple[str, ...] = ()
    user_sql: tuple[str, str] = ("", "")
    """SQL that the user wrote, and the key it stands under."""
    unique: tuple[str, ...] = ()
    """Columns of which no two rows have the same values if it passes."""
    examples: str = ""
    """A SELECT of rows that fail, where ``failing`` only counts them."""
    drift: Drift | None = None
    """How a measurement is judged; its address is not known yet."""

    @property
    def text(self) -> str:
        """The canonical text that its address is made of."""
        return canonical_tokens(self.failing)

    @property
    def probe(self) -> str:
        """A query that the engine accepts if and only if it accepts the check."""
        return self.failing if self.scope == "map" else f"SELECT {self.failing} FROM this"


def wanted(check: AnyCheck) -> str:
    """Give which rows a check is about."""
    return f"({check.where}) IS TRUE" if check.where else "true"
