"""What is generated is up to date: `make docs` makes it so."""

import json

import pytest
from jsonschema.validators import validator_for

from headwater.cli.authoring_settings import SETTINGS_FILE, settings_module
from headwater.cli.reference import documents
from tools.shape import ROOT

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_generated_page_is_up_to_date(name):
    page = REFERENCE / name
    assert page.is_file(), "run `make docs`"
    assert page.read_text(encoding="utf-8") == documents()[name], "run `make docs`"


def test_the_types_of_what_python_files_call_are_up_to_date():
    assert (ROOT / SETTINGS_FILE).read_text(encoding="utf-8") == settings_module(), "run `make docs`"


def test_nothing_else_stands_among_generated_pages():
    assert sorted(page.name for page in REFERENCE.iterdir()) == sorted(documents())


def test_the_schema_is_a_schema():
    schema = json.loads((REFERENCE / "headwater.schema.json").read_text(encoding="utf-8"))
    validator_for(schema).check_schema(schema)
