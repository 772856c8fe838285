"""Remote sites as people see them: reachable or not, under which rules they answer, and what they hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater.app.contexts import sites_of
from headwater.app.remote_sites import RemoteSites
from headwater.app.runtimes import home_of
from headwater.app.site.approving import Approval, approve, approved, withdraw
from headwater.app.site.forgetting import forget
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError, Invalid, Refused, suggest
from headwater.graph.borders import SiteNode
from headwater.graph.values import Graph
from headwater.placement.values import Held
from headwater.policy.charter_changes import CharterChange, changes
from headwater.policy.charters import Charter, charter_of, decode, digest, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """A site as it stands."""

    site: SiteNode
    is_remote: bool
    is_reachable: bool | None = None
    """None: the hub reads its files, so there is nobody to reach."""
    is_approved: bool | None = None
    """Whether it answers under the project's rules as they are now."""
    holds: dict[str, Held | None] = field(default_factory=dict)
    """Source → what may be told of its rows there; None: nothing was told."""
    problem: str = ""


def overlook(workspace: Workspace, graph: Graph) -> tuple[SiteView, ...]:
    """Look at every site of a project, as far as it lets itself be looked at."""
    sites = sites_of(workspace, graph)
    return tuple(_view(graph, each, sites) for each in graph.borders.sites)


def _view(graph: Graph, site: SiteNode, sites: RemoteSites | None) -> SiteView:
    held: dict[str, Held | None] = dict.fromkeys(
        node.name for node in graph.nodes if node.source is not None and site.name in node.source.sites
    )
    if sites is None or site.name not in sites.remote:
        return SiteView(site=site, is_remote=False, holds=held)
    try:
        sites.session(site.name)
        found = {name: sites.held(name, site.name) for name in held}
    except Refused as refused:
        return SiteView(
            site=site, is_remote=True, is_reachable=True, is_approved=False, holds=held, problem=str(refused)
        )
    except HeadwaterError as away:
        return SiteView(site=site, is_remote=True, is_reachable=False, holds=held, problem=str(away))
    return SiteView(site=site, is_remote=True, is_reachable=True, is_approved=True, holds={**held, **found})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a site's operator is asked to approve: rules, and what they change beside those approved last."""

    site: str
    charter: str
    changes: tuple[CharterChange, ...]
    is_approved: bool
    """Somebody has approved just this before."""


def propose(workspace: Workspace, graph: Graph, site: str) -> Proposal:
    """Say what approving the project's rules as they are now would change at a site on this machine."""
    require_remote(graph, site)
    rules = charter_of(graph)
    known = approved(home_of(workspace.root, site))
    return Proposal(
        site=site,
        charter=digest(rules),
        changes=tuple(changes(_last(workspace, site, known), rules)),
        is_approved=digest(rules) in {each.charter for each in known},
    )


def _last(workspace: Workspace, site: str, known: tuple[Approval, ...]) -> Charter | None:
    for each in reversed(known):
        path = home_of(workspace.root, site) / "approved" / each.charter
        if path.is_file():
            return decode(path.read_bytes())
    return None


def approve_rules(workspace: Workspace, graph: Graph, site: str) -> Approval:
    """Let a site on this machine answer under the project's rules as they are now, in this user's name."""
    require_remote(graph, site)
    rules = encode(charter_of(graph))
    return approve(home_of(workspace.root, site), rules, workspace.user, workspace.effects.clock())


def withdraw_rules(workspace: Workspace, graph: Graph, site: str) -> Iterator[str]:
    """Have a site on this machine answer under no rules any more; give the digests of those it answered under."""
    require_remote(graph, site)
    home = home_of(workspace.root, site)
    for each in approved(home):
        withdraw(home, each.charter, workspace.user, workspace.effects.clock())
        yield each.charter


def forget_files(workspace: Workspace, graph: Graph, site: str, source: str) -> None:
    """Have a site on this machine take what is there of a source for all of it; Invalid if it knows no more of it."""
    require_remote(graph, site)
    forget(home_of(workspace.root, site), source, workspace.user, workspace.effects.clock())


def require_remote(graph: Graph, site: str) -> None:
    """Raise Invalid if a site does not compute for itself, or is none."""
    remote = graph.borders.remote
    if site not in remote:
        hint = suggest(site, sorted(remote)) or f"those that do: {', '.join(sorted(remote)) or 'none'}"
        raise Invalid.of("HW0128", f"no site `{site}` computes for itself", hint=hint)
