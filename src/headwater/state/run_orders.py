"""What runs were asked for, with which release's code they were done, and which nodes they left undone."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from headwater.spec.orders import Order, decode_order, encode_order
from headwater.state.database import Database
from headwater.state.values import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a run was asked for, and what it keeps from its start, however often it is resumed."""

    run: str
    order: Order
    release: str
    """Id of the release whose code it uses."""
    code: str
    """Digest of that code."""
    started_at: datetime
    undone: tuple[str, ...] = ()
    """Nodes that failed in it, were refused or waited."""


def keep_order(db: Database, run: str, order: Order, release: str) -> None:
    """Note what a run that has just started was asked for; what was noted of an earlier try stays."""
    with db.write(durable=False) as connection:
        connection.execute(
            "INSERT INTO run_orders (run, body, release) VALUES (?, ?, ?) ON CONFLICT (run) DO NOTHING",
            (run, encode_order(order), release),
        )


def keep_undone(db: Database, run: str, nodes: Iterable[str]) -> None:
    """Note which nodes a run has left undone."""
    with db.write(durable=False) as connection:
        connection.execute("UPDATE run_orders SET undone = ? WHERE run = ?", (json.dumps(sorted(set(nodes))), run))


def order_of_run(db: Database, run: str) -> RunOrder | None:
    """Give what a run was asked for; None if it never started, or was no run (an apply)."""
    with db.read() as connection:
        row = connection.execute(
            "SELECT o.body, o.release, r.code, r.started_at, o.undone"
            " FROM run_orders AS o JOIN runs AS r ON r.id = o.run WHERE o.run = ?",
            (run,),
        ).fetchone()
    if row is None:
        return None
    body, release, code, started_at, undone = row
    return RunOrder(
        run=run,
        order=decode_order(body),
        release=release,
        code=code,
        started_at=moment(started_at),
        undone=tuple(json.loads(undone)),
    )


def last_start(db: Database, environment: str) -> datetime | None:
    """Give the latest time at which a run of an environment started: the next one is never earlier."""
    with db.read() as connection:
        (last,) = connection.execute(
            "SELECT max(started_at) FROM runs WHERE environment = ? AND kind = 'run'", (environment,)
        ).fetchone()
    return moment(last) if last else None
