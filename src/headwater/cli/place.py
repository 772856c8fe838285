"""Where the server is and who asks: its address, and a token that is never written on a command line."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from headwater.diagnostics import Invalid, Refused

ADDRESS: Final = "HEADWATER_SERVER"
TOKEN: Final = "HEADWATER_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE: Final = "HEADWATER_TOKEN_FILE"  # noqa: S105 - the name of a variable
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_TOKEN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server's address, and what opens it."""

    scheme: str
    host: str
    port: int
    base: str
    """Path below which the server is, behind a proxy; empty as a rule."""
    token: str = field(repr=False)

    def __str__(self) -> str:
        """The address, without secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.base}"


def place_of(url: str, environ: Mapping[str, str] = os.environ, *, insecure: bool = False) -> Place:
    """Read an address, and the token from the environment.

    Raises Invalid for what is no address or no token, Refused if the token would travel in the open and that is not
    wanted (``insecure``).
    """
    scheme, host, port, base = _address(url)
    place = Place(scheme=scheme, host=host, port=port, base=base, token=_token(environ))
    if scheme == "http" and not (insecure or _is_here(host)):
        hint = "use https:// (`headwater serve --tls-cert`, or a proxy), or --insecure in a network that you trust"
        raise Refused.of("HW1119", f"the token would travel to {host} in the open", hint=hint)
    return place


def _address(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid.of("HW1116", "the address of the server cannot be read") from None
    if "@" in parts.netloc:
        hint = f"the token stands in {TOKEN}, or in a file that {TOKEN_FILE} names"
        raise Invalid.of("HW1116", "the address of a server holds no user and no password", hint=hint)
    is_plain = url.isprintable() and host.isascii() and not (parts.query or parts.fragment)
    if parts.scheme not in _PORTS or not host or not is_plain:
        raise Invalid.of("HW1116", "the address of the server cannot be read")
    return parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/")


def _is_here(host: str) -> bool:
    """Whether only this machine can listen: nothing leaves it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(environ: Mapping[str, str]) -> str:
    given, path = environ.get(TOKEN, "").strip(), environ.get(TOKEN_FILE, "")
    if not given and path:
        given = _read(Path(path))
    if not given:
        raise Invalid.of("HW1118", "a server elsewhere wants a token, and there is none")
    if not (given.isascii() and given.isprintable() and " " not in given and len(given) <= _LONGEST_TOKEN):
        raise Invalid.of("HW1118", f"what {TOKEN if environ.get(TOKEN) else TOKEN_FILE} holds is no token")
    return given


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(_LONGEST_TOKEN + 2).strip()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise Invalid.of("HW1118", f"the file that {TOKEN_FILE} names cannot be read: {why}") from None
