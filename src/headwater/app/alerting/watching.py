"""A server's part in alerts: looks at environments while it leads, tells by itself when the state is in trouble."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from headwater.app.alerting.delivering import DeliveryThread, Send, alerts_of, send_now
from headwater.app.alerting.emergency import Emergency
from headwater.app.alerting.facts import Memory, Trouble
from headwater.app.alerting.looking import look
from headwater.app.alerting.problems import channel_problems
from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic
from headwater.state.alert_facts import code_of
from headwater.state.connections import Connection
from headwater.state.environments import environments
from headwater.state.leases import require


@dataclass(slots=True)
class Watch:
    """What a server hands its leader. Its methods are called by one thread; messages go out by others."""

    workspace: Workspace
    send: Send = send_now
    memory: Memory = field(default_factory=Memory)
    emergency: Emergency = field(init=False)

    def __post_init__(self) -> None:
        self.emergency = Emergency(self.workspace.settings.project, self.workspace.root, self.send)

    def look(
        self,
        environment: str,
        now: datetime,
        *,
        lease: tuple[str, int] | None = None,
        troubles: Iterable[Trouble] = (),
    ) -> bool:
        """Look at an environment; True if something was written. ``lease``: name and fence that must still be ours."""
        db = self.workspace.db
        with db.read() as connection:
            code = code_of(connection, environment)
        graph = previous_graph(db, code)
        if graph is None:
            return False
        self.emergency.learn(environment, graph.alerts)

        def guard(connection: Connection) -> None:
            if lease is not None:
                require(connection, *lease)

        token = self.workspace.effects.token
        return look(db, graph, environment, now, token=token, memory=self.memory, troubles=tuple(troubles), guard=guard)

    def trouble(self, problem: str, now: datetime) -> None:
        """Tell that the state cannot be used, past the outbox, which lies in it."""
        self.emergency.trouble(problem, now)

    def well(self, now: datetime) -> None:
        """Tell those that it can be used again; nothing if it could all the time."""
        self.emergency.well(now)

    def delivery(self) -> DeliveryThread:
        """Give the thread that empties the outbox, not yet started."""
        return DeliveryThread(self.workspace, self.send)

    def problems(self) -> list[Diagnostic]:
        """Say, before anything goes wrong, which channels of all environments could not be written to from here."""
        db = self.workspace.db
        alerts = {each: None for row in environments(db) for each in alerts_of(db, row.name)}
        return list(dict.fromkeys(channel_problems(alerts, self.workspace.root)))
