"""What rules look at, read from the state: what may change at any moment, and what changes only when a run ends."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headwater.app.alerting.findings import Scope
from headwater.graph.address_sources import landing_address
from headwater.graph.values import Graph, Node
from headwater.plan.lateness import filled_until
from headwater.spec.addresses import ALL, HUB, FillId
from headwater.state.alert_facts import (
    EndedRun,
    LastScore,
    Order,
    durations_s,
    ended_runs,
    last_release_seq,
    last_scores,
    open_orders,
    rows_inspected,
    rows_landed,
)
from headwater.state.conditions import Condition, conditions, last_slots
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.fills import known
from headwater.state.incidents import read_mark
from headwater.state.measurements import earlier_fills, last_entries
from headwater.state.observations import last_observations
from headwater.state.quarantine import reject_counts
from headwater.state.suspects import Suspect, suspects
from headwater.state.verdicts import failing_verdicts
from headwater.state.workers import Worker, workers

TURN: Final = "turn"
"""Mark: a number that grows whenever runs that ended were looked at."""
QUARANTINE: Final = "quarantine"
"""Mark: source → its growth (see ``Growth``) when it last changed."""
_MOST_CHECKS: Final = 5
_MOST_VERDICTS: Final = 20


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a server noticed itself, such as a state that could not be written."""

    subject: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """How many rows a slot has, and how many those before it, newest first."""

    slot: str
    rows: int
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """How many rows a source has and how many were set aside, and how many of each came last."""

    rows: int = 0
    """0 where they are not counted: sources without `time` have no index of their files."""
    rejects: int = 0
    new_rows: int = 0
    new_rejects: int = 0

    @property
    def share(self) -> float:
        """The share of rows set aside among those that came last; 1 where rows are not counted."""
        return share_of(self.new_rejects, self.new_rows)

    def grown(self, rows: int, rejects: int) -> "Growth":
        """Give the growth when there are so many now; what went away tells nothing."""
        if (rows, rejects) == (self.rows, self.rejects):
            return self
        return Growth(rows, rejects, max(0, rows - self.rows), max(0, rejects - self.rejects))


def share_of(rejects: int, rows: int) -> float:
    """Give the share of rejects among all rows."""
    return rejects / (rejects + rows) if rejects else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the nodes of an environment stand: it changes only with a release, or when a run ends."""

    filled_until: Mapping[str, datetime]
    conditions: Mapping[str, Condition]
    scores: Mapping[str, LastScore]
    failing: Mapping[str, tuple[str, ...]]
    """Node → checks that failed last, of nodes with a failing check."""
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    growths: Mapping[str, Growth] = field(default_factory=dict)
    durations_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Pipeline → how long its last good runs took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that rules look at, at one moment."""

    environment: str
    now: datetime
    scope: Scope
    standing: Standing
    ended: tuple[EndedRun, ...] = ()
    """Runs that ended and were not looked at, as they ended."""
    orders: Mapping[str, tuple[Order, ...]] = field(default_factory=dict)
    """Pipeline with a deadline → its orders since a run ended well, newest first."""
    suspects: tuple[Suspect, ...] = ()
    workers: tuple[Worker, ...] = ()
    troubles: tuple[Trouble, ...] = ()


@dataclass(slots=True)
class Memory:
    """What need not be read again: one for each process that looks, for all environments."""

    scopes: dict[str, Scope] = field(default_factory=dict)
    """By environment: the scope of the code that it had last."""
    standings: dict[str, tuple[tuple[object, ...], Standing]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    """Fill → its rows."""

    def scope(self, environment: str, graph: Graph) -> Scope:
        """Give the scope of a graph."""
        found = self.scopes.get(environment)
        if found is None or found.graph.digest != graph.digest:
            found = self.scopes[environment] = Scope.of(graph)
        return found


def read_facts(
    db: Database,
    connection: Connection,
    graph: Graph,
    environment: str,
    now: datetime,
    memory: Memory,
    troubles: Sequence[Trouble] = (),
) -> Facts:
    """Read what rules look at, in a transaction that is open."""
    ended = ended_runs(connection, environment)
    fingerprint = (
        graph.digest,
        last_release_seq(connection, environment),
        read_mark(connection, environment, TURN),
        tuple(run.id for run in ended),
    )
    known_before = memory.standings.get(environment)
    if known_before is None or known_before[0] != fingerprint:
        standing = _standing(db, connection, graph, environment, memory)
        memory.standings[environment] = fingerprint, standing
    rules = frozenset(rule for alert in graph.alerts for rule in alert.on)
    return Facts(
        environment=environment,
        now=now,
        scope=memory.scope(environment, graph),
        standing=memory.standings[environment][1],
        ended=ended,
        orders=_orders(connection, graph, environment) if rules & {"deadline_at_risk", "deadline_missed"} else {},
        suspects=suspects(db, environment) if "set_aside" in rules else (),
        workers=workers(db) if rules & {"site_silent", "server_silent"} else (),
        troubles=tuple(troubles),
    )


def _standing(db: Database, connection: Connection, graph: Graph, environment: str, memory: Memory) -> Standing:
    rules = frozenset(rule for alert in graph.alerts for rule in alert.on)
    last, scores = last_slots(db, environment, HUB), last_scores(connection, environment)
    until = {node.name: filled_until(node, last.get(node.name)) for node in graph.nodes}
    found = conditions(db, environment)
    served = {node.name for node in graph.nodes}
    failing = {name for name, score in scores.items() if score.checks is not None and score.checks < 1}
    failing |= {name for name, condition in found.items() if condition.blocked}
    over = max((alert.volume_over for alert in graph.alerts if "volume_anomaly" in alert.on), default=0)
    timed = [each.name for each in graph.pipelines if each.deadline]
    return Standing(
        filled_until={name: at for name, at in until.items() if at is not None},
        conditions={name: each for name, each in found.items() if name in served},
        scores={name: each for name, each in scores.items() if name in served},
        failing={name: _failing(db, name) for name in sorted(failing & served)},
        volumes=_volumes(db, graph, environment, over, memory) if over else {},
        growths=_growths(db, connection, graph, environment) if "quarantine_grew" in rules else {},
        durations_s={name: durations_s(connection, environment, name) for name in timed},
    )


def _failing(db: Database, node: str) -> tuple[str, ...]:
    names = (verdict.name for verdict, _ in failing_verdicts(db, node, _MOST_VERDICTS))
    return tuple(dict.fromkeys(names))[:_MOST_CHECKS]


def _orders(connection: Connection, graph: Graph, environment: str) -> dict[str, tuple[Order, ...]]:
    timed = [each.name for each in graph.pipelines if each.deadline]
    return {name: open_orders(connection, environment, name) for name in timed}


def _volumes(db: Database, graph: Graph, environment: str, over: int, memory: Memory) -> dict[str, Volume]:
    """Rows of the last slot of each table and of those before; rows of a fill never change, so each is read once."""
    fills = {node.name: _last_fills(db, node, environment, over + 2) for node in graph.nodes}
    needed = {fill for found in fills.values() for _, fill in found}
    new = known(db, [FillId(fill) for fill in sorted(needed - memory.rows.keys())])
    rows = {fill: count for fill, count in memory.rows.items() if fill in needed}
    memory.rows = rows | {fill: each.rows for fill, each in new.items()}
    volumes: dict[str, Volume] = {}
    for name, found in fills.items():
        counted = [(slot, memory.rows[fill]) for slot, fill in found if fill in memory.rows]
        if counted:
            volumes[name] = Volume(counted[0][0], counted[0][1], tuple(count for _, count in counted[1:]))
    return volumes


def _last_fills(db: Database, node: Node, environment: str, limit: int) -> list[tuple[str, str]]:
    """(slot, fill) of the last slots that are not the newest, or of a whole table's last fills; newest first.

    The newest slot of a table that does not wait for its end is still being filled: it has fewer rows by nature.
    """
    if node.kind == "full":
        fills = dict.fromkeys(earlier_fills(db, environment, node.name, limit))
        return [(ALL, fill) for fill in list(fills)[:limit]]
    if node.kind != "incremental" or node.time is None:
        return []
    entries = sorted(last_entries(db, environment, node.name, HUB, limit).items(), reverse=True)
    return [(str(slot), fill) for (_, slot), fill in entries[0 if node.time.complete else 1 :]]


def _growths(db: Database, connection: Connection, graph: Graph, environment: str) -> dict[str, Growth]:
    before = read_growths(read_mark(connection, environment, QUARANTINE))
    observed = last_observations(db, environment)
    found: dict[str, Growth] = {}
    for node in graph.nodes:
        if node.source is not None:
            items = [item.identity for (name, _), seen in observed.items() if name == node.name for item in seen.items]
            rows, rejects = _rows_of(db, connection, node, items)
            # What was there before anybody looked is no growth.
            found[node.name] = before.get(node.name, Growth(rows, rejects)).grown(rows, rejects)
    return found


def _rows_of(db: Database, connection: Connection, node: Node, identities: Iterable[str]) -> tuple[int, int]:
    if node.source is not None and node.source.land:
        return rows_landed(connection, landing_address(node))
    listed = list(identities)
    rejects = sum(each.count for each in reject_counts(db, node.name, node.rows_address, listed))
    return rows_inspected(connection, node.rows_address, listed), rejects


def read_growths(text: str | None) -> dict[str, Growth]:
    """Read what ``write_growths`` wrote."""
    return {name: Growth(*each) for name, each in json.loads(text or "{}").items()}


def write_growths(growths: Mapping[str, Growth]) -> str:
    """Write how the rows set aside have grown, as a mark."""
    return json.dumps(
        {name: [each.rows, each.rejects, each.new_rows, each.new_rejects] for name, each in sorted(growths.items())}
    )
