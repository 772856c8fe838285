"""Every command block of README and docs runs; every link between pages leads somewhere."""

import re

import pytest

from tests.docs.blocks import Session, blocks_of, try_block
from tools.shape import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request):
    return request.param


def test_blocks_of_a_page_run(page, tmp_path):
    session = Session(tmp_path)
    for block in blocks_of(page.read_text()):
        try_block(block, session)


def test_links_lead_somewhere(page):
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
