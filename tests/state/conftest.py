"""A state of its own for every test, on each kind of database."""

from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path

import pytest

from headwater.state.database import Database, open_database
from headwater.state.places import StatePlace
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], StatePlace]:
    """Places for states: the first is a file `state.db`, or a schema of Postgres."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return server.place
    names = chain(["state.db"], (f"state{number}.db" for number in count(2)))
    return lambda: tmp_path / next(names)


@pytest.fixture
def db(new_place: Callable[[], StatePlace]) -> Iterator[Database]:
    with open_database(new_place()) as database:
        yield database


@pytest.fixture
def file_db(tmp_path: Path) -> Iterator[Database]:
    """A state in a file, for what only files do."""
    with open_database(tmp_path / "state.db") as database:
        yield database
