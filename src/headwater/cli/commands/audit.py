"""`headwater audit`: who did what, what crossed by which rule, and whether any of it was changed since."""

from pathlib import Path

import click

from headwater.cli.ending import DONE, FAILED
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session


def _site() -> click.Option:
    return click.Option(["--site"], metavar="SITE", default="hub", help="The chain of a site on this machine.")


@make(
    name="list",
    short="List who did what, and who was refused.",
    example='headwater audit\nheadwater audit list --kind "webhook refused"',
    params=[
        click.Option(["--kind"], metavar="TEXT", help="Only entries of a kind, such as `release`."),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=20, show_default=True, help="How many."),
    ],
)
def list_(session: Session, kind: str | None, limit: int) -> None:
    """List the entries of the audit chain, newest first: releases, orders, exchanges, refused webhooks.

    Each entry holds the hash of the one before it; `headwater audit verify` proves that none was changed or taken out.
    """
    from headwater.cli.views.audit import AUDIT
    from headwater.state.audit import last_entries

    with session.workspace() as workspace:
        session.out.show(last_entries(workspace.db, limit, kind), AUDIT)


@make(
    name="show",
    short="Show one entry whole: a certificate in words.",
    example="headwater audit show 12\nheadwater audit show 3 --site eu",
    params=[click.Argument(["sequence"], metavar="SEQUENCE", type=click.IntRange(min=1)), _site()],
)
def show(session: Session, sequence: int, site: str) -> None:
    """Show one entry whole.

    Of an exchange: who sent what to whom, the columns and in which form they left, by which rules (with the file and
    line where they stand now), what decided about rows (constants are not kept), and how much crossed.
    """
    from headwater.app.telling_entries import tell_entry
    from headwater.cli.views.audit_entry import ENTRY

    with session.workspace() as workspace:
        session.out.show(tell_entry(workspace, sequence, site), ENTRY)


@make(
    name="verify",
    short="Prove that no entry was changed, taken out or cut off.",
    example="headwater audit verify\nheadwater audit verify --checkpoint monday.json",
    params=[
        click.Option(
            ["--checkpoint"],
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Also prove that the chains still begin with what was signed then.",
        ),
        click.Option(
            ["--public-key"], metavar="HEX", default="", help="--checkpoint: the key that must have signed it."
        ),
    ],
)
def verify(session: Session, checkpoint: Path | None, public_key: str) -> int:
    """Prove that no entry was changed, taken out or cut off, here and in the chains of sites on this machine.

    Every exchange that the hub has noted must stand, word by word, in the chain of the site that sent it. Exit code 6
    if something does not hold.
    """
    if public_key and checkpoint is None:
        raise click.UsageError("--public-key says who signed the --checkpoint", click.get_current_context())
    from headwater.app.auditing import verify as verified
    from headwater.app.checkpoints import read_checkpoint, still_holds
    from headwater.cli.views.audit_checks import CHECKED, Checked

    with session.workspace() as workspace:
        signed = read_checkpoint(checkpoint, public_key) if checkpoint else None
        lost = tuple(still_holds(workspace, signed)) if signed else ()
        found = Checked(verified=verified(workspace), checkpoint=signed, lost=lost)
    session.out.show(found, CHECKED)
    return FAILED if found.wrong else DONE


@make(
    name="export",
    short="Write a chain to a file that anybody can check.",
    example="headwater audit export audit.jsonl\nheadwater audit export eu.jsonl --site eu",
    params=[
        click.Argument(["file"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)),
        _site(),
    ],
)
def export(session: Session, file: Path, site: str) -> None:
    """Write a chain as JSON lines, oldest first: of each entry its `hash`, and `hashed`, of which that is the SHA-256.

    `hashed` is itself JSON: number, time, kind, details, and the hash of the entry before (64 zeros for the first).
    What is written is what is there, unverified: whoever gets the file checks it.
    """
    from headwater.app.auditing import export as exported

    with session.workspace() as workspace:
        lines = list(exported(workspace, site))
    session.write(file, b"".join(lines))
    if session.out.json:
        session.out.document({"site": site, "entries": len(lines), "file": str(file)})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} {len(lines):,} entries of {site} are in {file}.")


@make(
    name="checkpoint",
    short="Sign how the chains stand now.",
    example="headwater audit checkpoint monday.json",
    params=[
        click.Argument(["file"], metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path))
    ],
)
def checkpoint(session: Session, file: Path | None) -> None:
    """Sign how the chains stand now; keep the file elsewhere, such as with an auditor.

    `audit: {secret: "${env:AUDIT_KEY}"}` in headwater.yaml refers to the private Ed25519 key. The public key is
    printed, and stands in the file: with it anybody can check the signature. Without FILE the checkpoint is printed.
    """
    from headwater.app.checkpoints import make_checkpoint
    from headwater.cli.views.audit_checks import SIGNED

    with session.workspace() as workspace:
        made = make_checkpoint(workspace)
    if file is None:
        session.out.lines(made.content.decode().splitlines())
        return
    session.write(file, made.content)
    session.out.show(made, SIGNED)


command = group(
    "audit",
    "List who did what, and what crossed by which rule; prove that none of it was changed.",
    short="List who did what, and prove that it is unchanged.",
    example="headwater audit\nheadwater audit show 12\nheadwater audit verify",
    commands=[list_, show, verify, export, checkpoint],
    default=list_,
)
