"""Everything that was read → one project: named entries by kind, nodes with unique names, defaults filled in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.connector_settings import Connectors, read_connected
from headwater.project.defaults import completed, model_defaults, node_defaults, source_defaults
from headwater.project.models import Piece, put_together, yaml_piece
from headwater.project.names import node_problem, place_problem, shown, title_problem, variable_problem
from headwater.project.places import Written
from headwater.project.reading import Reading
from headwater.project.references import check_references
from headwater.project.sections import SECTIONS, Declared, ProjectKeys, sections_of
from headwater.project.shapes import missing_keys, read_values
from headwater.project.yaml_nodes import compose
from headwater.spec.alerts import Alert
from headwater.spec.nodes import Model, Sink, Source
from headwater.spec.origin import Origin
from headwater.spec.policies import Key, Policy, PolicyTest
from headwater.spec.project import Environment, Macro, Pipeline, Project, Site
from headwater.spec.tests import UnitTest

_T = TypeVar("_T", Site, Environment, Pipeline, Alert, UnitTest, Policy, Key, PolicyTest)
_WITH_REFERENCES: Final = ("state", "lake", "variables", "audit")
_PROBLEM: Final[Mapping[str, Callable[[str], str]]] = {
    "sources": node_problem,
    "models": node_problem,
    "sinks": node_problem,
    "pipelines": place_problem,
    "alerts": place_problem,
    "sites": place_problem,
    "environments": place_problem,
    "tests": title_problem,
    "policies": place_problem,
    "keys": place_problem,
    "policy_tests": title_problem,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the files gave."""

    keys: ProjectKeys
    declared: list[Declared]
    pieces: list[Piece]
    macros: Mapping[str, Macro]
    texts: Mapping[str, str]


def assemble(parts: Parts, connectors: Connectors, found: list[Diagnostic]) -> Project:
    """Make the project, adding to what was ``found``."""
    own = _own(parts.keys, found)
    by_section = _by_section(parts.declared, found)
    inline = [yaml_piece(declared) for declared in by_section["models"]]
    models, problems = put_together([*parts.pieces, *inline], model_defaults(own))
    found += problems
    sources = _connected(Source, by_section["sources"], connectors, source_defaults(own))
    sinks = _connected(Sink, by_section["sinks"], connectors, node_defaults(own))
    found += _untyped_columns(sources.values())
    found += _claimed_twice([*by_section["sources"], *by_section["sinks"]], models.values())
    pipelines = _named(Pipeline, by_section["pipelines"], node_defaults(own))
    for entry in by_section["sites"]:
        check_references(entry.node, entry.reading)
    project, problems = completed(
        Project(
            **{name: getattr(own, name) for name in ("name", *parts.keys.values)},
            sites=_named(Site, by_section["sites"], {}),
            environments=_named(Environment, by_section["environments"], {}),
            sources=sources,
            models=models,
            sinks=sinks,
            pipelines=pipelines,
            alerts=_named(Alert, by_section["alerts"], {}),
            tests=tuple(_named(UnitTest, by_section["tests"], {}).values()),
            policies=_named(Policy, by_section["policies"], {}),
            keys=_named(Key, by_section["keys"], {}),
            policy_tests=_named(PolicyTest, by_section["policy_tests"], {}),
            macros={macro.name: macro for macro in parts.macros.values()},
            files=parts.texts,
            at=own.at,
        )
    )
    found += problems
    return project


def read_tests(text: str, file: str) -> tuple[list[UnitTest], list[Diagnostic]]:
    """Read the unit tests that a YAML text holds, as if it stood in a file of a project."""
    node, found = compose(text, file)
    if node is None or node.id != "mapping":
        return [], found
    declared = sections_of(node, Reading(Written(file, text), found))
    return list(_named(UnitTest, [each for each in declared if each.section == "tests"], {}).values()), found


def bad_name(what: str, name: str, problem: str, where: Where) -> Diagnostic:
    """Say why something cannot have its name."""
    return error("HW0114", f"the {what} name `{shown(name)}` {problem}", where, hint="choose another name")


def _own(keys: ProjectKeys, found: list[Diagnostic]) -> Project:
    """Make a project of the project's own keys only, and check them."""
    at = Origin(Where(keys.reading.written.file, 1, 1), keys.reading.origin(keys.node).keys)
    own = Project(**{"name": "", **keys.values}, at=at)
    if own.name and (problem := title_problem(own.name)):
        found.append(bad_name("project", own.name, problem, at.of("project")))
    found += _bad_variables(own.variables, at)
    for key, value in keys.node.value:
        if key.id == "scalar" and key.value in _WITH_REFERENCES:
            check_references(value, keys.reading)
    return own


def _bad_variables(variables: Mapping[str, Any], at: Origin) -> Iterator[Diagnostic]:
    for name in variables:
        if problem := variable_problem(name):
            yield bad_name("variable", name, problem, at.of(f"variables.{name}"))


def _by_section(declared: Iterable[Declared], found: list[Diagnostic]) -> dict[str, list[Declared]]:
    """Sort entries by their map, dropping those whose name cannot be or is taken."""
    by_section: dict[str, list[Declared]] = {section: [] for section in SECTIONS}
    first: dict[tuple[str, str], Declared] = {}
    for entry in declared:
        what = entry.what
        key = (entry.section, entry.name.casefold())
        if problem := _PROBLEM[entry.section](entry.name):
            found.append(bad_name(what, entry.name, problem, entry.where))
        elif key in first:
            message = f"the {what} `{shown(entry.name)}` is declared twice; first at {first[key].where}"
            found.append(error("HW0115", message, entry.where, hint="names that differ only in case are the same"))
        else:
            first[key] = entry
            by_section[entry.section].append(entry)
    return by_section


def _connected(
    shape: type[Any], declared: Iterable[Declared], connectors: Connectors, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    read = (read_connected(shape, entry, connectors, defaults) for entry in declared)
    return {node.name: node for node in read if node is not None}


def _named(shape: type[_T], declared: Iterable[Declared], defaults: Mapping[str, Any]) -> dict[str, _T]:
    read: dict[str, _T] = {}
    for entry in declared:
        entry.reading.key = entry.name
        values = read_values(shape, entry.node, entry.reading)
        if missing_keys(shape, values, entry.node, entry.reading):
            continue
        at = Origin(entry.where, entry.reading.origin(entry.node).keys)
        if shape in (Environment, UnitTest):
            entry.reading.found += _bad_variables(values.get("variables", {}), at)
        read[entry.name] = shape(name=entry.name, at=at, **{**defaults, **values})
    return read


def _untyped_columns(sources: Iterable[Source]) -> Iterator[Diagnostic]:
    for source in sources:
        for name, column in source.columns.items():
            if not column.type:
                message = f"the column `{shown(name)}` of a source needs a type"
                yield error(
                    "HW0111", message, source.at.of(f"columns.{name}"), hint="such as text, double, timestamptz"
                )


def _claimed_twice(declared: Iterable[Declared], models: Iterable[Model]) -> Iterator[Diagnostic]:
    """Sources, models and sinks share one space of names."""
    taken = {model.name.casefold(): ("model", model.at.where) for model in models}
    for entry in declared:
        folded, kind = entry.name.casefold(), entry.what
        if folded in taken:
            other, where = taken[folded]
            message = f"`{shown(entry.name)}` is a {kind} here and a {other} at {where}"
            yield error("HW0115", message, entry.where, hint="a node has one name: rename one of them")
        else:
            taken[folded] = (kind, entry.where)
