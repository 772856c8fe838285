"""What a server elsewhere says, as the values that commands show of a state of their own."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from headwater.app.alerting.asking import Listed
from headwater.app.backfilling import Standing
from headwater.app.history import Recorded
from headwater.app.run_reading import LAST, Said, Wanted
from headwater.app.statistics import PipelineStats
from headwater.app.status import NodeStatus, Status
from headwater.cli.remote.calling import Server, UnreachableError
from headwater.cli.views.stats import Statistics
from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, Invalid, error, warning
from headwater.graph.values import Deprecation
from headwater.spec.backfills import Advance, Backfill
from headwater.spec.releases import Release
from headwater.state.deliveries import Delivery
from headwater.state.incidents import Incident
from headwater.state.requests import Request
from headwater.state.run_events import RunEvent
from headwater.state.run_records import RunRecord

_T = TypeVar("_T")
_PAGE: Final = 1000
_POLL_S: Final = 1.0
_AWAY_S: Final = 120.0
"""So long a server may be away, to be restarted, while something is waited for."""
_ENDED: Final = frozenset({"done", "failed", "cancelled", "set_aside"})


def runs(
    server: Server, environment: str | None, *, pipeline: str | None, statuses: Sequence[str], limit: int
) -> tuple[RunRecord, ...]:
    """List runs, newest first."""
    found: list[RunRecord] = []
    for status in statuses or (None,):
        found += _runs(server, limit, environment=environment, pipeline=pipeline, status=status)
    return tuple(sorted(found, key=lambda run: (run.ordered_at, run.id), reverse=True)[:limit])


def run_called(server: Server, name: str, environment: str | None = None) -> RunRecord:
    """Give a run by its id, the beginning of one, or ``last``; Invalid if there is none, or more than one."""
    if name != LAST:
        return _run(server, server.get("runs", name))
    newest = _runs(server, 1, environment=environment)
    if not newest:
        where = f" in `{environment}`" if environment is not None else ""
        raise Invalid.of("HW1102", f"nothing has run{where} yet")
    return newest[0]


def said(server: Server, run: RunRecord, wanted: Wanted) -> Said:
    """Give what a run has said so far."""
    found: list[RunEvent] = []
    after: int | None = 0
    while after is not None:
        asked = {"after": after, "limit": _PAGE, "node": wanted.node, "level": wanted.level}
        page = server.get("runs", run.id, "events", **asked)
        found += [_event(server, run, each) for each in _list(server, page, "events")]
        after = page.get("next")
    return Said(run_called(server, run.id), tuple(found))


def follow(server: Server, run: RunRecord, wanted: Wanted) -> Iterator[Said]:
    """Give what a run has said and says, until it has ended; a line that breaks is taken up where it was."""
    before = said(server, run, wanted)
    yield before
    after, since = max([0, *(event.seq for event in before.events)]), time.monotonic()
    while not before.run.has_ended:
        try:
            for name, data in server.events("runs", run.id, "log", after=after):
                since = time.monotonic()
                if name == "end":
                    yield Said(run_called(server, run.id), ())
                    return
                event = _event(server, run, data)
                after = event.seq
                if wanted.node in {None, event.node} and event.level in (wanted.levels or {event.level}):
                    yield Said(before.run, (event,))
        except UnreachableError:
            if time.monotonic() - since > _AWAY_S:
                raise
        time.sleep(_POLL_S)


def await_run(server: Server, run: str) -> Request:
    """Wait until an order has ended; a server that is away for a moment is waited for."""
    return _await(lambda: request_of(server, run), lambda request: request.has_ended)


def await_backfill(server: Server, backfill: str) -> Standing:
    """Wait until a backfill has ended."""
    return _await(lambda: backfill_of(server, backfill), lambda standing: standing.advance.status != "running")


def request_of(server: Server, run: str) -> Request:
    """Give an order to run, and what has become of it."""
    found = server.get("runs", run)
    renamed = {"id": found.get("run"), "author": found.get("by"), "created_at": found.get("ordered_at")}
    return _value(server, Request, found | renamed | {"not_before": found.get("not_before") or found.get("ordered_at")})


def statistics(server: Server, environment: str | None, since_s: float) -> Statistics:
    """Say how well pipelines did."""
    found = server.get("stats", environment=environment, seconds=since_s)
    times = [_value(server, datetime, found.get(name)) for name in ("since", "until")]
    every = [_value(server, PipelineStats, each) for each in _list(server, found, "pipelines")]
    return Statistics(times[0], times[1], tuple(every))


def status(server: Server, environment: str) -> Status:
    """Say how an environment is, without what only a look at its sources tells."""
    found = server.get("environments", environment)
    nodes = [_node(server, each) for each in _list(server, found, "nodes")]
    deprecated = [_value(server, Deprecation, each) for each in _list(server, found, "deprecated")]
    return Status(
        environment=environment,
        release=found.get("release"),
        released_at=_value(server, datetime, at) if (at := found.get("released_at")) else None,
        nodes=tuple(nodes),
        deprecations=tuple(deprecated),
    )


def history(server: Server, environment: str, limit: int) -> tuple[Recorded, ...]:
    """List releases, newest first."""
    found = server.get("environments", environment, "releases", limit=limit)
    return tuple(_recorded(server, each) for each in _list(server, found, "releases"))


def incidents(server: Server, environment: str | None, *, closed: bool, limit: int) -> Listed:
    """List what is, or was, wrong, and what channels did not take."""
    found = server.get("incidents", environment=environment, open=not closed, limit=limit)
    every = [_incident(server, each) for each in _list(server, found, "incidents")]
    told = [_delivery(server, each) for each in _list(server, found, "undelivered")]
    return Listed(tuple(every), tuple(told))


def order_backfill(server: Server, environment: str, **asked: object) -> Standing:
    """Order a backfill."""
    return _standing(server, server.post("environments", environment, "backfills", **asked), _beyond)


def backfill_of(server: Server, backfill: str) -> Standing:
    """Say how far a backfill is."""
    return _standing(server, server.get("backfills", backfill), _failure)


def cancel_backfill(server: Server, backfill: str) -> Standing:
    """Cancel a backfill."""
    return _standing(server, server.post("backfills", backfill, "cancel"), _failure)


def backfills(server: Server, environment: str) -> tuple[Standing, ...]:
    """List the backfills of an environment, newest first."""
    found = server.get("backfills", environment=environment)
    return tuple(_standing(server, each, _failure) for each in _list(server, found, "backfills"))


def _runs(server: Server, limit: int, **asked: str | None) -> list[RunRecord]:
    found: list[RunRecord] = []
    after: str | None = None
    while len(found) < limit:
        page = server.get("runs", limit=min(_PAGE, limit - len(found)), after=after, **asked)
        found += [_run(server, each) for each in _list(server, page, "runs")]
        after = page.get("next")
        if after is None:
            break
    return found


def _await(look: Callable[[], _T], is_over: Callable[[_T], bool]) -> _T:
    seen = time.monotonic()
    while True:
        try:
            found = look()
        except UnreachableError:
            if time.monotonic() - seen > _AWAY_S:
                raise
        else:
            seen = time.monotonic()
            if is_over(found):
                return found
        time.sleep(_POLL_S)


def _run(server: Server, each: Mapping[str, Any]) -> RunRecord:
    return _value(server, RunRecord, {**each, "id": each.get("run"), "author": each.get("by")})


def _event(server: Server, run: RunRecord, each: Mapping[str, Any]) -> RunEvent:
    own = {"run": run.id, "environment": run.environment, "body": json.dumps(each.get("data", {}))}
    return _value(server, RunEvent, {**each, **own})


def _node(server: Server, each: Mapping[str, Any]) -> NodeStatus:
    last = each.get("last_run")
    unknown = {"node": each.get("node"), "slots": 0, "bytes": 0, "attempt": 1}
    return _value(server, NodeStatus, {**each, "last_run": {**unknown, **last} if last else None})


def _recorded(server: Server, each: Mapping[str, Any]) -> Recorded:
    release = _value(server, Release, {**each, "id": each.get("release"), "code": "", "parent": None})
    own = {name: each.get(name) for name in ("moved", "is_current", "can_return")}
    return Recorded(release=release, **own)  # type: ignore[arg-type]  # of the kinds that were sent


def _incident(server: Server, each: Mapping[str, Any]) -> Incident:
    body = {"run": each.get("run"), "hint": each.get("hint")}
    return _value(server, Incident, {**each, "id": each.get("incident"), "body": body})


def _delivery(server: Server, each: Mapping[str, Any]) -> Delivery:
    at = each.get("next_at") or each.get("ended_at")
    unknown = {"seq": 0, "channel": "", "created_at": at}
    return _value(server, Delivery, {**unknown, **each, "next_at": at})


def _standing(server: Server, each: Mapping[str, Any], remark: Callable[[str], Diagnostic]) -> Standing:
    advance = _value(server, Advance, each)
    own = {"id": each.get("backfill"), "created_at": each.get("ordered_at"), "author": each.get("by")}
    backfill = _value(server, Backfill, {"every_s": 0.0, "chunks": advance.total, **each, **own})
    return Standing(
        backfill=backfill, advance=advance, diagnostics=tuple(remark(str(said)) for said in each.get("remarks", ()))
    )


def _beyond(said: str) -> Diagnostic:
    return warning("HW1154", said)


def _failure(said: str) -> Diagnostic:
    return error("HW1155", said)


def _list(server: Server, document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _strange(server)
    return found


def _value(server: Server, kind: type[_T], document: object) -> _T:
    import msgspec

    try:
        found: _T = msgspec.convert(document, kind)
    except msgspec.ValidationError:
        raise _strange(server) from None
    return found


def _strange(server: Server) -> HeadwaterError:
    """Make the error of an answer that is not understood: of another version, or of no Headwater at all."""
    from headwater import __version__

    found = server.get("workers").get("workers")
    versions = (
        {str(each.get("version")) for each in found if isinstance(each, dict)} if isinstance(found, list) else set()
    )
    others = ", ".join(sorted(versions - {__version__}))
    if not others:
        return server.unlike("its answer is of another shape")
    return Broken.of("HW1115", f"{server.place} is Headwater {others[:100]}, this is {__version__}")
