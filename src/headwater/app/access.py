"""Who may use the API: tokens are made, listed, revoked, and what a caller shows is recognised by them."""

import hashlib
import hmac
import os
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from headwater.app.workspace import Workspace
from headwater.diagnostics import Broken, Conflict, Invalid, suggest
from headwater.project.names import shown
from headwater.state import audit
from headwater.state.tokens import ROLES, Role, Token, add_token, find_token, revoke_token, tokens

__all__ = ["ROLES", "Caller", "Made", "Role", "Token", "local_token", "make", "may", "recognise", "revoke", "tokens"]

_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"hw_([A-Za-z0-9]{1,40})_([0-9a-f]{64})")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_LONGEST_S: Final = 10 * 366 * 86400.0
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who has shown a token that is good."""

    token: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Made:
    """A new token. ``secret`` is what its holder sends; nobody can ever read it again."""

    token: Token
    secret: str


def make(
    workspace: Workspace,
    name: str,
    role: Role,
    *,
    lasts_s: float | None = None,
    by: str = "",
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Made:
    """Make a token; Invalid for a name that cannot be, Conflict if a living token has that name."""
    if not _NAME.fullmatch(name):
        raise Invalid.of("HW1080", f"a token cannot have the name `{shown(name)}`")
    if lasts_s is not None and not 0 < lasts_s <= _LONGEST_S:
        raise Invalid.of("HW1084", "a token lasts longer than nothing, and ten years at most")
    effects, author = workspace.effects, by or workspace.user
    now, key = effects.clock(), random_bytes(_SECRET_BYTES)
    with workspace.db.write() as connection:
        if any(each.name == name and each.is_live(now) for each in tokens(workspace.db)):
            hint = f"revoke it first (`headwater token revoke {name}`), or take another name"
            raise Conflict.of("HW1081", f"there is a token `{name}` already", hint=hint)
        token = Token(
            id=re.sub(r"[^A-Za-z0-9]", "", effects.token()),
            name=name,
            role=role,
            hash=_hash(key.hex()),
            created_at=now,
            author=author,
            expires_at=now + timedelta(seconds=lasts_s) if lasts_s is not None else None,
        )
        add_token(workspace.db, token)
        document = {"token": token.id, "name": name, "role": role, "by": author}
        audit.append(connection, "token created", document, now)
    return Made(token, f"hw_{token.id}_{key.hex()}")


def revoke(workspace: Workspace, name: str, *, by: str = "") -> Token:
    """Take a living token away, by its name or id; Invalid if there is none."""
    now = workspace.effects.clock()
    with workspace.db.write() as connection:
        living = [each for each in tokens(workspace.db) if each.is_live(now)]
        found = next((each for each in living if name in {each.id, each.name}), None)
        if found is None:
            hint = suggest(name[:100], (each.name for each in living))
            raise Invalid.of("HW1082", f"there is no living token `{shown(name)}`", hint=hint)
        revoke_token(workspace.db, found.id, now)
        document = {"token": found.id, "name": found.name, "by": by or workspace.user}
        audit.append(connection, "token revoked", document, now)
    return found


def recognise(workspace: Workspace, given: str) -> Caller | None:
    """Say whose token that is; None if it is none, or good no more; no time tells how wrong it is.

    The token is looked up by the part of it that is no secret; the rest is compared by hash, in constant time.
    """
    form = _FORM.fullmatch(given)
    if form is None:
        return None
    found = find_token(workspace.db, form[1])
    is_right = hmac.compare_digest(found.hash if found else "", _hash(form[2]))
    if found is None or not is_right or not found.is_live(workspace.effects.clock()):
        return None
    return Caller(token=found.id, name=found.name, role=found.role)


def may(role: Role, needed: Role) -> bool:
    """Whether a role allows what another one is needed for.

    >>> may("admin", "viewer"), may("viewer", "operator")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(needed)


def local_token(workspace: Workspace) -> str:
    """Give the token of this machine's own commands, from a file that only the project's user can read.

    It is made anew where it is missing, or good no more. Raises Broken if the file cannot be written.
    """
    path = local_token_file(workspace)
    if (kept := _read(path)) and recognise(workspace, kept):
        return kept
    with workspace.db.write():  # of two servers that start at once, the second finds the first one's
        if (kept := _read(path)) and recognise(workspace, kept):
            return kept
        name = f"local@{re.sub(r'[^A-Za-z0-9._-]', '-', socket.gethostname())[:80]}"
        now = workspace.effects.clock()
        if any(each.name == name and each.is_live(now) for each in tokens(workspace.db)):
            revoke(workspace, name)
        made = make(workspace, name, "admin")
        _write(path, made.secret)
    return made.secret


def local_token_file(workspace: Workspace) -> Path:
    """Where this machine's own commands find their token."""
    return workspace.root / ".headwater" / "token"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _write(path: Path, secret: str) -> None:
    """Write it where nobody else could read it, at any moment, and put it in place whole."""
    beside = path.with_name(f"token.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
        beside.replace(path)
    except OSError as problem:
        hint = "the project's user must be able to write there"
        raise Broken.of("HW1083", f"`{path}` cannot be written: {problem.strerror}", hint=hint) from None


def _hash(secret: str) -> str:
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()
