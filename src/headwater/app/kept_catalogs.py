"""Which catalogs headwater.yaml names: what every move asks, and answers with no without loading what writes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headwater.app.settings import PROJECT_FILE
from headwater.app.workspace import Workspace
from headwater.connect.durable import explained
from headwater.diagnostics import Diagnostic, HeadwaterError, Invalid, warning

if TYPE_CHECKING:
    from headwater.spec.project import Catalog


def keep_catalogs(workspace: Workspace, environment: str, *, again: bool = False) -> tuple[Diagnostic, ...]:
    """Bring the catalogs that headwater.yaml names for an environment to its head; what fails is a warning.

    Nothing is written where the file shows the head's release already, unless rows lie elsewhere now (``again``).
    """
    found: list[Diagnostic] = []
    try:
        wanted = _configured(workspace).get(environment)
        if wanted is not None:
            from headwater.app.catalogs import keep

            keep(workspace, environment, wanted, again=again)
    except HeadwaterError as problem:
        found += [_lagging(environment, each) for each in problem.diagnostics]
    return tuple(found)


def _lagging(environment: str, problem: Diagnostic) -> Diagnostic:
    hint = problem.hint or "the next apply, run or rollback tries again; so does `headwater catalog --duckdb FILE`"
    message = f"the catalog of `{environment}` was not brought up to date: {problem.message}"
    return warning("HW0683", message, problem.where, hint=hint)


def _configured(workspace: Workspace) -> Mapping[str, "Catalog"]:
    """What headwater.yaml says under ``catalogs``; the file is parsed only if the word stands in it."""
    with explained("HW0533", f"read {PROJECT_FILE}"):
        text = (workspace.root / PROJECT_FILE).read_text(encoding="utf-8-sig", errors="replace")
    if "catalogs" not in text:
        return {}
    from headwater.project.loading import read_catalogs

    catalogs, problems = read_catalogs(text)
    if problems:
        raise Invalid.from_all(problems)
    return catalogs
