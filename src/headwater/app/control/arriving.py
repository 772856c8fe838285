"""Takes in what happens elsewhere: signed webhooks, and messages; pipelines that wait for them run."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from headwater.app.control.ordering import released
from headwater.app.secrets import resolve
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError, Invalid, suggest
from headwater.graph.values import Graph
from headwater.project.names import shown
from headwater.schedule.triggers import leaves
from headwater.spec.schedules import Trigger
from headwater.state import audit
from headwater.state.arrivals import ArrivalKind, add_arrival, forget_arrivals

FRESH_S: Final = 300.0
"""How far the time of a webhook may be from ours."""
_REMEMBERED: Final = timedelta(seconds=3 * FRESH_S)
"""What came so long ago is too old to come again, and can be forgotten."""
_KEPT: Final = 100
_SIGNATURE: Final = re.compile(r"sha256=([0-9a-f]{64})")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of a webhook or message."""

    is_new: bool
    """False: it came before, and nothing was done."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A webhook that is not to be believed; ``reason`` is for us, not for who sent it."""

    reason: str


@dataclass(slots=True)
class Allowance:
    """So many audit entries at once, and then one a while: whoever knocks for ever does not fill the disk."""

    burst: int = 20
    every_s: float = 60.0
    passed: int = 0
    """How many were not noted since the last that was."""
    _left: float = field(default=-1.0)
    _last: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def take(self, now: datetime) -> int | None:
        """Say how many were passed over since the last one, if one may be noted now; else None."""
        with self._lock:
            gone_s = max(0.0, (now - self._last).total_seconds()) if self._last else 0.0
            self._left = min(self.burst, self._left + gone_s / self.every_s) if self._left >= 0 else self.burst
            self._last = now
            if self._left < 1:
                self.passed += 1
                return None
            self._left -= 1
            passed, self.passed = self.passed, 0
            return passed


def receive_webhook(
    workspace: Workspace, environment: str, name: str, *, timestamp: str, signature: str, body: bytes
) -> Arrived | NotTaken:
    """Take a webhook that is signed by the secret of a pipeline that waits for it, now, and for the first time.

    ``signature`` is ``sha256=`` and the HMAC of timestamp (seconds since 1970), a full stop, and the body.
    """
    reason = _untrusted(workspace, environment, name, timestamp, signature, body)
    if reason:
        return NotTaken(reason)
    return _take(workspace, environment, "webhook", name, signature, body.decode("utf-8", "backslashreplace"))


def note_refused(workspace: Workspace, environment: str, name: str, reason: str, passed: int) -> None:
    """Leave an audit entry of a webhook that was not taken, with how many before it were not even noted."""
    document = {"environment": shown(environment), "webhook": shown(name), "reason": reason, "passed_over": passed}
    with workspace.db.write() as connection:
        audit.append(connection, "webhook refused", document, workspace.effects.clock())


def receive_message(
    workspace: Workspace, environment: str, name: str, body: str, *, by: str, key: str | None = None
) -> Arrived:
    """Take a message; ``key`` makes it one that comes once. Raises Invalid if no pipeline waits for it."""
    graph = released(workspace, environment)
    awaited = {trigger.name for trigger in _triggers(graph, "message")}
    if name not in awaited:
        hint = suggest(name[:100], awaited) or "a pipeline waits for it by `when: {message: NAME}`"
        raise Invalid.of("HW1089", f"no pipeline of `{environment}` waits for the message `{shown(name)}`", hint=hint)
    with workspace.db.write() as connection:
        done = _take(workspace, environment, "message", name, key or workspace.effects.token(), body)
        if done.is_new:
            document = {"environment": environment, "message": name, "by": by}
            audit.append(connection, "message sent", document, workspace.effects.clock())
    return done


def _take(workspace: Workspace, environment: str, kind: ArrivalKind, name: str, nonce: str, body: str) -> Arrived:
    now = workspace.effects.clock()
    with workspace.db.write():
        forget_arrivals(workspace.db, environment, kind, name, now - _REMEMBERED, _KEPT)
        return Arrived(add_arrival(workspace.db, environment, kind, name, nonce, now, body) is not None)


def _untrusted(workspace: Workspace, environment: str, name: str, timestamp: str, signature: str, body: bytes) -> str:
    """Say why a webhook is not to be believed; empty if it is. Nothing is looked up that its sender could measure."""
    given, secrets = _SIGNATURE.fullmatch(signature), _secrets(workspace, environment, name)
    sent = f"{timestamp}.".encode("utf-8", "replace") + body
    keys = [secret.encode() for secret in secrets] or [b"nobody's"]
    right = [hmac.compare_digest(_signed(key, sent), given[1] if given else "") for key in keys]
    if not secrets:
        return "no pipeline waits for it, or its secret has no value here"
    if not any(right):
        return "the signature is wrong"
    if not _TIMESTAMP.fullmatch(timestamp):
        return "the timestamp is none"
    away_s = abs(workspace.effects.clock().timestamp() - int(timestamp))
    return "" if away_s <= FRESH_S else "the timestamp is too old, or in the future"


def _signed(key: bytes, sent: bytes) -> str:
    return hmac.new(key, sent, hashlib.sha256).hexdigest()


def _secrets(workspace: Workspace, environment: str, name: str) -> list[str]:
    """Give the values of the secrets with which a webhook may be signed; an empty one is none."""
    try:
        awaited = [each for each in _triggers(released(workspace, environment), "webhook") if each.name == name]
        found = {str(resolve(each.secret, workspace.root)) for each in awaited if each.secret}
    except HeadwaterError:
        return []
    return sorted(found - {""})


def _triggers(graph: Graph, kind: str) -> Iterator[Trigger]:
    for pipeline in graph.pipelines:
        if pipeline.when is not None:
            yield from (each for each in leaves(pipeline.when) if each.kind == kind)
