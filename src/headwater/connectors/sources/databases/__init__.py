"""Rows from database files: SQLite and DuckDB, tables and queries, landed from where the last landing ended."""

from headwater.connectors.sources.databases.duckdb_file import duckdb
from headwater.connectors.sources.databases.sqlite_file import sqlite

__all__ = ["duckdb", "sqlite"]
