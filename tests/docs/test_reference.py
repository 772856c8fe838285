"""What is generated is up to date: `make docs` makes it so."""

import json

from jsonschema import Draft202012Validator

from tools.reference import REFERENCE, documents


def test_generated_pages_are_up_to_date():
    stale = [path.name for path, text in documents().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run `make docs`"


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(json.loads((REFERENCE / "headwater.schema.json").read_text()))
