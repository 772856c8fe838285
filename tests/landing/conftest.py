"""A SQLite shop beside a project, whose tables tests fill as they go."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.harness import Project


class Shop:
    """A project with a database file; ``sql`` changes it as another program would."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.root / "shop.db"

    def sql(self, statement, *rows):
        with closing(sqlite3.connect(self.path)) as database, database:
            if rows:
                database.executemany(statement, rows)
            else:
                database.executescript(statement)

    def source(self, name, columns, **settings):
        body = {"connector": "sqlite", "path": "shop.db", "columns": columns, **settings}
        text = json.dumps({"sources": {name: {key: value for key, value in body.items() if value is not None}}})
        self.project.write(f"sources/{name}.yaml", text)


@pytest.fixture
def shop(tmp_path):
    return Shop(Project(tmp_path / "p"))
