"""What connectors say against the settings of sources, at the place of each key, before any data is looked at."""

from collections.abc import Callable, Iterator

from headwater.app.registry import registry
from headwater.connect.sources import Contract, ContractColumn
from headwater.diagnostics import Diagnostic, Where
from headwater.spec.nodes import Source
from headwater.spec.project import Project


def source_problems(project: Project) -> Iterator[Diagnostic]:
    """Give what is wrong; settings that hold references to secrets are looked at where they are used."""
    known = registry().sources
    for source in project.sources.values():
        component = known.get(source.connector)
        if component and component.check and "${" not in str(source.settings):
            yield from component.check(source.settings, _contract(source), _place(source))


def _place(source: Source) -> Callable[[str], Where | None]:
    return source.at.of


def _contract(source: Source) -> Contract:
    columns = tuple(ContractColumn(name=name, type=column.type or "text") for name, column in source.columns.items())
    return Contract(columns=columns, time=source.time, timezone=source.timezone, identity=source.identity)
