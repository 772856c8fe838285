"""`headwater state`: the state as a whole is exported, imported, backed up and upgraded."""

from pathlib import Path
from typing import Final

import click

from headwater.cli import options
from headwater.cli.ending import DONE
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@make(
    name="export",
    short="Write the whole state to one portable file.",
    example="headwater state export state.zip",
    params=[click.Argument(["file"], metavar="FILE", type=_FILE)],
)
def export(session: Session, file: Path) -> int:
    """Write the whole state to one portable file, as it is at one moment; others may go on working.

    The file is a zip of JSON lines with a hash for each table. `headwater state import` fills a state of any kind from
    it: so one goes from SQLite to Postgres, or back. The rows of tables are not in it: they are in the lake.
    """
    from headwater.app.transferring_state import export_state
    from headwater.cli.views.state import WRITTEN

    session.out.show(export_state(session.project, file), WRITTEN)
    return DONE


@make(
    name="import",
    short="Fill an empty state from an export.",
    example="headwater state import state.zip\nheadwater state import state.zip --replace",
    params=[
        click.Argument(["file"], metavar="FILE", type=_FILE),
        click.Option(
            ["--replace"], is_flag=True, help="Take the place of a state that is not empty; that one is kept."
        ),
        options.yes(),
    ],
)
def import_(session: Session, file: Path, replace: bool, yes: bool) -> int:
    """Fill the state that `state:` names from a file that `headwater state export` wrote.

    The state must be empty, or there must be none. All of the file is read, compared with its hashes, and brought to
    the schema of this version before anything changes. With `--replace` a state that is not empty is moved aside, and
    kept under another name; stop all servers first.
    """
    from headwater.app.transferring_state import import_state
    from headwater.cli.views.state import IMPORTED

    if replace:
        session.confirm("Replace the state?", answered=yes)
    found = import_state(session.project, file, replace=replace)
    session.say(found.findings)
    session.out.show(found, IMPORTED)
    return DONE


@make(
    name="backup",
    short="Copy the state while others work on it.",
    example="headwater state backup backups/monday.db",
    params=[click.Argument(["file"], metavar="FILE", type=_FILE)],
)
def backup(session: Session, file: Path) -> int:
    """Copy the state as it is at one moment, while others work on it.

    A state in a file is copied as a file of SQLite, which can take its place. One on Postgres is exported; the server's
    own backups do as well.
    """
    from headwater.app.transferring_state import back_up_state
    from headwater.cli.views.state import WRITTEN

    session.out.show(back_up_state(session.project, file), WRITTEN)
    return DONE


@make(
    name="upgrade",
    short="Bring the state's tables to this version.",
    example="headwater state upgrade --preview\nheadwater state upgrade",
    params=[
        click.Option(["--preview"], is_flag=True, help="Only say which steps it takes."),
        click.Option(["--regardless"], is_flag=True, help="Also while somebody seems to be at work."),
    ],
)
def upgrade(session: Session, preview: bool, regardless: bool) -> int:
    """Bring the tables of the state to what this version of Headwater needs, in numbered steps and one transaction.

    A state in a file is upgraded by the first command of a new version anyway; one on Postgres only by this command,
    since others may be using it. It refuses while servers are at work. Older versions refuse the state afterwards; take
    a copy first (`headwater state backup`) to be able to go back.
    """
    from headwater.app.transferring_state import upgrade_state
    from headwater.cli.views.state import UPGRADED

    session.out.show(upgrade_state(session.project, preview=preview, regardless=regardless), UPGRADED)
    return DONE


command = group(
    "state",
    "Export, import, back up and upgrade the state: what every environment serves, and what was done.",
    short="Export, import, back up and upgrade the state.",
    example="headwater state export state.zip",
    commands=[export, import_, backup, upgrade],
)
