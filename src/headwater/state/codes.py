"""Every code that a state has kept, of all releases and environments."""

from headwater.state.database import Database


def kept_codes(db: Database) -> tuple[str, ...]:
    """Give the addresses of all kept code."""
    with db.read() as connection:
        return tuple(code for (code,) in connection.execute("SELECT code FROM graphs ORDER BY code"))
