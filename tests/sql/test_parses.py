"""A newer engine's parse gives the same form: an upgrade rebuilds nothing."""

import json
from pathlib import Path

import pytest

from headwater.sql.analysis import analyse
from headwater.sql.parses import is_newer, translated
from tests.sql.forms import RELATIONS, analysis_of

PARSES = json.loads(Path(__file__).with_name("parses_of_duckdb_2.json").read_text())


@pytest.mark.parametrize("kept", PARSES, ids=lambda kept: kept["sql"])
def test_duckdb_2_gives_the_form_that_duckdb_1_gives(kept: dict[str, object]) -> None:
    expected = analysis_of(str(kept["sql"]))
    assert is_newer(json.dumps(kept["parse"]).encode())
    assert analyse(translated(kept["parse"]), RELATIONS, expected.columns) == expected
