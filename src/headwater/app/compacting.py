"""Packs small files after an apply or run, and for the janitor: what is served does not change by it."""

from collections.abc import Iterable, Sequence

from headwater.app.graphs import released_graph
from headwater.app.kept_catalogs import keep_catalogs
from headwater.app.settings import PROJECT_FILE
from headwater.app.workspace import Workspace
from headwater.connect.durable import explained
from headwater.diagnostics import Conflict, Diagnostic, HeadwaterError, Invalid, warning
from headwater.events import Packed
from headwater.graph.values import Node
from headwater.run.packs.compacting import Limits, Packing, compact
from headwater.state.compactions import Compaction
from headwater.state.environments import environments
from headwater.state.heads import read_head


def compact_nodes(
    workspace: Workspace, environment: str, nodes: Iterable[Node]
) -> tuple[tuple[Compaction, ...], tuple[Diagnostic, ...]]:
    """Pack those of the nodes that lie in many small files; what cannot be packed now is a warning.

    Raises Invalid if headwater.yaml says something under ``compact`` that it cannot mean.
    """
    cut = [node for node in nodes if node.time is not None and node.time.every and node.kind != "source"]
    limits = compact_limits(workspace) if cut else None
    if limits is None:
        return (), ()
    packing = _packing(workspace, environment, limits)
    done: list[Compaction] = []
    found: list[Diagnostic] = []
    for node in cut:
        try:
            packed = compact(packing, node)
        except Conflict:
            continue  # somebody else packs it
        except HeadwaterError as problem:
            found += [_left(node.name, each) for each in problem.diagnostics]
            continue
        if packed:
            done.append(packed)
            workspace.effects.emit(Packed(node.name, packed.fills, packed.files, packed.packs))
    return tuple(done), (*found, *(_catalogs(workspace) if done else ()))


def compact_all(workspace: Workspace) -> tuple[tuple[Compaction, ...], tuple[Diagnostic, ...]]:
    """Pack whatever any environment serves from many small files."""
    done: list[Compaction] = []
    found: list[Diagnostic] = []
    for row in environments(workspace.db):
        head = read_head(workspace.db, row.name)
        graph = released_graph(workspace.db, row.name, head.code) if head.code else None
        nodes = [node for node in graph.nodes if node.name in head.nodes] if graph else []
        packed, problems = compact_nodes(workspace, row.name, nodes)
        done += packed
        found += problems
    return tuple(done), tuple(found)


def compact_limits(workspace: Workspace) -> Limits | None:
    """What headwater.yaml says under ``compact`` (the file is parsed only if the word stands in it); None: never."""
    with explained("HW0533", f"read {PROJECT_FILE}"):
        text = (workspace.root / PROJECT_FILE).read_text(encoding="utf-8-sig", errors="replace")
    if "compact" not in text:
        return Limits()
    from headwater.project.loading import read_compact

    wanted, problems = read_compact(text)
    if problems:
        raise Invalid.from_all(problems)
    return Limits(wanted.after, wanted.to) if wanted.after else None


def _packing(workspace: Workspace, environment: str, limits: Limits) -> Packing:
    effects = workspace.effects
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    return Packing(
        db=workspace.db,
        store=workspace.store,
        engine=workspace.engine,
        limits=limits,
        environment=environment,
        by=workspace.user,
        clock=effects.clock,
        sleep=effects.sleep,
        token=effects.token,
    )


def _left(node: str, problem: Diagnostic) -> Diagnostic:
    message = f"the small files of `{node}` stay as they are: {problem.message}"
    return warning("HW0592", message, problem.where, hint=problem.hint or "the next run tries again")


def _catalogs(workspace: Workspace) -> Sequence[Diagnostic]:
    """Catalogs name files: those of all environments that could name what was packed are written again."""
    names = [row.name for row in environments(workspace.db)]
    return [each for name in names for each in keep_catalogs(workspace, name, again=True)]
