"""The JSON Schema accepts what the loader accepts, and refuses slips."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headwater.app.registry import registry
from headwater.diagnostics import has_errors
from headwater.project.leaves import read_any
from headwater.project.loading import load
from headwater.project.places import Written
from headwater.project.reading import Reading
from headwater.project.schema import schema
from headwater.project.yaml_nodes import compose
from tests.project.making import FileFields, TableFields
from tests.project.test_fuzz import PROJECT

OWN = schema(sources={"files": FileFields}, sinks={"duckdb": TableFields})
TEMPLATES = Path(__file__).parents[2] / "src/headwater/app/templates"


def plain(text: str) -> Any:
    node, found = compose(text, "a.yaml")
    assert node is not None
    assert found == []
    return read_any(node, Reading(Written("a.yaml", text), []))


def refuses(text: str) -> bool:
    return not jsonschema.Draft7Validator(OWN).is_valid(plain(text))


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(OWN)


@pytest.mark.parametrize("path", ["headwater.yaml", "flights.yaml"])
def test_a_valid_file_is_valid(path: str) -> None:
    jsonschema.validate(plain(PROJECT[path]), OWN)


@pytest.mark.parametrize(
    "text",
    [
        "projct: x",
        "models: {a: {knd: view}}",
        "models: {a: {kind: viw}}",
        "models: {a: {every: daily}}",
        "models: {a: {checks: [{not_nul: [a]}]}}",
        "models: {a: {checks: [{on_fail: warn}]}}",
        "models: {a: {columns: {b: {typ: text}}}}",
        "sources: {a: {connector: files, path: x}}",
        "sources: {a: {connector: files, path: x, columns: {}, skp: 1}}",
        "sources: {a: {connector: fils, path: x, columns: {}}}",
        "sinks: {a: {connector: duckdb, from: x, path: p, table: t, targets: {prod: {pth: x}}}}",
        "environments: {prod: {protected: 1}}",
        "tests: {a: {model: x}}",
        "keep: 3",
    ],
)
def test_a_slip_is_refused(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "models: {a: {sql: SELECT 1, tags: ops, columns: {a: text}, checks: [{schema: exact}, {unique: a}]}}",
        "models: {a: {checks: [{accepted_values: {a: [1, x], on_fail: warn}}, {accepted_values: {column: a, values: [1]}}]}}",
        "environments: {dev: }\nsites: {hub: }\nmodels:\n",
        "sources: {a: {connector: files, path: x, columns: {b: text}, at: all, delimiter: null, start: 2013-01-01}}",
    ],
)
def test_short_forms_are_accepted(text: str) -> None:
    assert not refuses(text)


def test_every_key_is_documented() -> None:
    models = OWN["properties"]["models"]["additionalProperties"]["properties"]
    assert [name for name, value in models.items() if not value.get("description")] == []


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir()))
def test_templates_are_valid_projects_by_loader_and_by_schema(template: str) -> None:
    known = registry()
    whole = schema(
        sources={name: c.fields for name, c in known.sources.items()},
        sinks={name: c.fields for name, c in known.sinks.items()},
    )
    project, found = load(TEMPLATES / template, registry_fields=known.fields_of)
    assert project is not None
    assert not has_errors(found)
    for path, text in project.files.items():
        if path.endswith(".yaml"):
            jsonschema.validate(plain(text), whole)
