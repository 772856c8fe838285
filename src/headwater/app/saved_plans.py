"""A plan in a file: what was reviewed is what is applied, or nothing is."""

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.diagnostics import Broken, Invalid, Refused
from headwater.graph.encoding import decode, encode
from headwater.graph.values import Graph
from headwater.plan.values import Plan
from headwater.spec.addresses import address
from headwater.spec.project import Environment

FORMAT = 1
_MAKE: Final = "make one with `headwater plan --out FILE`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What a plan file holds: where it leads (the whole compiled code), and the code it stands on."""

    environment: str
    base: str
    graph: Graph
    commit: str
    is_clean: bool
    """Whether it was made from a clean Git tree."""
    by: str
    approvals: tuple[str, ...]
    """Who has approved it, besides its author."""
    digest: str


def write_plan(path: Path, plan: Plan, *, by: str, commit: str, is_clean: bool, summary: Any) -> None:
    """Write a plan; ``summary`` (its steps, for people) is kept beside what matters."""
    code = base64.b64encode(zlib.compress(encode(plan.graph), 9)).decode()
    document = {
        "format": FORMAT,
        "environment": plan.environment,
        "base": plan.base,
        "commit": commit,
        "is_clean": is_clean,
        "by": by,
        "summary": summary,
        "code": code,
    }
    _write(path, _sealed({**document, "digest": _digest(document), "approvals": []}))


def approve_plan(path: Path, by: str) -> SavedPlan:
    """Add somebody's approval to a plan; Refused if that somebody made it."""
    saved, document = read_plan(path), _document(path)
    if by == saved.by:
        raise Refused.of("HW0575", "a plan is approved by somebody else than who made it")
    document["approvals"] = sorted({*saved.approvals, by})
    _write(path, _sealed(document))
    return read_plan(path)


def require_allowed(environment: Environment | None, saved: SavedPlan | None) -> None:
    """Refuse to apply to a protected environment what was not planned, committed and approved."""
    if environment is None or not environment.protected:
        return
    name = environment.name
    if saved is None:
        hint = f"`headwater plan --env {name} --out FILE`, look at it, then `headwater apply FILE`"
        raise Refused.of("HW0547", f"`{name}` is protected: only a saved plan can be applied to it", hint=hint)
    if not saved.is_clean:
        hint = "commit your changes and plan again"
        raise Refused.of("HW0548", f"`{name}` is protected, and the plan was made from uncommitted files", hint=hint)
    if len(saved.approvals) < environment.approvals:
        message = f"`{name}` needs {environment.approvals} approvals, the plan has {len(saved.approvals)}"
        raise Refused.of("HW0549", message, hint="somebody else runs `headwater apply FILE --approve`")


def read_plan(path: Path) -> SavedPlan:
    """Read a plan; Invalid if it is none, was edited, or comes from a newer version."""
    document = _document(path)
    if isinstance(document.get("format"), int) and document["format"] > FORMAT:
        hint = "install that version, or a newer one"
        raise Broken.of("HW0573", f"`{path}` was written by a newer Headwater", hint=hint)
    if document.get("digest") != _digest(document) or document.get("seal") != _seal(document):
        raise _edited(path)
    try:
        return _decoded(document)
    except (KeyError, TypeError, ValueError, zlib.error) as problem:
        raise _edited(path) from problem


def _edited(path: Path) -> Invalid:
    hint = "plans are not edited: change the project and run `headwater plan --out FILE` again"
    return Invalid.of("HW0574", f"the plan `{path}` was changed after it was made", hint=hint)


def _decoded(document: dict[str, Any]) -> SavedPlan:
    fields = {name: document[name] for name in ("environment", "base", "commit", "is_clean", "by", "digest")}
    code = zlib.decompress(base64.b64decode(document["code"]))
    whole = {**fields, "graph": decode(code), "approvals": tuple(document["approvals"])}
    return msgspec.convert(whole, SavedPlan, from_attributes=True)


def _document(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as problem:
        raise Invalid.of("HW0571", f"the plan `{path}` cannot be read: {problem.strerror}", hint=_MAKE) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid.of("HW0572", f"`{path}` is not a plan", hint=_MAKE) from None


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    except OSError as problem:
        hint = "name a file in a directory that exists and that you may write to"
        raise Broken.of("HW0570", f"the plan cannot be written to `{path}`: {problem.strerror}", hint=hint) from None


def _digest(document: dict[str, Any]) -> str:
    rest = {key: value for key, value in document.items() if key not in {"digest", "approvals", "seal"}}
    return address(msgspec.json.encode(rest, order="sorted").decode())


def _sealed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "seal": _seal(document)}


def _seal(document: dict[str, Any]) -> str:
    """Approvals come after the plan was made: a digest of their own lets an edit of them be seen, too."""
    return address(str(document.get("digest")), msgspec.json.encode(document.get("approvals")).decode())
