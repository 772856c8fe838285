"""Environments: made from a parent or after a template, listed, compared, deleted; and whether a name is one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headwater.app.contexts import WAIT_S, previous_graph
from headwater.app.declared import load_project
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, Refused, suggest
from headwater.graph.values import Graph
from headwater.plan.reasons import changed_columns
from headwater.project.names import place_problem, shown
from headwater.run.leasing import hold
from headwater.spec.addresses import Slot
from headwater.spec.project import Environment
from headwater.spec.releases import Head, SlotKey
from headwater.state.documents import deletion_document
from headwater.state.environments import create, delete, environments
from headwater.state.heads import read_head
from headwater.state.requests import cancel_all


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSummary:
    """An environment as a list shows it. ``created_at`` is None for one that is declared, but was never written."""

    name: str
    is_declared: bool
    protected: bool = False
    parent: str | None = None
    like: str | None = None
    created_at: datetime | None = None
    expires: datetime | None = None
    is_expired: bool = False
    release: str | None = None
    released_at: datetime | None = None
    nodes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDifference:
    """How a node of two environments differs; ``because`` names the columns, where both versions are known."""

    node: str
    version_a: str | None
    version_b: str | None
    because: str = ""
    only_in_a: tuple[Slot, ...] = ()
    only_in_b: tuple[Slot, ...] = ()
    differing: tuple[Slot, ...] = ()
    """Slots that both have filled, from other data or by another version."""


def require_environment(workspace: Workspace, name: str) -> None:
    """Raise Invalid, with the closest name, unless an environment is in the state or declared by the files."""
    made = {row.name for row in environments(workspace.db)}
    if name in made:
        return
    declared = _declared(workspace)
    if name in declared and declared[name].template:
        hint = f"make one after it: `headwater env create NAME --like {name}`"
        raise Invalid.of("HW0558", f"`{shown(name)}` is a template, not an environment", hint=hint)
    if name not in declared:
        known = {*made, *(n for n, each in declared.items() if not each.template)}
        hint = suggest(name[:100], known) or f"known environments: {', '.join(sorted(known))}"
        raise Invalid.of("HW0555", f"there is no environment `{shown(name)}`", hint=hint)


def create_environment(
    workspace: Workspace, name: str, *, parent: str | None = None, like: str | None = None
) -> EnvironmentSummary:
    """Make an environment: it takes the parent's (or its template's parent's) code, entries and holds as they stand.

    Raises Invalid for a bad name, an unknown parent or template, and Conflict if the environment exists.
    """
    if problem := place_problem(name):
        raise Invalid.of("HW0556", f"the environment name `{shown(name)}` {problem}", hint="choose another name")
    declared = _declared(workspace)
    if name in declared and declared[name].template:
        raise Invalid.of("HW0558", f"`{name}` is a template, not an environment", hint="choose another name")
    template = _template(declared, like) if like else None
    origin = parent or (template.from_ if template else None)
    if origin is not None:
        require_environment(workspace, origin)
    now = workspace.effects.clock()
    expires = now + timedelta(seconds=template.expires) if template and template.expires else None
    create(workspace.db, name, at=now, parent=origin, like=like, expires=expires)
    return next(each for each in list_environments(workspace) if each.name == name)


def list_environments(workspace: Workspace) -> tuple[EnvironmentSummary, ...]:
    """List environments by name: those in the state, and those that the files declare."""
    declared = {name: each for name, each in _declared(workspace).items() if not each.template}
    found = [EnvironmentSummary(name=name, is_declared=True, protected=e.protected) for name, e in declared.items()]
    made = {row.name: row for row in environments(workspace.db)}
    now = workspace.effects.clock()
    with workspace.db.read():
        found = [each for each in found if each.name not in made]
        found += [
            EnvironmentSummary(
                name=row.name,
                is_declared=row.name in declared,
                protected=row.name in declared and declared[row.name].protected,
                parent=row.parent,
                like=row.like,
                created_at=row.created_at,
                expires=row.expires,
                is_expired=row.expires is not None and row.expires <= now,
                release=row.release,
                released_at=row.released_at,
                nodes=len(read_head(workspace.db, row.name).nodes),
            )
            for row in made.values()
        ]
    return tuple(sorted(found, key=lambda each: each.name))


def delete_environment(workspace: Workspace, name: str, *, confirmed: bool = False, wait_s: float = WAIT_S) -> None:
    """Delete an environment; its releases stay as history. Raises Refused for a protected one unless ``confirmed``.

    Waits for an apply that is under way. What it alone had filled goes with the next janitor.
    """
    require_environment(workspace, name)
    declared = _declared(workspace).get(name)
    if declared is not None and declared.protected and not confirmed:
        hint = "if that is what you want, say so with `--yes`"
        raise Refused.of("HW0559", f"`{name}` is protected", hint=hint)
    remove_environment(workspace, name, wait_s=wait_s)


def remove_environment(workspace: Workspace, name: str, *, wait_s: float) -> None:
    """Delete an environment from the state, then keep it from coming back with a rebuilt one."""
    effects, db = workspace.effects, workspace.db
    token = effects.token()
    with hold(
        db,
        [f"apply:{name}"],
        f"{workspace.user}:{token}",
        clock=effects.clock,
        sleep=effects.sleep,
        wait_s=wait_s,
    ):
        with db.write():
            document = deletion_document(db, name)
            delete(db, name, at=effects.clock())
            cancel_all(db, name, workspace.user, effects.clock())
        workspace.store.put_release(name, f"deleted-{token}", document)


def diff_environments(workspace: Workspace, a: str, b: str) -> tuple[NodeDifference, ...]:
    """Compare what two environments serve: versions and filled slots, per node; equal nodes are left out."""
    require_environment(workspace, a)
    require_environment(workspace, b)
    with workspace.db.read():
        one, other = read_head(workspace.db, a), read_head(workspace.db, b)
        codes = previous_graph(workspace.db, one.code), previous_graph(workspace.db, other.code)
        names = sorted(one.nodes.keys() | other.nodes.keys())
        return tuple(_difference(name, one, other, codes) for name in names if _differs(name, one, other))


def _differs(name: str, one: Head, other: Head) -> bool:
    a, b = one.nodes.get(name), other.nodes.get(name)
    return a is None or b is None or (a.version, a.rollup) != (b.version, b.rollup)


def _difference(name: str, one: Head, other: Head, codes: tuple[Graph | None, Graph | None]) -> NodeDifference:
    a, b = one.nodes.get(name), other.nodes.get(name)
    left, right = one.entries_of(name) if a else {}, other.entries_of(name) if b else {}
    both = left.keys() & right.keys()
    return NodeDifference(
        node=name,
        version_a=a.version if a else None,
        version_b=b.version if b else None,
        because=_because(name, *codes) if a and b and a.version != b.version else "",
        only_in_a=_slots(left.keys() - right.keys()),
        only_in_b=_slots(right.keys() - left.keys()),
        differing=_slots({key for key in both if left[key].fill != right[key].fill}),
    )


def _because(name: str, old: Graph | None, new: Graph | None) -> str:
    before = next((node for node in (old.nodes if old else ()) if node.name == name), None)
    after = next((node for node in (new.nodes if new else ()) if node.name == name), None)
    return changed_columns(before, after) if before and after else ""


def _slots(keys: set[SlotKey]) -> tuple[Slot, ...]:
    return tuple(slot for _, slot in sorted(keys))


def _template(declared: dict[str, Environment], like: str) -> Environment:
    templates = [name for name, each in declared.items() if each.template]
    if like not in templates:
        what = "is an environment, not a template" if like in declared else "does not exist"
        hint = suggest(like[:100], templates) or "declare one in headwater.yaml: `pr: {template: true, from: prod}`"
        raise Invalid.of("HW0557", f"the template `{shown(like)}` {what}", hint=hint)
    return declared[like]


def _declared(workspace: Workspace) -> dict[str, Environment]:
    """What the files declare, as far as they can be read; Invalid if nothing of them can."""
    project, found = load_project(workspace.root)
    if project is None:
        raise Invalid.from_all(found)
    return dict(project.environments)
