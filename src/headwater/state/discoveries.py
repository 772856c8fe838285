"""Columns that files of sources hold beyond their contracts: what each file was found to have, once."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from headwater.spec.discoveries import Columns
from headwater.state.database import Database
from headwater.state.values import chunks, marks, stamp, storable

_PUT = """
INSERT INTO discoveries (source_key, identity, source, columns, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source_key, identity) DO NOTHING"""
_FOUND = """
SELECT columns, count(*) FROM discoveries WHERE source_key = ? AND columns <> '[]' GROUP BY columns ORDER BY min(seq)"""


def discoveries(db: Database, key: str) -> list[tuple[Columns, int]]:
    """Give the lists of columns that were found, each with how many files have it, in the order of discovery."""
    with db.read() as connection:
        rows = connection.execute(_FOUND, (key,)).fetchall()
    return [(tuple((name, type_) for name, type_ in json.loads(text)), files) for text, files in rows]


def looked_into(db: Database, key: str, identities: Iterable[str]) -> set[str]:
    """Give those of the files whose columns are known."""
    found: set[str] = set()
    query = "SELECT identity FROM discoveries WHERE source_key = ? AND identity IN ({})"
    with db.read() as connection:
        for piece in chunks(dict.fromkeys(identities)):
            found.update(row[0] for row in connection.execute(query.format(marks(len(piece))), (key, *piece)))
    return found


def record_discoveries(db: Database, key: str, source: str, found: Mapping[str, Columns], at: datetime) -> None:
    """Record identity → columns beyond the contract (none: nothing to discover); a known file stays as it is."""
    with db.write(durable=False) as connection:
        connection.executemany(
            _PUT,
            [
                (key, identity, source, json.dumps([[storable(n), t] for n, t in columns]), stamp(at))
                for identity, columns in found.items()
            ],
        )
