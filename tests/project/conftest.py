"""A project directory to write files into."""

from pathlib import Path

import pytest

from tests.project.making import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
