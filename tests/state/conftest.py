"""A state of its own for every test, and short words for fills, entries and moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.state.database import Database, open_database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "state.db") as database:
        yield database
