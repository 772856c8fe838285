"""Serves the API: opens the port, and answers from a thread of its own until it is stopped."""

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.app.access import local_token
from headwater.app.workspace import Effects, open_workspace
from headwater.diagnostics import Broken, Invalid
from headwater.web.routing import Limits, Services

if TYPE_CHECKING:
    import uvicorn

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_STOP_S: Final = 5.0
"""How long answers that are under way may take once the server is to stop."""
_BACKLOG: Final = 512
_CONNECTIONS: Final = 1000
_LOG: Final = logging.getLogger("headwater.web")


@dataclass(slots=True)
class Running:
    """The API, as it answers at ``url``."""

    url: str
    _server: "uvicorn.Server"
    _thread: threading.Thread
    _open: ExitStack
    _stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Answer what is under way, for a few seconds, and close the port. A second call does nothing."""
        self._stopping.set()
        self._server.should_exit = True
        self._thread.join(_STOP_S * 2)
        self._open.close()

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at that address."""
    return host in LOOPBACK


def start_api(
    root: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    open_metrics: bool = False,
    limits: Limits | None = None,
    effects: Effects | None = None,
) -> Running:
    """Answer at an address from now on, in a thread; port 0 takes a free one.

    The token of this machine's own commands is made if it is missing. Raises Invalid if the certificate cannot be
    used, Broken if the port cannot be had or a package is missing.
    """
    app_of = _application()
    with ExitStack() as opened:
        listening = opened.enter_context(_listen(host, port))
        workspace = opened.enter_context(open_workspace(root, effects=effects))
        local_token(workspace)
        stopping = threading.Event()
        services = Services(
            workspace=workspace,
            limits=limits or Limits(),
            hosts=LOOPBACK if is_loopback(host) else None,
            open_metrics=open_metrics,
            is_stopping=stopping.is_set,
        )
        server = _server(app_of(services), tls_cert, tls_key)
        thread = threading.Thread(target=_run, args=(server, listening), name="api", daemon=True)
        thread.start()
        url = _url("https" if tls_cert else "http", host, listening)
        if not tls_cert and not is_loopback(host):
            _LOG.warning("other machines reach the API at %s without TLS: tokens can be read on the way", url)
        return Running(url, server, thread, opened.pop_all(), stopping)


def _application() -> "Callable[[Services], object]":
    try:
        from headwater.web.app import make_app
    except ImportError as problem:
        hint = "`pip install 'headwater[serve]'`"
        raise Broken.of("HW1095", f"the API needs the package `{problem.name}`", hint=hint) from None
    return make_app


def _server(app: object, tls_cert: Path | None, tls_key: Path | None) -> "uvicorn.Server":
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application, as uvicorn's own types do not say it
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(_STOP_S),
        ssl_certfile=str(tls_cert) if tls_cert else None,
        ssl_keyfile=str(tls_key) if tls_key else None,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as problem:
        message = f"the certificate `{tls_cert}` cannot be used: {getattr(problem, 'strerror', None) or problem}"
        raise Invalid.of("HW1096", message, hint="both files in PEM form, the key without a password") from None
    return uvicorn.Server(config)


def _run(server: "uvicorn.Server", listening: socket.socket) -> None:
    try:
        server.run(sockets=[listening])
    except Exception:  # noqa: BLE001 - told in the log; the server goes on without its API
        _LOG.exception("the API has ended")


def _listen(host: str, port: int) -> socket.socket:
    """Open the port before anything else, so that one that is taken is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio knows it for TCP, and sends small answers at once.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_BACKLOG)
    except (OSError, OverflowError) as problem:
        made.close()
        why = getattr(problem, "strerror", None) or str(problem)
        hint = "another server may run there: choose another `--port`"
        raise Broken.of("HW1097", f"nothing can be served at {host}:{port}: {why}", hint=hint) from None
    return made


def _url(scheme: str, host: str, listening: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{listening.getsockname()[1]}"
