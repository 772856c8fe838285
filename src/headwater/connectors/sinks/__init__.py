"""Where rows are loaded to: one file per connector, listed here."""

from typing import Final

from headwater.connect.components import Component
from headwater.connect.sinks import Sink
from headwater.connectors.sinks.csv import csv
from headwater.connectors.sinks.duckdb import duckdb
from headwater.connectors.sinks.jsonl import jsonl
from headwater.connectors.sinks.parquet import parquet
from headwater.connectors.sinks.python import python
from headwater.connectors.sinks.sqlite import sqlite

SINKS: Final[tuple[Component[Sink], ...]] = (parquet, csv, jsonl, duckdb, sqlite, python)

__all__ = ["SINKS"]
