"""A line of a file that is shown beside a mistake never holds a secret that stands in it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli.main import cli

START = "project: shop\nsites: {hub: {jurisdiction: us}, eu: {jurisdiction: eu}}\n"


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        '"hunter2"',
        "'hunter2'",
        '"hunter2, hunter2"',
        "hunter2 hunter2",
        "'it''s hunter2'",
        '"\\"hunter2"',
        '"${env:KEY}hunter2"',
        '"${env:A}${env:hunter2}"',
        "[hunter2, hunter2]",
    ],
)
def test_a_secret_in_a_key_is_covered(secret: str, tmp_path: Path) -> None:
    (tmp_path / "headwater.yaml").write_text(f"{START}keys: {{crm: {{secret: {secret}, at: [eu]}}}}\n")
    shown = CliRunner().invoke(cli, ["check", "--project", str(tmp_path)])
    assert shown.exit_code == 1
    assert "keys: {crm: {secret:" in shown.output
    assert "hunter2" not in shown.output


def test_a_reference_is_shown(tmp_path: Path) -> None:
    (tmp_path / "headwater.yaml").write_text(f'{START}keys: {{crm: {{secret: "${{env:KEY}}", at: [ue]}}}}\n')
    assert '{secret: "${env:KEY}", at: [ue]}' in CliRunner().invoke(cli, ["check", "--project", str(tmp_path)]).output
