"""`headwater catalog`: what other programs need to read what an environment serves."""

from pathlib import Path

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="catalog",
    short="Tell other programs which files hold what is served.",
    example="headwater catalog --env prod --json\nheadwater catalog --env prod --duckdb out/prod.duckdb",
    params=[
        options.environment(),
        click.Option(
            ["--duckdb", "file"],
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write a DuckDB file with one view per table and view.",
        ),
        click.Option(
            ["--node"],
            metavar="NODE",
            multiple=True,
            help="Only this one: a name, +a, a+, tag:x, path:p (repeatable). Views bring what they stand on.",
            shell_complete=options.complete_node,
        ),
        click.Option(["--relative"], is_flag=True, help="Write paths relative to the project's directory."),
    ],
)
def command(session: Session, environment: str, file: Path | None, node: tuple[str, ...], relative: bool) -> None:
    """Tell other programs which files hold what an environment serves.

    Without --duckdb, the files of each table are listed (all of them with `--json`). With it, a DuckDB file is written
    whose views stand on exactly these files; one that is there is replaced at once, and whoever has it open keeps what
    he sees. `catalogs:` in headwater.yaml has that done after each apply, run and rollback.
    """
    from headwater.app.catalogs import served, write_catalog
    from headwater.cli.views.catalog import CATALOG, WRITTEN

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        if file is None:
            session.out.show(served(workspace, environment, select=node, relative=relative), CATALOG)
        else:
            session.out.show(write_catalog(workspace, environment, file, select=node, relative=relative), WRITTEN)
