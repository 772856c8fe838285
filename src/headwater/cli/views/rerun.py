"""What a rerun did, and with which release."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.cli.pages import Page, View
from headwater.cli.views import outcome

if TYPE_CHECKING:
    from headwater.app.rerunning import Rerun


@dataclass(frozen=True, slots=True)
class Repeated:
    """A rerun and its outcome."""

    rerun: "Rerun"
    done: outcome.Done


def document(repeated: Repeated) -> dict[str, object]:
    """Give the outcome's shape with the run that was repeated, the release it used, and the one used now."""
    rerun = repeated.rerun
    return {"rerun_of": rerun.run, "used": rerun.used, "uses": rerun.release} | outcome.document(repeated.done)


def lines(repeated: Repeated, page: Page) -> Iterator[str]:
    """Say which release was used, then what was done."""
    yield repeated.rerun.said
    yield from outcome.lines(repeated.done, page)


RERUN: Final[View[Repeated]] = View(document, lines)
