"""Makes sure that what was deleted from a state is gone from its files, too."""

from headwater.state.database import Database

_STATEMENTS = ("PRAGMA secure_delete = ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")


def shred(db: Database) -> None:
    """Write the state's file anew without deleted rows, and empty its log; on a server, its own vacuum does that.

    Raises Conflict while somebody else keeps the file locked.
    """
    if db.backend.is_remote:
        return
    session = db.backend.connect()
    try:
        for statement in _STATEMENTS:
            session.connection.execute(statement)
    except db.backend.errors as failure:
        reason = db.backend.explained(failure)
        if reason is None:
            raise
        raise reason from failure
    finally:
        session.close()
