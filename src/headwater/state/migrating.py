"""Brings the tables of a state from one numbered shape to the next, in the transaction that it is given."""

from headwater.diagnostics import Broken, error
from headwater.state.backends import Backend
from headwater.state.connections import Connection
from headwater.state.failures import REPAIR
from headwater.state.migrations import MIGRATIONS
from headwater.state.places import StatePlace


def schema_of(connection: Connection, backend: Backend, place: StatePlace) -> int:
    """Give the number of the last migration; 0 for an empty database. Raises Broken for somebody else's."""
    tables = backend.columns(connection)
    if "migrations" not in tables:
        if tables:
            raise Broken(error("HW0602", f"`{place}` is a database, but no state of Headwater", hint=REPAIR))
        return 0
    (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    return int(number or 0)


def migrate(connection: Connection, backend: Backend, place: StatePlace, to: int = len(MIGRATIONS)) -> None:
    """Take the steps that are missing, up to a number."""
    for number in range(schema_of(connection, backend, place), to):
        if number == 0:
            for statement in backend.founding:
                connection.execute(statement)
            connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY)")
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations (number) VALUES (?)", (number + 1,))
