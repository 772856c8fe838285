"""Webhooks: what others post is taken if it is signed and from now; else only the audit chain is told why."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from headwater.app.control.arriving import Allowance, Arrived, NotTaken, note_refused, receive_webhook
from headwater.web.endpoint import Threads, encoded
from headwater.web.outside import ArrivedAnswer
from headwater.web.reading import body_bytes, path_of
from headwater.web.refusing import Refusal
from headwater.web.routing import Services


@dataclass(slots=True)
class Hooks:
    """Takes webhooks in."""

    services: Services
    threads: Threads
    allowance: Allowance = field(default_factory=Allowance)

    async def answer(self, request: Request) -> Response:
        """Take one: 202, or 200 if it came before; Refusal with 401 if it is not to be believed."""
        path = path_of(request.path_params)
        body = await body_bytes(request, self.services.limits.body_bytes)
        done = await self.threads(lambda: self._receive(path, request, body))
        return encoded(ArrivedAnswer(accepted=done.is_new, duplicate=not done.is_new), 202 if done.is_new else 200)

    def _receive(self, path: dict[str, str], request: Request, body: bytes) -> Arrived:
        workspace, headers = self.services.workspace, request.headers
        done = receive_webhook(
            workspace,
            path["environment"],
            path["name"],
            timestamp=headers.get("headwater-timestamp", ""),
            signature=headers.get("headwater-signature", ""),
            body=body,
        )
        if isinstance(done, NotTaken):
            passed = self.allowance.take(workspace.effects.clock())
            if passed is not None:
                note_refused(workspace, path["environment"], path["name"], done.reason, passed)
            hint = "sign `TIMESTAMP.BODY` with its secret, and send it at once; the server's audit entries say more"
            raise Refusal.of(401, "HW1098", "the webhook is not known, or not signed as it must be", hint=hint)
        return done
