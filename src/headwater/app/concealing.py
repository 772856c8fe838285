"""Sources and sinks that hold secrets: what is said of them shows the references, never what these stand for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.app.secrets import learn_environment, learn_quietly
from headwater.connect.landing import Extractor
from headwater.diagnostics import HeadwaterError
from headwater.graph.values import Graph
from headwater.spec.raw import Raw

if TYPE_CHECKING:
    import duckdb

_SHORTEST: Final = 3
"""Shorter values stand in any text by chance."""


def learn_secrets(graph: Graph, environment: str, root: Path) -> None:
    """Have concealed, before anything of it is used, what sources and sinks of an environment refer to."""
    learn_environment()
    for node in graph.nodes:
        if node.source is not None:
            learn_quietly(node.source.settings, root)
    for sink in graph.sinks:
        learn_quietly({**sink.settings, **sink.targets.get(environment, {})}, root)


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
