"""What can be wrong with a state, found without changing it: damaged pages, broken references, roll-ups, the chain."""

from collections.abc import Iterator

from headwater.diagnostics import Diagnostic, error
from headwater.spec.addresses import Slot
from headwater.spec.releases import rollup
from headwater.state.audit import verify
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.failures import REPAIR

_SHOWN = 5


def examine(db: Database) -> tuple[Diagnostic, ...]:
    """Read the whole state and say what is wrong with it; raises Broken where it is too damaged to be read."""
    with db.read() as connection:
        return (*_damage(db, connection), *_rollups(connection), *_chain(db))


def _damage(db: Database, connection: Connection) -> Iterator[Diagnostic]:
    for finding in db.backend.damage(connection, _SHOWN):
        yield error("HW0602", f"the state is damaged: {finding}", hint=REPAIR)


def _rollups(connection: Connection) -> Iterator[Diagnostic]:
    """Recompute each node's roll-up and count from its entries."""
    query = (
        "SELECT h.environment, e.name, h.node, h.rollup, h.slots FROM head_nodes AS h"
        " JOIN environments AS e ON e.number = h.environment ORDER BY e.name, h.node"
    )
    for number, name, node, kept, slots in connection.execute(query).fetchall():
        entries = connection.execute(
            "SELECT site, slot, digest FROM entries WHERE environment = ? AND node = ?", (number, node)
        ).fetchall()
        if len(entries) != slots or rollup(((site, Slot(slot)), digest) for site, slot, digest in entries) != kept:
            yield error("HW0625", f"`{node}` in `{name}`: its roll-up differs from its entries", hint=REPAIR)


def _chain(db: Database) -> Iterator[Diagnostic]:
    count, broken = verify(db)
    if broken is not None:
        message = f"the audit chain is broken at entry {broken}, after {count} that hold"
        yield error("HW0624", message, hint="compare with a copy of the state: somebody has changed it")
