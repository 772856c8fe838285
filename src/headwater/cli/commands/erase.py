"""`headwater erase`: erase somebody from every table, release and file."""

from collections.abc import Sequence
from typing import TextIO

import click

from headwater.cli import options
from headwater.cli.ending import DONE, FAILED
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="erase",
    short="Erase somebody from every table, release and file.",
    example="headwater erase customers.email --from who.txt --dry-run\nheadwater erase customers.email --from who.txt",
    params=[
        click.Argument(["subjects"], nargs=-1, required=True, metavar="SOURCE.COLUMN[=VALUE]..."),
        click.Option(
            ["--from", "values"],
            type=click.File("r", encoding="utf-8"),
            metavar="FILE",
            help="Where values stand, one a line, for subjects without one (`-`: standard input).",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Only say what would be erased."),
        click.Option(["--verify"], is_flag=True, help="Only look whether anything is left; exit code 6 if so."),
        options.wait(),
        options.yes(),
    ],
)
def command(
    session: Session,
    subjects: tuple[str, ...],
    values: TextIO | None,
    dry_run: bool,
    verify: bool,
    wait_s: float,
    yes: bool,
) -> int:
    """Erase somebody from what all environments serve and all releases keep.

    Rows whose column has the value are left out of every scan from then on, tables are filled anew without them, and
    what held them is deleted at once: releases that stood on it can be rolled back to in code only. The value is
    written nowhere, only a hash with a key of the project; with `--from` it stands in no shell history either.
    """
    from headwater.app.erasing.performing import erase, prove
    from headwater.app.erasing.planning import plan_erasure
    from headwater.app.erasing.subjects import asked
    from headwater.cli.views.erase import DONE_VIEW, PLAN, PROOF

    wanted = asked(_with_values(subjects, values.read().splitlines() if values else ()))
    with session.at_work() as workspace:
        planned = plan_erasure(workspace, wanted)
        if verify:
            proof = prove(workspace, planned)
            session.out.show(proof, PROOF)
            return DONE if proof.holds else FAILED
        if dry_run or (not session.out.json and not session.out.quiet):
            session.out.show(planned, PLAN)
        if dry_run:
            return DONE
        if not planned.refusals:
            session.confirm("Erase them? Nothing brings them back.", answered=yes)
        done = erase(workspace, planned, wait_s=wait_s)
    session.say(done.diagnostics)
    session.out.show(done, DONE_VIEW)
    return DONE if done.proof.holds else FAILED


def _with_values(subjects: Sequence[str], values: Sequence[str]) -> list[str]:
    """Give each value to the next subject without one; further values to the last of these."""
    left = [value for value in values if value]
    bare = [subject for subject in subjects if "=" not in subject]
    if bool(left) != bool(bare) or len(left) < len(bare):
        raise click.UsageError("as many values in --from as subjects without one", click.get_current_context())
    names = [*bare, *([bare[-1]] * (len(left) - len(bare)) if bare else [])]
    given = [f"{name}={value}" for name, value in zip(names, left, strict=True)]
    return [*(subject for subject in subjects if "=" in subject), *given]
