"""DuckDB as the judge of names and types: an empty, sealed engine in memory that only ever sees schemas."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from headwater.sql.binding import BindError, Relation
from headwater.sql.macros import name_of
from headwater.sql.text import Rewritten, quote_identifier, quote_literal, quote_relation, rewrite

if TYPE_CHECKING:
    import duckdb

_DESCRIBE: Final = ("DESCRIBE ", ""), ("DESCRIBE SELECT * FROM (", "\n)")
"""The second for what is a query, but not one that DESCRIBE takes: SUMMARIZE, VALUES."""
_SEAL: Final = (
    "SET enable_external_access = false",
    "SET errors_as_json = true",
    "SET python_enable_replacements = false",
)
_KINDS: Final = (
    ("syntax", re.compile(r"syntax error|unterminated|Invalid Input Error: Unknown", re.IGNORECASE)),
    ("missing column", re.compile(r'Referenced column "(?P<name>.+?)" (?:not found|was not found)')),
    ("missing column", re.compile(r'Table ".+?" does not have a column named "(?P<name>.+?)"')),
    ("ambiguous", re.compile(r'Ambiguous reference to (?:column name|table) "(?P<name>.+?)"')),
    ("missing table", re.compile(r"Table with name \"?(?P<name>\S+?)\"? does not exist")),
    ("missing table", re.compile(r'Referenced table "(?P<name>.+?)" not found')),
    (
        "missing function",
        re.compile(r"Function with name \"?(?P<name>\S+?)\"? (?:does not exist|is not in the catalog)"),
    ),
    ("types", re.compile(r"No function matches|Cannot compare values|Could not convert|Conversion|type mismatch|cast")),
)
_QUOTED: Final = re.compile(r'"([^"]+)"')


class Binder:
    """Binds queries in sealed DuckDB connections, one for each time zone; schemas are kept from call to call."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def parse(self, text: str) -> bytes | BindError:
        """Give DuckDB's own parse of a single SELECT, as JSON."""
        return self._session("UTC").parse(text)

    def __call__(
        self,
        text: str,
        relations: Mapping[str, Relation],
        *,
        macros: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
        timezone: str = "UTC",
    ) -> Relation | BindError:
        """Give names and types of a query's columns, or why DuckDB refuses it."""
        session = self._session(timezone)
        failed = session.create(relations) or session.define(macros)
        return failed or session.describe(text, parameters or {})

    def close(self) -> None:
        """Let go of the engines."""
        for session in self._sessions.values():
            session.connection.close()
        self._sessions.clear()

    def _session(self, timezone: str) -> "_Session":
        if timezone not in self._sessions:
            self._sessions[timezone] = _Session(timezone)
        return self._sessions[timezone]


class _Session:
    def __init__(self, timezone: str) -> None:
        self.connection = _sealed(timezone)
        self._relations: dict[str, Relation] = {}
        self._schemas = {"main"}
        self._macros: dict[str, str] = {}

    def define(self, macros: Sequence[str]) -> BindError | None:
        """Make the macros that are new or changed; what a table macro reads must be there before it."""
        for statement in macros:
            name = name_of(statement)
            if self._macros.get(name) == statement:
                continue
            text = _CREATE.sub("CREATE OR REPLACE ", statement, count=1)
            failed = self._run(text)
            if isinstance(failed, BindError):
                offset = None if failed.offset is None else max(failed.offset - len(text) + len(statement), 0)
                return replace(failed, kind="macro", offset=offset, name=name)
            self._macros[name] = statement
        return None

    def create(self, relations: Mapping[str, Relation]) -> BindError | None:
        """Make the empty tables that differ from those of earlier calls."""
        for name, columns in relations.items():
            if self._relations.get(name) != columns:
                failed = self._create(name, columns)
                if failed is not None:
                    return failed
                self._relations[name] = columns
        return None

    def _create(self, name: str, columns: Relation) -> BindError | None:
        schema = name.rpartition(".")[0]
        if schema and schema not in self._schemas:
            self._schema(schema)
        body = ", ".join(f"{quote_identifier(column)} {type_}" for column, type_ in columns)
        made = self._run(f"CREATE OR REPLACE TABLE {quote_relation(name)} ({body})")
        return made if isinstance(made, BindError) else None

    def _schema(self, schema: str) -> None:
        catalogue, _, _ = schema.rpartition(".")
        if catalogue and catalogue not in self._schemas:
            self.connection.execute(f"ATTACH ':memory:' AS {quote_identifier(catalogue)}")
            self._schemas.add(catalogue)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_relation(schema)}")
        self._schemas.add(schema)

    def parse(self, text: str) -> bytes | BindError:
        found = self._run(f"SELECT json_serialize_sql({quote_literal(text)})")
        if isinstance(found, BindError):
            return found
        document = str(found[0][0])
        return _parse_error(text, document) or document.encode()

    def describe(self, text: str, parameters: Mapping[str, str]) -> Relation | BindError:
        bound = rewrite(text.rstrip().rstrip(";"), parameters)
        found: Relation | BindError = BindError("other", "not described")
        for before, after in _DESCRIBE:
            found = self._describe(bound, before, after)
            if not isinstance(found, BindError) or found.kind != "syntax":
                break
        return found

    def _describe(self, bound: Rewritten, before: str, after: str) -> Relation | BindError:
        found = self._run(before + bound.text + after)
        if not isinstance(found, BindError):
            return tuple((str(row[0]), str(row[1])) for row in found)
        if found.offset is None:
            return found
        offset = bound.original(found.offset - len(before))
        return replace(found, offset=max(offset, 0))

    def _run(self, statement: str) -> list[Any] | BindError:
        import duckdb

        try:
            return list(self.connection.execute(statement).fetchall())
        except duckdb.Error as failure:
            return _error(statement, str(failure))
        except UnicodeError:
            return BindError("other", "the text holds characters that are none")


def _sealed(timezone: str) -> "duckdb.DuckDBPyConnection":
    """An engine that reads no files, loads nothing, and whose settings cannot be changed by what it binds."""
    import duckdb

    config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1"}
    connection = duckdb.connect(":memory:", config=config)
    for statement in (*_SEAL, f"SET TimeZone = {quote_literal(timezone)}", "SET lock_configuration = true"):
        connection.execute(statement)
    return connection


_CREATE: Final = re.compile(r"\s*CREATE\s+(?!OR\s+REPLACE)", re.IGNORECASE)


def _parse_error(text: str, document: str) -> BindError | None:
    """What the parse says against the text; None if it is a single query."""
    if document.startswith('{"error":false'):
        return None
    found = json.loads(document)
    if found["error_type"] == "not implemented":
        return BindError("not a query", str(found["error_message"]))
    return BindError("syntax", str(found["error_message"]), _offset(text, found))


def _offset(text: str, found: Mapping[str, Any]) -> int | None:
    """Where an error is, in characters: DuckDB counts bytes, but DuckDB 1 counts characters in syntax errors."""
    if found.get("position") is None:
        return None
    offset = int(found["position"])
    in_characters = found.get("error_subtype") == "SYNTAX_ERROR" and "location" not in found
    if in_characters or text.isascii():
        return offset
    return len(text.encode()[:offset].decode(errors="ignore"))


def _error(statement: str, text: str) -> BindError:
    """Read DuckDB's message (as JSON, behind the name of its kind)."""
    _, _, document = text.partition("{")
    try:
        found = json.loads("{" + document)
    except ValueError:
        return BindError("other", text.splitlines()[0] if text else "unknown error")
    message = str(found["exception_message"])
    make = partial(BindError, message=message, offset=_offset(statement, found))
    for kind, pattern in _KINDS:
        if match := pattern.search(message):
            name = match.groupdict().get("name") or ""
            return make(kind, name=name, candidates=_candidates(message))
    return make("other")


def _candidates(message: str) -> tuple[str, ...]:
    lines = [line for line in message.splitlines() if line.startswith(("Candidate", "Did you mean"))]
    return tuple(_QUOTED.findall(" ".join(lines)))
