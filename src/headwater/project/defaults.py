"""What nodes take when they say nothing themselves, and whether the sites, environments and zones they name exist."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from posixpath import normpath
from typing import Any, Final

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.project.class_problems import class_problems
from headwater.project.local_times import placed
from headwater.project.names import file_problem, shown
from headwater.project.policy_problems import (
    audit_problems,
    key_problems,
    policy_problems,
    policy_test_problems,
    through_problems,
)
from headwater.project.site_problems import site_problems, source_problems
from headwater.spec.addresses import HUB
from headwater.spec.nodes import Model, Source
from headwater.spec.origin import Origin
from headwater.spec.project import Environment, Pipeline, Project, Site
from headwater.spec.schedules import Schedule

ALL_SITES: Final = "all"


def node_defaults(project: Project) -> dict[str, Any]:
    """Give the fields that every kind of node takes where it says nothing."""
    return {"owner": project.defaults.owner}


def source_defaults(project: Project) -> dict[str, Any]:
    """Give the fields that a source takes where it says nothing."""
    return {"owner": project.defaults.owner, "timezone": project.timezone}


def model_defaults(project: Project) -> dict[str, Any]:
    """Give the fields that a model takes where it says nothing."""
    defaults = project.defaults
    return {**source_defaults(project), "retries": defaults.retries, "timeout": defaults.timeout}


def completed(project: Project) -> tuple[Project, list[Diagnostic]]:
    """Fill in the sites and environments that are there without being declared; say which names do not exist."""
    sites = _sites(project)
    filled = placed(
        replace(
            project,
            sites=sites,
            environments=project.environments or {n: Environment(name=n, at=project.at) for n in ("dev", "prod")},
            sources={source.name: _at_all(source, sites) for source in project.sources.values()},
        )
    )
    checks = (
        *(_site_problems, _zone_problems, _environment_problems, _catalog_problems, _compact_problems),
        _number_problems,
        _landing_problems,
        *(_limit_problems, site_problems, source_problems, class_problems, policy_problems, key_problems),
        *(policy_test_problems, through_problems, audit_problems),
    )
    return filled, [problem for check in checks for problem in check(filled)]


def _at_all(source: Source, sites: Mapping[str, Site]) -> Source:
    return replace(source, at_sites=tuple(sites)) if source.at_sites == (ALL_SITES,) else source


def _sites(project: Project) -> dict[str, Site]:
    """A project that declares no sites has those that its sources name; the hub is always there."""
    sites = dict(project.sites)
    if not sites:
        named = (name for source in project.sources.values() for name in source.at_sites if name != ALL_SITES)
        sites = {name: Site(name=name, at=project.at) for name in named}
    return sites if HUB in sites else {HUB: Site(name=HUB, at=project.at), **sites}


def _site_problems(project: Project) -> Iterator[Diagnostic]:
    for source in project.sources.values():
        for index, name in enumerate(source.at_sites):
            if name not in project.sites:
                hint = suggest(name[:100], project.sites) or "declare it under `sites:`"
                where = source.at.of(f"at.{index}")
                yield error("HW0128", f"no site `{shown(name)}`", where, hint=hint, length=len(name) or 1)


def _landing_problems(project: Project) -> Iterator[Diagnostic]:
    """Files are read where they are, and what cannot be read twice alike is landed: neither goes the other way."""
    for source in project.sources.values():
        in_place = source.connector == "files"
        if source.land is not None and source.land is in_place:
            message = f"a source of connector `{source.connector}` cannot be "
            message += "landed: its files are read where they are" if in_place else "read in place: it is landed"
            yield error("HW0640", message, source.at.of("land"), hint="take `land:` out")


def _environment_problems(project: Project) -> Iterator[Diagnostic]:
    known = project.environments
    for environment in known.values():
        parent = environment.from_
        if parent is not None and (parent not in known or parent == environment.name):
            hint = suggest(parent[:100], known) or "declare it under `environments:`"
            yield error(
                "HW0128", f"no environment `{shown(parent)}` to start from", environment.at.of("from"), hint=hint
            )


def _catalog_problems(project: Project) -> Iterator[Diagnostic]:
    """A catalog shows one environment that can be applied to, and has a file of its own."""
    files: dict[str, str] = {}
    for name, catalog in project.catalogs.items():
        where = project.at.of(f"catalogs.{name}")
        environment = project.environments.get(name)
        if environment is None:
            hint = suggest(name[:100], project.environments) or "declare it under `environments:`"
            yield error("HW0128", f"no environment `{shown(name)}`", where, hint=hint)
        elif environment.template:
            hint = "write one with `headwater catalog --duckdb FILE --env NAME`"
            yield error(
                "HW0682", f"`{shown(name)}` is a template: it serves nothing that a catalog shows", where, hint=hint
            )
        elif problem := file_problem(catalog.duckdb):
            message = f"the catalog `{shown(catalog.duckdb)}` of `{shown(name)}` {problem}"
            yield error("HW0682", message, where, hint="such as out/prod.duckdb")
        elif (other := files.setdefault(normpath(catalog.duckdb), name)) != name:
            message = f"the catalogs of `{shown(other)}` and `{shown(name)}` are one file"
            yield error("HW0682", message, where, hint="give each a file of its own")


def _compact_problems(project: Project) -> Iterator[Diagnostic]:
    wanted = project.compact
    if wanted.after < 0 or wanted.after == 1:
        message = f"`compact.after` is {wanted.after}: one file alone cannot be packed"
        yield error("HW0593", message, project.at.of("compact"), hint="at least 2, such as 64; 0: never")
    if wanted.to <= 0:
        message = "`compact.to` leaves no room for a row"
        yield error("HW0593", message, project.at.of("compact"), hint="a size such as 128MB")


def _limit_problems(project: Project) -> Iterator[Diagnostic]:
    """Limits are on what exists, and let at least one pass."""
    limits, tags = project.limits, {tag for model in project.models.values() for tag in model.tags}
    for kind, given, known in (("sites", limits.sites, project.sites), ("tags", limits.tags, tags)):
        for name in given.keys() - known:
            hint = suggest(name[:100], known) or f"name one of the {kind} of this project"
            where = project.at.of(f"limits.{kind}.{name}")
            yield error("HW1043", f"`limits` names no {kind.removesuffix('s')} `{shown(name)}`", where, hint=hint)
        for name in (name for name, most in given.items() if most < 1):
            yield _closed(project, f"{kind}.{name}")
    if limits.tasks is not None and limits.tasks < 1:
        yield _closed(project, "tasks")


def _closed(project: Project, key: str) -> Diagnostic:
    hint = "at least 1; `headwater pause` holds a pipeline back"
    return error("HW1044", f"`limits.{shown(key)}` lets nothing pass", project.at.of(f"limits.{key}"), hint=hint)


def _zone_problems(project: Project) -> Iterator[Diagnostic]:
    zones: dict[str, Origin] = {}
    nodes: list[Project | Source | Model | Schedule] = [project, *project.sources.values(), *project.models.values()]
    nodes += [each for pipeline in project.pipelines.values() for each in pipeline.schedule if each.timezone]
    for node in nodes:
        if not is_zone(node.timezone) and node.timezone not in zones:
            zones[node.timezone] = node.at
            hint = suggest(node.timezone[:100], _zones()) or "use a name of the IANA data base, such as Europe/Berlin"
            where = node.at.of("timezone")
            yield error("HW0126", f"no time zone `{shown(node.timezone)}`", where, hint=hint, length=len(node.timezone))


@lru_cache(maxsize=64)
def is_zone(name: str) -> bool:
    """Whether the IANA data base knows a time zone."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _zones() -> Iterable[str]:
    from zoneinfo import available_timezones

    return sorted(available_timezones())


def _number_problems(project: Project) -> Iterator[Diagnostic]:
    nodes: list[tuple[Any, Origin, str]] = [(project.defaults.retries, project.at, "defaults.retries.attempts")]
    owners: list[Model | Pipeline] = [*project.models.values(), *project.pipelines.values()]
    nodes += [(each.retries, each.at, "retries.attempts") for each in owners if each.retries]
    seen = set()
    for retries, at, path in nodes:
        if retries.attempts < 1 and id(retries) not in seen:
            seen.add(id(retries))
            yield error("HW0112", "`attempts` must be at least 1", at.of(path), hint="1 means: do not repeat")
    for environment in project.environments.values():
        if environment.approvals < 0:
            yield error("HW0112", "`approvals` cannot be negative", environment.at.of("approvals"))
