"""Where rows are extracted from: one package per connector, listed here."""

from typing import Final

from headwater.connect.components import Component
from headwater.connect.landing import Extractor
from headwater.connect.sources import Source
from headwater.connectors.sources.databases import duckdb, sqlite
from headwater.connectors.sources.files import files
from headwater.connectors.sources.python import python

SOURCES: Final[tuple[Component[Source] | Component[Extractor], ...]] = (files, sqlite, duckdb, python)

__all__ = ["SOURCES"]
