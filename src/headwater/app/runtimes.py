"""Where the sites of a project are, and what computes there: opened when first needed, ended with the workspace."""

import os
from pathlib import Path
from typing import Final

from headwater.app.registry import registry
from headwater.app.secrets import resolve
from headwater.connect.runtimes import Runtime, SitePlace
from headwater.graph.borders import Borders, SiteNode

SITES: Final = Path(".headwater/sites")
"""Below the project: the home of each site that runs on this machine."""
_SHARE: Final = 0.8
"""Of this machine's memory, what its sites may use together: as much as one engine by itself would take."""


def home_of(root: Path, site: str) -> Path:
    """Give the home directory of a site that runs on this machine."""
    return root.absolute() / SITES / site


def places_of(borders: Borders, root: Path, runtime: str = "local") -> dict[str, SitePlace]:
    """Give what a runtime must know of each site that it reaches; ``root`` is the directory of the project."""
    sites = [each for each in borders.sites if each.runtime == runtime]
    shared = _memory_bytes() // max(len(sites), 1)
    return {each.name: _place(each, root.absolute(), shared) for each in sites}


def _memory_bytes() -> int:
    """Give how much of this machine's memory all of its sites may use together; 0: nothing says how much it has."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _SHARE)
    except (AttributeError, ValueError, OSError):
        return 0


def open_runtime(borders: Borders, root: Path) -> Runtime:
    """Give what talks to the remote sites of a project; nothing is started before it is needed. Close it."""
    return registry().runtimes["local"].make({}, places_of(borders, root))


def _place(site: SiteNode, root: Path, memory_bytes: int) -> SitePlace:
    start = Path(os.path.normpath(root / resolve(site.root, root)))
    return SitePlace(
        site=site.name,
        home=str(home_of(root, site.name)),
        root=str(start),
        capacity=site.capacity,
        memory_bytes=memory_bytes // site.capacity,
    )
