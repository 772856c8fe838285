"""Sources that hold secrets: what they say shows the references, never what these stand for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.connect.landing import Extractor
from headwater.diagnostics import HeadwaterError
from headwater.spec.raw import Raw

if TYPE_CHECKING:
    import duckdb

_SHORTEST: Final = 3
"""Shorter values stand in any text by chance."""


@dataclass(frozen=True, slots=True)
class Concealing:
    """Fulfils ``connect.landing.Extractor`` by another one; ``secrets``: what stands in its settings → reference."""

    extractor: Extractor
    secrets: Mapping[str, str]

    @property
    def cursor(self) -> str | None:
        """The declared column by which new rows are known."""
        return self.extractor.cursor

    def label(self, site: str) -> str:
        """Name the place for people."""
        return self._concealed(self.extractor.label(site))

    def token(self, site: str) -> str | None:
        """Say what state the place is in."""
        return self.extractor.token(site)

    def extract(self, connection: "duckdb.DuckDBPyConnection", site: str, after: str | None, path: Path) -> Raw | None:
        """Extract as the other one does."""
        with self._discreet():
            return self.extractor.extract(connection, site, after, path)

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        try:
            yield
        except HeadwaterError as problem:
            found = (
                replace(each, message=self._concealed(each.message), hint=self._concealed(each.hint))
                for each in problem.diagnostics
            )
            raise type(problem)(*found) from None

    def _concealed(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, self.secrets[secret]) if len(secret) >= _SHORTEST else text
        return text
