"""What happened to an environment, release by release: whether code moved, data, or both."""

from dataclasses import dataclass
from typing import Literal

from headwater.app.workspace import Workspace
from headwater.spec.releases import Release
from headwater.state.compactions import Compaction, compactions
from headwater.state.database import Database
from headwater.state.janitor import missing_rows
from headwater.state.releases import find_release
from headwater.state.releases import history as releases_of

Moved = Literal["code", "data", "code and data", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A release and what it moved."""

    release: Release
    moved: Moved
    """``data``: rows of nodes whose version stayed. Rows that came with a new version are part of the code's move."""
    is_current: bool
    """Whether the environment stands on it."""
    can_return: bool
    """Whether its rows are still there, so that a rollback can go to it."""


def history(workspace: Workspace, environment: str | None = None, limit: int = 20) -> tuple[Recorded, ...]:
    """Give the last releases, newest first; of all environments, deleted ones too, if ``environment`` is None."""
    db = workspace.db
    with db.read():
        found = releases_of(db, environment, limit)
        codes = {release.id: release.code for release in found}
        newest: dict[str, str] = {}
        for release in found:
            newest.setdefault(release.environment, release.id)
        recorded = [
            Recorded(
                release=release,
                moved=_moved(release, _code_before(db, release, codes)),
                is_current=newest[release.environment] == release.id,
                can_return=not missing_rows(db, release.id),
            )
            for release in found
        ]
        packed = [_packed(done) for done in compactions(db, environment, limit)]
        return tuple(_merged(recorded, packed)[:limit])


def _merged(releases: list[Recorded], packed: list[Recorded]) -> list[Recorded]:
    """Put what was packed before the newest release that is no newer; both are newest first."""
    found: list[Recorded] = []
    for each in releases:
        while packed and packed[0].release.at >= each.release.at:
            found.append(packed.pop(0))
        found.append(each)
    return found + packed


def _counted(packs: int) -> str:
    return "1 pack" if packs == 1 else f"{packs:,} packs"


def _packed(done: Compaction) -> Recorded:
    """Rows that lie in fewer files since: nothing to go back to, and nothing that was served changed."""
    release = Release(
        id="",
        environment=done.environment,
        kind="compact",
        at=done.at,
        by=done.by,
        commit="",
        message=f"{done.fills:,} slots in {done.files:,} files lie in {_counted(done.packs)} now",
        code="",
        parent=None,
        nodes=(done.node,),
    )
    return Recorded(release=release, moved="nothing", is_current=False, can_return=False)


def _moved(release: Release, code_before: str | None) -> Moved:
    versions = {change.node for change in release.versions}
    is_code = bool(versions) or (code_before is not None and code_before != release.code)
    is_data = not versions.issuperset(release.nodes)
    if is_code:
        return "code and data" if is_data else "code"
    return "data" if is_data else "nothing"


def _code_before(db: Database, release: Release, codes: dict[str, str]) -> str | None:
    """The code of the release before; None for an environment's first release, whose versions say enough."""
    if release.parent is None:
        return None
    return codes.get(release.parent) or find_release(db, release.parent).code
