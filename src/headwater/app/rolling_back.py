"""Takes an environment back: one state transaction, without project files, without touching the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.app.graphs import previous_graph, previous_outline
from headwater.app.kept_catalogs import keep_catalogs
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, Diagnostic, Invalid, Refused, error
from headwater.graph.encoding import Outline
from headwater.graph.values import Graph
from headwater.run.loaded import LoadedSinks, sinks_of
from headwater.run.moving import keep_copy
from headwater.run.reverting import Reverted, Target, revert
from headwater.spec.fills import Entry
from headwater.spec.releases import Head, Move, Release, SlotKey
from headwater.state.conditions import note_rolled_back
from headwater.state.database import Database
from headwater.state.erasures import was_erased_since
from headwater.state.fills import recorded
from headwater.state.heads import read_head
from headwater.state.janitor import missing_rows
from headwater.state.moves import move
from headwater.state.releases import find_release, history, map_at, touched_after

_MOST_STEPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """What a rollback would do."""

    environment: str
    head: Head
    to: str | None
    """The release to go back to; None: before the first one."""
    code: str
    data: bool
    reverted: Reverted
    sinks_not_reverted: tuple[tuple[str, str], ...] = ()
    """(sink, how it follows: reload, forward, none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback did."""

    rollback: Rollback
    release: Release
    sinks: LoadedSinks
    diagnostics: tuple[Diagnostic, ...] = ()
    """What could not follow at once."""


def preview_rollback(workspace: Workspace, environment: str, *, to: str | None = None, data: bool = False) -> Rollback:
    """Say what going back would change; without ``to`` one step: before the last change of code (or rows: ``data``).

    Raises Invalid if there is no such release, or its rows are gone; Conflict if nothing stood there before.
    """
    db = workspace.db
    with db.read():
        head = read_head(db, environment)
        release = find_release(db, to).id if to else _one_step(db, environment, head.code, data=data)
        is_code_only = release is not None and _is_code_only(db, release, data=data)
        touched = touched_after(db, environment, release)
        versions, entries, code = map_at(db, environment, release, nodes=touched)
        if is_code_only:
            entries = _standing(db, entries)
        _require_code(environment, code)
        target = Target(release=release, versions=versions, entries=entries, touched=touched, code=code)
        keeps = not data and any(_keeps_newer(head, target, name) for name in touched)
        reverted = revert(db, head, target, previous_graph(db, code) if keeps else None, data=data)
    outline = previous_outline(db, head.code)
    _require_legal(db, outline, code, head.code)
    running = sinks_of(outline.sinks, environment)
    return Rollback(
        environment=environment,
        head=head,
        to=release,
        code=code,
        data=data,
        reverted=reverted,
        sinks_not_reverted=tuple((sink.name, sink.after_rollback) for sink in running),
    )


def _require_legal(db: Database, running: Outline, code: str, current: str) -> None:
    """Raise Refused if the rules that an environment runs under now forbid what it would go back to."""
    if not running.borders.remote or not code or code == current:
        return
    from headwater.app.placing import refusals  # takes queries apart: loaded only where there are sites
    from headwater.run.binding import Binder

    target = previous_graph(db, code)
    binder = Binder()
    found = refusals(replace(target, borders=running.borders), binder) if target else []
    binder.close()
    if found:
        hint = "go back to another release, or change the policies first, for all to see"
        message = "the policies of today forbid what that release did"
        raise Refused(error("HW1295", message, hint=hint), *found)


def rollback(workspace: Workspace, planned: Rollback, *, message: str = "", by: str = "") -> RolledBack:
    """Go back, in the name of ``by`` (empty: the user); raises Conflict if the environment moved since the preview."""
    db, effects = workspace.db, workspace.effects
    reverted = planned.reverted
    head, goes_to = planned.head, planned.to or "the beginning"
    changed = frozenset(each.node for each in reverted.versions)
    change = Move(
        environment=planned.environment,
        kind="rollback",
        at=effects.clock(),
        by=by or workspace.user,
        message=message or f"back to {goes_to}" + (" with its rows" if planned.data else ""),
        code_before=planned.head.code,
        code=planned.code,
        expected_rollups={name: head.nodes[name].rollup for name in changed if name in head.nodes},
        carried=frozenset(each.node for each in reverted.changes) | changed,
        versions=reverted.versions,
        changes=reverted.changes,
        holds_set=reverted.holds,
    )
    release = move(db, change, effects.token())
    note_rolled_back(db, planned.environment, release, planned.to)
    keep_copy(db, workspace.store, release)
    sinks = _reload(workspace, planned)
    lagging = keep_catalogs(workspace, planned.environment)
    return RolledBack(rollback=planned, release=release, sinks=sinks, diagnostics=lagging)


def _one_step(db: Database, environment: str, code: str, *, data: bool) -> str | None:
    """Give the release before the last one (``data``), or the last one that ran other code than now.

    Rollbacks are no steps themselves: a second one goes further back instead of forward again.
    """
    releases = history(db, environment, _MOST_STEPS)
    if not releases:
        hint = f"`headwater apply --env {environment}` makes the first release"
        raise Conflict.of("HW0552", f"`{environment}` has no release to go back from", hint=hint)
    if data and releases[0].kind == "rollback":
        hint = "name the release to go back to with `--to`; `headwater history` lists them"
        raise Conflict.of("HW0553", f"the last release of `{environment}` is a rollback itself", hint=hint)
    if data:
        return releases[0].parent
    steps = [release for release in releases if release.kind != "rollback"]
    while steps and steps[0].code != code:
        steps.pop(0)
    return next((release.id for release in steps if release.code != code), None)


def _is_code_only(db: Database, release: str, *, data: bool) -> bool:
    """Whether only the code of a release can come back: its rows were those of somebody erased.

    Raises Invalid if not even that can, or rows are asked for.
    """
    if not missing_rows(db, release):
        return False
    if not was_erased_since(db, find_release(db, release).at):
        hint = "`keep:` in headwater.yaml says how long rows of old releases stay"
        raise Invalid.of("HW0551", f"rows of release `{release}` have been deleted", hint=hint)
    if data:
        hint = "without `--data` its code comes back, and the next run fills what it needs, without those rows"
        raise Invalid.of("HW1317", f"rows of release `{release}` were erased: nothing brings them back", hint=hint)
    return True


def _standing(db: Database, entries: Mapping[str, Mapping[SlotKey, Entry]]) -> dict[str, dict[SlotKey, Entry]]:
    """Leave out the entries whose fills are gone: their slots are due."""
    alive = recorded(db, {entry.fill for slots in entries.values() for entry in slots.values()})
    return {
        node: {key: entry for key, entry in slots.items() if entry.fill in alive} for node, slots in entries.items()
    }


def _require_code(environment: str, code: str) -> None:
    """Nobody means to empty an environment by going one step back too far."""
    if not code:
        hint = f"`headwater history --env {environment}` lists the releases; `--to` names one to go back to"
        raise Conflict.of("HW0552", f"`{environment}` has nothing older to go back to", hint=hint)


def _keeps_newer(head: Head, target: Target, name: str) -> bool:
    at_head = head.nodes.get(name)
    return at_head is not None and target.versions.get(name) == at_head.version


def _reload(workspace: Workspace, planned: Rollback) -> LoadedSinks:
    """Reload the sinks that follow a rollback by themselves; the others wait for a run, or stay."""
    sinks = sinks_of(previous_outline(workspace.db, planned.code).sinks, planned.environment)
    if not any(sink.after_rollback == "reload" for sink in sinks):
        return LoadedSinks()
    graph = previous_graph(workspace.db, planned.code)
    return _load(workspace, graph, planned.environment) if graph else LoadedSinks()


def _load(workspace: Workspace, graph: Graph, environment: str) -> LoadedSinks:
    from headwater.app.contexts import context_of
    from headwater.app.finishing import load_released

    return load_released(workspace, context_of(workspace, graph, environment), None, only="reload")
