"""Signed checkpoints of the audit chains: what they held at a moment, for those who do not trust this machine later.

A checkpoint is signed with an Ed25519 key; whoever has the public key can check it, without any secret.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.app.auditing import broken, chain_of, chain_states, local_sites
from headwater.app.secrets import resolve
from headwater.app.settings import PROJECT_FILE
from headwater.app.workspace import Workspace
from headwater.connect.durable import explained
from headwater.diagnostics import Broken, Diagnostic, Invalid, Where, error
from headwater.project.loading import read_audit
from headwater.spec.addresses import HUB

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KIND: Final = "audit checkpoint"
_VERSION: Final = 1
_KEY_BYTES: Final = 32
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was signed, by whom."""

    text: str
    """The text that the signature is of: JSON."""
    signature: str
    public_key: str
    """Both in hexadecimal digits."""
    at: str
    chains: Mapping[str, tuple[int, str]]
    """Site → how many entries its chain had, and the hash of the last."""

    @property
    def content(self) -> bytes:
        """The file."""
        document = {"signed": self.text, "signature": self.signature, "public_key": self.public_key}
        return json.dumps(document, indent=1).encode() + b"\n"


def make_checkpoint(workspace: Workspace) -> Checkpoint:
    """Sign how the chains stand now, with the key of headwater.yaml.

    Raises Broken (HW1280) if a chain does not hold: nobody should vouch for it; Invalid (HW1284, HW1289) if there
    is nothing to sign with.
    """
    states = list(chain_states(workspace))
    wrong = [each for state in states for each in broken(state)]
    if wrong:
        raise Broken(*wrong)
    key = _signing_key(workspace)
    chains = {state.site: (state.entries, state.hash) for state in states}
    at = workspace.effects.clock().isoformat(timespec="seconds")
    said = {
        "headwater": _KIND,
        "version": _VERSION,
        "project": workspace.settings.project,
        "at": at,
        "chains": {site: {"entries": count, "hash": digest} for site, (count, digest) in chains.items()},
    }
    text = json.dumps(said, separators=(",", ":"))
    public = key.public_key().public_bytes_raw().hex()
    return Checkpoint(text=text, signature=key.sign(text.encode()).hex(), public_key=public, at=at, chains=chains)


def read_checkpoint(path: Path, public_key: str = "") -> Checkpoint:
    """Read a checkpoint and check its signature, by ``public_key`` if it is given, else by the one in the file.

    Raises Invalid (HW1283) if it is none, or is not signed with that key.
    """
    with explained("HW1283", f"read {path}"), path.open("rb") as file:
        content = file.read(_MOST_BYTES)
    found = _read(content, path)
    if public_key and public_key.strip().casefold() != found.public_key.casefold():
        raise _untrusted(path, f"is signed with the key {found.public_key}, not with the one that was given")
    if not _is_signed(found):
        raise _untrusted(path, "is not signed with the key that it names")
    return found


def still_holds(workspace: Workspace, checkpoint: Checkpoint) -> Iterator[Diagnostic]:
    """Say which chains no longer begin with what was signed: something was cut off, changed or rewritten."""
    here = {HUB, *local_sites(workspace.root)}
    for site, (count, digest) in checkpoint.chains.items():
        chain = chain_of(workspace, site) if site in here else ()
        hashes = [each for _, each in islice(chain, count)]
        if len(hashes) < count:
            message = f"the audit chain of `{site}` had {count} entries at {checkpoint.at}, and has {len(hashes)} now"
            yield error("HW1282", message, hint="entries were cut off, or the chain was begun anew")
        elif count and hashes[-1] != digest:
            message = f"entry {count} of the audit chain of `{site}` is not the one that was signed at {checkpoint.at}"
            yield error("HW1282", message, hint="it, or one before it, was changed, and what follows was rewritten")


def _signing_key(workspace: Workspace) -> "Ed25519PrivateKey":
    with explained("HW0533", f"read {PROJECT_FILE}"):
        text = (workspace.root / PROJECT_FILE).read_text(encoding="utf-8-sig", errors="replace")
    wanted, problems = read_audit(text)
    if problems:
        raise Invalid.from_all(problems)
    where = Where(PROJECT_FILE)
    if not wanted.secret:
        hint = 'write `audit: {secret: "${env:AUDIT_KEY}"}`; `openssl genpkey -algorithm ed25519` makes one'
        raise Invalid.of("HW1284", f"{PROJECT_FILE} names no key that signs checkpoints", where, hint=hint)
    secret = str(resolve(wanted.secret, workspace.root, where))
    key = _private_key(secret)
    if key is None or secret == wanted.secret:
        hint = "a private Ed25519 key: PEM without a passphrase, or 64 hexadecimal digits; `audit.secret` refers to it"
        raise Invalid.of("HW1284", "what `audit.secret` refers to cannot sign checkpoints", where, hint=hint)
    return key


def _private_key(secret: str) -> "Ed25519PrivateKey | None":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise _needs_package() from None
    try:
        seed = bytes.fromhex(secret.strip())
        return Ed25519PrivateKey.from_private_bytes(seed) if len(seed) == _KEY_BYTES else None
    except ValueError:
        pass
    try:
        found = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, Ed25519PrivateKey) else None


def _is_signed(checkpoint: Checkpoint) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise _needs_package() from None
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint.public_key))
        key.verify(bytes.fromhex(checkpoint.signature), checkpoint.text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(content: bytes, path: Path) -> Checkpoint:
    try:
        document: Any = json.loads(content)
        said: Any = json.loads(document["signed"])
        is_known = said["headwater"] == _KIND and said["version"] == _VERSION
        found = Checkpoint(
            text=document["signed"],
            signature=str(document["signature"]),
            public_key=str(document["public_key"]),
            at=str(said["at"]),
            chains={str(site): (int(one["entries"]), str(one["hash"])) for site, one in said["chains"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_known = False
    if not is_known:
        raise _untrusted(path, "is no checkpoint that this version can read")
    return found


def _untrusted(path: Path, why: str) -> Invalid:
    hint = "`headwater audit checkpoint` makes them; ask whoever signed it for the public key"
    return Invalid.of("HW1283", f"`{path}` {why}", hint=hint)


def _needs_package() -> Invalid:
    return Invalid.of("HW1289", "signatures need the package `cryptography`", hint="`pip install 'headwater[audit]'`")
