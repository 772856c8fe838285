"""Reads a project and compiles it for an environment: everything that is wrong, at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from headwater.app.cache import FileCache
from headwater.app.checking_sources import source_problems
from headwater.app.declared import discovered_columns, load_project, settings_of
from headwater.diagnostics import Diagnostic, Invalid, Refused, has_errors, suggest
from headwater.graph.compiling import compile_graph
from headwater.graph.deprecations import deprecation_warnings
from headwater.graph.schedule_warnings import schedule_warnings
from headwater.graph.values import Graph
from headwater.policy.retaining import retention_problems
from headwater.run.binding import Binder
from headwater.spec.addresses import address
from headwater.spec.project import Environment, Project, Variable

CACHE_FILE = Path(".headwater/cache/analysis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a project's files amount to: parts that could not be made are None, and the diagnostics say why."""

    project: Project | None
    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...]
    refused: tuple[Diagnostic, ...] = ()
    """Those of them by which its own policies forbid what it does."""

    @property
    def is_forbidden(self) -> bool:
        """Whether nothing is wrong but that policies forbid it."""
        return bool(self.refused) and not has_errors([d for d in self.diagnostics if d not in self.refused])

    @property
    def is_sound(self) -> bool:
        """Whether it could be applied."""
        return self.graph is not None and not has_errors(self.diagnostics)


def check(
    root: Path,
    *,
    variables: Mapping[str, str] | None = None,
    environment: str | None = None,
    previous: Callable[[], Graph | None] = lambda: None,
    now: datetime | None = None,
) -> Checked:
    """Load and compile the project in ``root``, with an environment's variables if one is named.

    ``previous`` gives the graph that the environment runs: what forward changes start from. ``now`` is the time at
    which tables are deprecated or not yet; None: that of the clock.
    """
    project, found = load_project(root)
    if project is None or has_errors(found):
        return Checked(project=project, graph=None, diagnostics=tuple(found))
    found += source_problems(project)
    settings = settings_of(project, root, environment) if environment else None
    values = {**project.variables, **(settings.variables if settings else {})}
    values |= _given(variables or {}, values)
    cache, binder = FileCache(root / CACHE_FILE), Binder()
    graph, more = compile_graph(
        project,
        bind=binder,
        cache=cache,
        variables=values,
        previous=previous,
        discovered=discovered_columns(project, root),
        **_lossy(project),
    )
    cache.save()
    if graph is not None and settings is not None and (settings.window is not None or settings.as_of is not None):
        graph = _with_horizon(graph, settings)
    if graph is not None:
        moment = now or datetime.now(UTC)
        more += [*deprecation_warnings(graph.deprecations, moment), *schedule_warnings(project, moment)]
        more += _undeliverable(graph)
        more += retention_problems(graph)
    refused = _refusals(graph, binder) if graph is not None and graph.borders.remote else []
    return Checked(project=project, graph=graph, diagnostics=(*found, *more, *refused), refused=tuple(refused))


def _lossy(project: Project) -> dict[str, Any]:
    """Give what compiling must know of rules that change rows."""
    if not any(each.as_ for each in project.policies.values()):
        return {}
    # Only where there are some: what makes grants takes time to load.
    from headwater.policy.addressing import grant_address
    from headwater.policy.transforming import columns_behind

    return {"grant_address": grant_address, "behind": columns_behind}


def _refusals(graph: Graph, binder: Binder) -> list[Diagnostic]:
    # Only where there are sites: what takes queries apart takes time to load.
    from headwater.app.placing import refusals

    return refusals(graph, binder)


def compiled(
    root: Path,
    environment: str,
    variables: Mapping[str, str] | None = None,
    previous: Callable[[], Graph | None] = lambda: None,
    now: datetime | None = None,
) -> Checked:
    """Check a project for an environment; raises Invalid if it is not sound, Refused if its own policies forbid it."""
    checked = check(root, variables=variables, environment=environment, previous=previous, now=now)
    if checked.is_forbidden:
        raise Refused(*checked.diagnostics)
    if not checked.is_sound:
        raise Invalid.from_all(checked.diagnostics)
    return checked


def graph_of(root: Path, variables: Mapping[str, str] | None = None) -> Graph:
    """Compile a project, whatever its policies say of it; raises Invalid if that cannot be done."""
    checked = check(root, variables=variables)
    if checked.graph is None:
        raise Invalid.from_all(checked.diagnostics)
    return checked.graph


def _undeliverable(graph: Graph) -> list[Diagnostic]:
    if not graph.alerts:
        return []
    from headwater.delivery.channels import is_installed, needs_package

    return [] if is_installed() else [needs_package()]


def _given(variables: Mapping[str, str], known: Mapping[str, Variable]) -> dict[str, Any]:
    """Type what was given as text on the command line like the variable that it replaces."""
    unknown = [name for name in variables if name not in known]
    if unknown:
        hint = suggest(unknown[0], known) or "declare it under `variables:` in headwater.yaml"
        raise Invalid.of("HW0535", f"there is no variable `{unknown[0]}`", hint=hint)
    try:
        return {name: _typed(text, known[name]) for name, text in variables.items()}
    except msgspec.ValidationError as problem:
        raise Invalid.of("HW0536", f"a variable given with --var has another type: {problem}") from None


def _typed(text: str, like: Variable) -> Variable:
    if like is None or isinstance(like, str):
        return text
    value: Variable = msgspec.convert(text.lower() if isinstance(like, bool) else text, type(like), strict=False)
    return value


def _with_horizon(graph: Graph, settings: Environment) -> Graph:
    """What an environment wants of time is part of its code: it changes by apply and comes back by rollback."""
    as_of = settings.as_of
    digest = address(graph.digest, str(settings.window), as_of.isoformat() if as_of else "")
    return replace(graph, window_s=settings.window, as_of=as_of, digest=digest)
