"""Sites, and sources at them: what cannot be, before any of them is asked."""

from collections.abc import Iterator

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.project.names import place_problem, shown
from headwater.project.place_names import PlaceNames
from headwater.spec.addresses import HUB
from headwater.spec.nodes import Source
from headwater.spec.project import Project, Site


def site_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge what sites say of themselves: all have a jurisdiction or none, and the hub is no worker."""
    places = PlaceNames.of(project)
    for site in project.sites.values():
        yield from _jurisdiction_problems(site, places)
        if site.runtime and site.name == HUB:
            message = "the hub has no `runtime`: it is where Headwater itself runs"
            yield error("HW1213", message, site.at.of("runtime"), hint="take it out, or give the site another name")
        if site.capacity < 1:
            yield error("HW1219", "`capacity` must be at least 1", site.at.of("capacity"), hint="2 is the default")


def _jurisdiction_problems(site: Site, places: PlaceNames) -> Iterator[Diagnostic]:
    if places.has_borders and not site.jurisdiction:
        message = f"the site `{site.name}` has no jurisdiction, and others have one"
        known = ", ".join(places.jurisdictions)
        hint = f"say which, such as `{site.name}: {{jurisdiction: {places.jurisdictions[0]}}}`; there are {known}"
        yield error("HW1209", message, site.at.where, hint=hint, length=len(site.name))
    elif site.jurisdiction and (problem := place_problem(site.jurisdiction)):
        message = f"the jurisdiction name `{shown(site.jurisdiction)}` {problem}"
        yield error("HW0114", message, site.at.of("jurisdiction"))


def source_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge where sources say they lie; sites that do not exist are told elsewhere."""
    places = PlaceNames.of(project)
    for source in project.sources.values():
        if source.replicated and len(set(source.at_sites)) < 2:  # noqa: PLR2004 - a copy needs two places
            hint = "name them, such as `at: all`, or take `replicated` out"
            message = f"`{source.name}` lies at one site only: it cannot be replicated"
            yield error("HW1211", message, source.at.of("replicated"), hint=hint)
        yield from _partition_problems(source)
        yield from _remote_problems(source, project, places)


def _partition_problems(source: Source) -> Iterator[Diagnostic]:
    if not source.partition:
        return
    message, hint = "", "take `partition` out"
    if source.replicated:
        message = f"`{source.name}` is replicated: every value of it lies at all of its sites"
    elif len(set(source.at_sites)) < 2:  # noqa: PLR2004 - as above
        message = f"`{source.name}` lies at one site only: there is nothing to tell apart"
    if message:
        yield error("HW1210", message, source.at.of("partition"), hint=hint)
    for name, partition in source.partition.items():
        yield from _partition_column_problems(source, name, partition)


def _partition_column_problems(source: Source, name: str, partition: str) -> Iterator[Diagnostic]:
    where = source.at.of(f"partition.{name}")
    declared = {each.casefold(): column for each, column in source.columns.items()}
    column = declared.get(name.casefold())
    if column is None:
        hint = suggest(name[:100], source.columns) or "name a column that is declared"
        yield error("HW1210", f"`{source.name}` declares no column `{shown(name)}`", where, hint=hint)
    elif not column.required and name.casefold() != (source.time or "").casefold():
        message = f"the column `{shown(name)}` may be NULL, and a NULL would lie at two sites"
        yield error("HW1210", message, where, hint=f"declare it with `required: true`, or take `{shown(name)}` out")
    if problem := place_problem(partition):
        yield error("HW0114", f"the partition name `{shown(partition)}` {problem}", where)


def _remote_problems(source: Source, project: Project, places: PlaceNames) -> Iterator[Diagnostic]:
    """The hub reads nothing of a site that computes for itself, and such a site reads files only, as they lie."""
    known = [project.sites[name] for name in source.at_sites if name in project.sites]
    remote = [site.name for site in known if places.runtime_of(site)]
    if remote and source.connector != "files":
        message = f"`{source.name}` (connector `{source.connector}`) cannot be read at the site `{remote[0]}`"
        hint = "a site that computes for itself reads `connector: files` so far: export the rows to files there"
        yield error("HW1214", message, source.at.of("at"), hint=hint)
    if remote and source.on_schema_change == "evolve":
        message = f"`{source.name}` lies at the site `{remote[0]}`, whose columns the hub cannot discover"
        hint = "declare the columns, and let other files be set aside: `on_schema_change: quarantine`"
        yield error("HW1294", message, source.at.of("on_schema_change"), hint=hint)
    if remote and source.checks:
        message = f"checks of `{source.name}` would judge rows at the site `{remote[0]}`, which do not leave it"
        hint = "put the checks on the models that read it"
        yield error("HW1294", message, source.at.of("checks"), hint=hint)
