"""`headwater doctor`: what is broken in state and lake, and its repair."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.ending import BROKEN, DONE
from headwater.cli.framework import command as make
from headwater.cli.pages import Page, View
from headwater.cli.session import Session
from headwater.cli.views.text import clean

if TYPE_CHECKING:
    from headwater.app.doctor import Report


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found and done, and what was found afterwards."""

    report: "Report"
    after: "Report"


def _document(examined: Examined) -> dict[str, object]:
    report = examined.report
    return {
        "healthy": examined.after.is_healthy,
        "repaired": list(report.repaired),
        "set_aside": str(report.set_aside) if report.set_aside else None,
        "diagnostics": [each.as_json() for each in report.findings],
    }


def _lines(examined: Examined, page: Page) -> Iterator[str]:
    from headwater.cli.views.diagnostics import tally

    del page
    for done in examined.report.repaired:
        yield f"{click.style('+', fg='green')} {clean(done)}"
    if examined.after.is_healthy:
        yield f"{click.style('✓', fg='green')} State and lake are whole."
        return
    hint = "" if examined.report is not examined.after else " (`--repair` mends what can be mended)"
    yield f"{click.style('✗', fg='red')} {tally(examined.after.findings)}{hint}"


@make(
    name="doctor",
    short="Find what is broken in state and lake, and repair it.",
    example="headwater doctor\nheadwater doctor --repair",
    params=[
        click.Option(
            ["--repair"], is_flag=True, help="Rebuild a lost state from the lake; let lost rows be due again."
        ),
        click.Option(["--quick"], is_flag=True, help="Do not read every byte that is served."),
        options.yes(),
    ],
)
def command(session: Session, repair: bool, quick: bool, yes: bool) -> int:
    """Find what is broken in state and lake, and repair it.

    Looks at the state database, the history, and every file that is served. With `--repair`, while nobody else works
    on the project, a lost or damaged state is rebuilt from the lake (the old one is kept under another name), and rows
    that are lost become due. Exit code 5 if something is broken.
    """
    from headwater.app.doctor import doctor

    del yes  # never asks
    report = doctor(session.project, repair=repair, hashes=not quick)
    after = doctor(session.project, hashes=not quick) if report.repaired else report
    session.say(report.findings)
    session.out.show(Examined(report, after), View(_document, _lines))
    return DONE if after.is_healthy else BROKEN
