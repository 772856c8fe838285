"""Which charters a site answers under: those that its operator approved, or, without borders, whichever it is given."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from headwater.app.site import auditing
from headwater.app.site.homes import Home, open_home
from headwater.connect.durable import put_over
from headwater.diagnostics import Invalid
from headwater.policy.charters import Charter, decode, digest

_WITHDRAWN: Final = ".withdrawn"
_MOST_UNAPPROVED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A charter that somebody has approved for a site."""

    charter: str
    """Its digest."""
    by: str
    at: str
    """When, as ISO 8601 in UTC."""
    bordered: bool
    """Whether it knows of more than one law."""


def approve(home: Path, charter: bytes, by: str, at: datetime) -> Approval:
    """Let a site answer under a charter from now on; Invalid (HW1269) if these bytes are none."""
    opened, found = open_home(home), read_charter(charter)
    approval = Approval(charter=digest(found), by=by, at=at.isoformat(), bordered=bool(found.places))
    document = {"charter": approval.charter, "by": by, "at": approval.at, "bordered": approval.bordered}
    auditing.append(opened, "approved", document, at)
    put_over(opened.approved / approval.charter, charter)
    put_over(_record(opened, approval.charter), json.dumps(document).encode())
    return approval


def approved(home: Path) -> tuple[Approval, ...]:
    """List what is approved at a site, oldest first; a home that is not there has approved nothing."""
    found = (_read(path) for path in (home / "approved").glob("*.json"))
    return tuple(sorted(found, key=lambda each: (each.at, each.charter)))


def withdraw(home: Path, charter: str, by: str, at: datetime) -> None:
    """Have a site answer under a charter no longer; Invalid (HW1269) if it is not approved."""
    opened = open_home(home)
    record = _record(opened, charter)
    if charter not in {each.charter for each in approved(home)}:
        hint = "`headwater sites` shows what is approved"
        raise Invalid.of("HW1269", f"no charter `{charter}` is approved at this site", hint=hint)
    auditing.append(opened, "withdrawn", {"charter": charter, "by": by}, at)
    record.replace(record.with_suffix(_WITHDRAWN))


def read_charter(content: bytes) -> Charter:
    """Read a charter; Invalid (HW1269) if these bytes are none, or one under a law that this version does not know."""
    try:
        return decode(content)
    except (ValueError, RecursionError):
        hint = "`headwater sites approve` takes the charter from the project; both must be of one version of Headwater"
        raise Invalid.of("HW1269", "this is no charter that can be read", hint=hint) from None


def admitted(home: Home, charter: str) -> Charter | None:
    """Give the charter of a digest if the site may answer under it; None if it may not.

    What has no borders stands under one law and one owner, who needs nobody's leave: a site takes it as it comes,
    but only for as long as it has never approved one with borders, even if that was withdrawn.
    """
    content = _content(home, charter)
    if content is None:
        return None
    found = read_charter(content)
    if digest(found) != charter:
        return None
    if charter in {each.charter for each in approved(home.path)}:
        return found
    return None if found.places or _knows_borders(home) else found


def take_in(home: Home, content: bytes) -> bool:
    """Keep a charter that was sent along, if it may be answered under unapproved; say whether it may be."""
    found = read_charter(content)
    charter = digest(found)
    if admitted(home, charter) is not None:
        return True
    if found.places or _knows_borders(home):
        return False
    put_over(home.approved / charter, content)
    _forget_old(home)
    return True


def _forget_old(home: Home) -> None:
    """Keep the last of those that nobody approved: each change of a source brings another one."""
    named = {path.stem for path in home.approved.glob("*.*")}
    loose = [path for path in home.approved.iterdir() if path.name not in named and not path.suffix]
    for path in sorted(loose, key=lambda each: each.stat().st_mtime)[:-_MOST_UNAPPROVED]:
        path.unlink(missing_ok=True)


def _content(home: Home, charter: str) -> bytes | None:
    path = home.approved / charter
    if not (charter.isalnum() and path.is_file()):
        return None
    return path.read_bytes()


def _knows_borders(home: Home) -> bool:
    records = (*home.approved.glob("*.json"), *home.approved.glob(f"*{_WITHDRAWN}"))
    return any(_read(path).bordered for path in records)


def _record(home: Home, charter: str) -> Path:
    return home.approved / f"{charter}.json"


def _read(path: Path) -> Approval:
    """Read who approved a charter; a record that cannot be read approves nothing, so it is an error."""
    try:
        return Approval(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        message = f"the approval {path} cannot be read"
        raise Invalid.of("HW1269", message, hint="delete it, and approve the charter again") from None
