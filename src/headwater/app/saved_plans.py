"""A plan in a file: what was reviewed is what is applied, or nothing is."""

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headwater.diagnostics import Broken, Invalid, Refused
from headwater.graph.encoding import decode, encode
from headwater.graph.values import Graph
from headwater.plan.values import Plan
from headwater.spec.addresses import address
from headwater.spec.project import Environment

FORMAT = 1


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
    _write(path, {**document, "digest": _digest(document), "approvals": []})


def approve_plan(path: Path, by: str) -> SavedPlan:
    """Add somebody's approval to a plan; Refused if that somebody made it."""
    saved, document = read_plan(path), _document(path)
    if by == saved.by:
        raise Refused.of("HW0575", "a plan is approved by somebody else than who made it")
    document["approvals"] = sorted({*saved.approvals, by})
    _write(path, document)
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
        raise Broken.of("HW0573", f"`{path}` was written by a newer Headwater", hint="install that version")
    if document.get("digest") != _digest(document):
        hint = "plans are not edited: change the project and run `headwater plan --out FILE` again"
        raise Invalid.of("HW0574", f"the plan `{path}` was changed after it was made", hint=hint)
    return SavedPlan(
        environment=document["environment"],
        base=document["base"],
        graph=decode(zlib.decompress(base64.b64decode(document["code"]))),
        commit=document["commit"],
        is_clean=document["is_clean"],
        by=document["by"],
        approvals=tuple(document.get("approvals", ())),
        digest=document["digest"],
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as problem:
        raise Invalid.of("HW0571", f"the plan `{path}` cannot be read: {problem.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid.of(
            "HW0572", f"`{path}` is not a plan", hint="make one with `headwater plan --out FILE`"
        ) from None


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    except OSError as problem:
        raise Broken.of("HW0570", f"the plan cannot be written to `{path}`: {problem.strerror}") from None


def _digest(document: dict[str, Any]) -> str:
    rest = {key: value for key, value in document.items() if key not in {"digest", "approvals"}}
    return address(msgspec.json.encode(rest, order="sorted").decode())
