"""Where a state is kept: a file of SQLite, or a schema of a Postgres database."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

SCHEMA = "headwater"
"""The schema of a Postgres database, unless `?schema=` names another."""
_CREDENTIALS = re.compile(r"//.*@")


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a Postgres database. Shown without credentials and parameters."""

    url: str = field(repr=False)
    """With its password, and without `schema`."""
    schema: str = SCHEMA

    def __str__(self) -> str:
        shown = _CREDENTIALS.sub("//", self.url).partition("?")[0]
        return shown if self.schema == SCHEMA else f"{shown}?schema={self.schema}"

    def beside(self, mark: str) -> "PostgresPlace":
        """Give the place of a schema beside this one; a name of Postgres has at most 63 bytes."""
        kept = self.schema.encode()[: 62 - len(mark)].decode(errors="ignore")
        return PostgresPlace(self.url, f"{kept}_{mark}")


StatePlace = Path | PostgresPlace


def postgres_place(url: str) -> PostgresPlace:
    """Read a URL; ValueError if it cannot be one (the message does not show it).

    >>> str(postgres_place("postgres://ada:secret@db.example:5433/ops?schema=flights&sslmode=require"))
    'postgres://db.example:5433/ops?schema=flights'
    >>> postgres_place("postgresql:///ops?host=/var/run/postgresql&schema=flights").url
    'postgresql:///ops?host=%2Fvar%2Frun%2Fpostgresql'
    """
    try:
        parts = urlsplit(url)
        is_wrong = "," not in parts.netloc and parts.port == 0
    except ValueError:  # what it says may show a part of the password
        is_wrong = True
    if is_wrong:
        raise ValueError("host or port cannot be; in a password, `/`, `@` and `%` are written `%2F`, `%40` and `%25`")
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for key, value in parameters if key == "schema"]
    if named and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,62}", named[-1]):
        raise ValueError("`schema` must be a plain name: letters, digits, `_`, at most 63")
    rest = urlencode([(key, value) for key, value in parameters if key != "schema"])
    server = url.partition("?")[0]
    return PostgresPlace(f"{server}?{rest}" if rest else server, named[-1] if named else SCHEMA)


def name_of(place: StatePlace) -> str:
    """Name a place among others beside it."""
    return place.schema if isinstance(place, PostgresPlace) else place.name
