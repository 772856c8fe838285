"""What editors refuse by the JSON Schema is what `check` refuses, and the other way round, but for what is listed here."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.app.editor import project_schema
from headwater.app.registry import registry
from headwater.project.leaves import read_any
from headwater.project.loading import load
from headwater.project.places import Written
from headwater.project.reading import Reading
from headwater.project.yaml_nodes import compose
from tests.docs.blocks import blocks_of
from tests.project.test_fuzz import PROJECT

REPO = Path(__file__).parents[2]
TEMPLATES = REPO / "src/headwater/app/templates"
VALIDATOR = jsonschema.Draft7Validator(project_schema())
SHAPE = {"HW0109", "HW0110", "HW0111", "HW0112", "HW0123", "HW0127"}
"""Codes of mistakes in the shape of a file: unknown and missing keys, types, words that are not allowed."""
HEADER = re.compile(r"\A\s*/\*\s*headwater\n(.*?)\*/", re.DOTALL)


def plain(text: str) -> Any:
    node, found = compose(text, "a.yaml")
    assert found == []
    return {} if node is None else read_any(node, Reading(Written("a.yaml", text), []))


def complaints(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def in_model(header: str) -> dict[str, Any]:
    return {"models": {"a": plain(header)}}


def documents() -> Iterator[tuple[str, Any]]:
    """Every YAML that we publish or test with: (where it stands, what it holds)."""
    for path in sorted(TEMPLATES.rglob("*.yaml")):
        yield str(path.relative_to(TEMPLATES)), plain(path.read_text(encoding="utf-8"))
    for path in sorted(TEMPLATES.rglob("*.sql")):
        if found := HEADER.search(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(TEMPLATES)), in_model(found[1])
    for path in (REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))):
        yield from _of_page(path)
    known = registry()
    for role, components in (("sources", known.sources), ("sinks", known.sinks)):
        for name, component in components.items():
            if component.example.lstrip().startswith(f"{role}:"):
                yield f"example of {name}", plain(component.example)
    for name, text in PROJECT.items():
        if name.endswith(".yaml"):
            yield f"fixture {name}", _without_test_connectors(plain(text))


def _of_page(path: Path) -> Iterator[tuple[str, Any]]:
    page = path.read_text(encoding="utf-8")
    for block in blocks_of(page):
        where = f"{path.name}:{block.line}"
        if block.language == "yaml" and "skip" not in block.words:
            yield where, plain(block.text)
        elif block.language == "sql" and (found := HEADER.search(block.text)):
            yield where, in_model(found[1])
        elif block.language == "console":
            for number, text in enumerate(
                re.findall(r"^\$ cat >>? \S+\.yaml <<'(?:\w+)'\n(.*?)^\w+$", block.text, re.MULTILINE | re.DOTALL)
            ):
                yield f"{where}#{number}", plain(text)


def _without_test_connectors(document: Any) -> Any:
    """The connectors of those fixtures are the tests' own."""
    return {name: value for name, value in document.items() if name not in {"sources", "sinks"}}


DOCUMENTS = dict(documents())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_everything_published_is_valid(name):
    assert complaints(DOCUMENTS[name]) == []


# Mistakes: the same documents with one thing wrong.

WHOLE = plain(
    """
project: shop
description: All there is
variables: {late: 5, who: x}
timezone: UTC
defaults: {owner: a@example.org, retries: {attempts: 4, backoff: 2s, max: 5m}, timeout: 1h}
keep: 30d
sites:
  hub: {description: here, labels: {region: x}, jurisdiction: us}
  ewr: {jurisdiction: eu, runtime: local, root: ewr, capacity: 1}
environments:
  dev: {window: 30d, as_of: 2013-12-31}
  prod: {protected: true, approvals: 1, variables: {late: 20}}
  pr: {template: true, from: prod, expires: 7d}
sources:
  flights:
    connector: files
    path: data/*.csv
    format: csv
    delimiter: ";"
    at: [hub, ewr]
    replicated: false
    partition: {origin: airports}
    time: at
    start: 2013-01-01
    on_bad_row: quarantine
    columns: {at: {type: timestamptz, required: true, class: internal}, origin: {type: text, required: true}}
    checks: [{not_null: [origin]}, {accepted_values: {origin: [EWR]}, on_fail: warn}]
models:
  summary:
    sql: SELECT origin, count(*) AS n FROM flights GROUP BY ALL
    kind: full
    grain: [origin]
    tags: [ops]
    through: {flights: tokens}
    retries: {attempts: 2}
    timeout: 5m
    memory: 64MB
    columns: {n: {unit: flights}}
    checks:
      - accepted_range: {column: n, min: 0, max: 10}
      - expression: {sql: "n > 0", name: some}
      - row_count: {min: 1}
sinks:
  board: {from: summary, connector: csv, path: out, mode: replace, in: [prod], after_rollback: reload}
pipelines:
  morning:
    select: [summary]
    publish: together
    description: daily
    schedule: [{cron: "15 6 * * *", timezone: UTC, catch_up: all, except: [2026-12-25]}, {every: 15m, start: 2026-01-01}]
    when: {any: [{updated: flights}, {all: [{files: "in/*.csv"}, {webhook: push, secret: "${env:PUSH}"}]}]}
    debounce: 30s
    deadline: 2h
    timeout: 4h
    concurrency: 4
    priority: 1
    max_active: 2
    retries: {attempts: 5}
    in: [prod]
  evening: {select: [summary], schedule: {cron: "0 18 * * *"}}
  night: {select: [summary], schedule: "0 22 * * *"}
  always: {select: [summary], continuous: 5s}
keys: {crm: {secret: "${env:CRM_KEY}", at: [ewr]}}
policies:
  totals:
    description: why
    ship: [origin]
    from: flights@eu
    to: [hub]
    where: "true"
    as: {aggregates: [sum, count], by: {origin: origin}, unit: origin, min_group: 5}
  tokens: {ship: [origin], from: flights, to: us, as: {transform: hmac, on: [origin], key: crm, length: 8, step: day}}
  released: {ship: origin, from: summary@us, to: eu, classes: [internal]}
  stays: {deny: {class: pii, to: "!eu", even: [token]}}
  year: {retain: {class: pii, for: 365d, then: delete}}
policy_tests: {it stays: {plan: SELECT 1, at: hub, through: {flights: tokens}, expect: refused, because: origin}}
tests:
  counts: {model: summary, given: {flights: [{origin: EWR}]}, expect: {rows: [{n: 1}], tolerance: 0.1, ordered: true}}
"""
)
WRONG: tuple[Any, ...] = ([[]], {"wrong": {}}, "no such word", -1, 1.5, True, None, [], {})


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from paths(part, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def with_unknown_key(document: Any, path: tuple[Any, ...]) -> Any:
    at(document, path)["kee"] = 1
    return document


def without(document: Any, path: tuple[Any, ...]) -> Any:
    del at(document, path[:-1])[path[-1]]
    return document


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    at(document, path[:-1])[path[-1]] = value
    return document


def mistakes() -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """Every single mistake: (its name, its path, the document with it)."""
    for path in list(paths(WHOLE)):
        name = ".".join(map(str, path))
        if isinstance(at(WHOLE, path), dict):
            yield f"{name} gets an unknown key", path, with_unknown_key(copy.deepcopy(WHOLE), path)
        if path:
            yield f"{name} is missing", path, without(copy.deepcopy(WHOLE), path)
            for value in WRONG:
                yield f"{name} is {json.dumps(value)}", path, changed(copy.deepcopy(WHOLE), path, value)


MISTAKES = list(mistakes())


def is_refused_by_loader(document: Any, root: Path) -> list[str]:
    (root / "headwater.yaml").write_text(json.dumps(document), encoding="utf-8")
    known = registry()
    _, found = load(root, registry_fields=known.fields_of, connector_names=lambda role: getattr(known, f"{role}s"))
    return [f"{d.code} {d.message}" for d in found if d.code in SHAPE]


BY_NATURE = {
    r"project is missing": "one schema serves all files, and only headwater.yaml names the project",
    r"project is null": "the text `null` could be a name; an editor takes it for a forgotten one",
    r"\w+ is null": "a map without entries is written as nothing, which an editor cannot tell from null",
    r".*(attempts|approvals) is -1": "bounds of numbers",
    r".*accepted_range.max is -1": "a bound compared with another one",
    r".*\.(type|min) is null": "a key that is there and says nothing",
}
"""Where check and schema differ: pattern of the mistake → why."""


def by_nature(name: str) -> str | None:
    return next((pattern for pattern in BY_NATURE if re.fullmatch(pattern, name)), None)


def test_a_valid_document_is_valid_for_both(tmp_path):
    assert complaints(WHOLE) == is_refused_by_loader(WHOLE, tmp_path) == []


def test_every_single_mistake_is_judged_alike(tmp_path):
    differing = [
        name
        for name, _, document in MISTAKES
        if bool(complaints(document)) != bool(is_refused_by_loader(document, tmp_path))
    ]
    assert [name for name in differing if by_nature(name) is None] == []
    assert {by_nature(name) for name in differing} == set(BY_NATURE)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(MISTAKES), min_size=2, max_size=4))
def test_several_mistakes_are_judged_alike(tmp_path, chosen):
    document = copy.deepcopy(WHOLE)
    for name, path, wrong in chosen:
        section = path[0] if path else None
        if by_nature(name) is None and section in wrong:
            document[section] = copy.deepcopy(wrong[section])
    assert bool(complaints(document)) == bool(is_refused_by_loader(document, tmp_path))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("models", "summary", "knd"), "full"),  # unknown key
        (("models", "summary", "tags"), {"ops": 1}),  # wrong type
        (("models", "summary", "kind"), "fulll"),  # a word that is not allowed
        (("sources", "flights", "connector"), "fles"),
        (("sources", "flights", "delimitr"), ","),
        (("sinks", "board", "mode"), "mrge"),
        (("models", "summary", "timeout"), "5 minuts"),
        (("tests", "counts", "expect", "toleranc"), 1),
        (("environments", "dev", "window"), 30),
    ],
)
def test_each_class_of_mistake_is_refused_by_both(tmp_path, path, value):
    document = changed(copy.deepcopy(WHOLE), path, value)
    assert complaints(document)
    assert is_refused_by_loader(document, tmp_path)
