"""A new project is understood by editors at once, and stays so."""

import json
from pathlib import Path

import pytest

from headwater.app.editor import SCHEMA_FILE, schema_text, stale_schema
from headwater.app.initialise import initialise


@pytest.fixture
def root(tmp_path):
    initialise(tmp_path, "minimal", name="first")
    return tmp_path


def test_every_yaml_file_names_the_schema_by_a_path_that_leads_to_it(root):
    files = [path for path in root.rglob("*.yaml") if ".headwater" not in path.parts]
    assert len(files) == 3
    for path in files:
        first = path.read_text().splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / named).resolve() == (root / SCHEMA_FILE).resolve()


def test_git_keeps_what_editors_need(root):
    ignored = (root / ".gitignore").read_text().splitlines()
    assert not {SCHEMA_FILE, ".vscode/"} & set(ignored)


def test_settings_name_the_schema_and_every_folder_of_yaml(root):
    settings = json.loads((root / ".vscode/settings.json").read_text())
    ((schema, patterns),) = settings["yaml.schemas"].items()
    assert (root / schema).is_file()
    folders = {path.parent.relative_to(root) for path in root.rglob("*.yaml")} - {Path()}
    assert {f"/{folder}/**/*.yaml" for folder in folders} < set(patterns)


def test_a_new_schema_is_current(root):
    assert stale_schema(root) is None


def test_a_schema_of_another_version_is_said_to_be_stale(root):
    (root / SCHEMA_FILE).write_text(schema_text().replace("Headwater", "Tailwater"))
    found = stale_schema(root)
    assert found is not None
    assert found.code == "HW0678"


def test_a_project_needs_no_schema(root):
    (root / SCHEMA_FILE).unlink()
    assert stale_schema(root) is None
