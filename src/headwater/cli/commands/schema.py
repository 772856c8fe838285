"""`headwater schema`: the JSON Schema of project files."""

import json
from pathlib import Path

import click

from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="schema",
    short="Print the JSON Schema of project files, for editors.",
    example="headwater schema --write\nheadwater schema --check",
    params=[
        click.Option(
            ["--out"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file."
        ),
        click.Option(["--write"], is_flag=True, help="Write it to headwater.schema.json, where editors find it."),
        click.Option(["--check"], is_flag=True, help="Say whether headwater.schema.json is that of this version."),
    ],
)
def command(session: Session, out: Path | None, *, write: bool, check: bool) -> int:
    """Print the JSON Schema of project files, so that an editor completes and checks them.

    `init` keeps it as headwater.schema.json beside headwater.yaml, and every YAML file names it in its first line:
    # yaml-language-server: $schema=headwater.schema.json. After an upgrade of Headwater, --write renews it; --check
    ends with 1 if that is due.
    """
    from headwater.app.editor import SCHEMA_FILE, project_schema, schema_text
    from headwater.app.workspace import find_root

    if sum((out is not None, write, check)) > 1:
        raise click.UsageError("--out, --write and --check exclude each other", click.get_current_context())
    if check:
        return _checked(session, find_root(session.project.absolute()))
    if write:
        out = find_root(session.project.absolute()) / SCHEMA_FILE
    if out is None:
        session.out.lines([json.dumps(project_schema(), indent=2, ensure_ascii=False)])
        return 0
    session.write(out, schema_text().encode())
    if session.out.json:
        session.out.document({"file": str(out)})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} wrote {out}")
    return 0


def _checked(session: Session, root: Path) -> int:
    from headwater.app.editor import SCHEMA_FILE, stale_schema
    from headwater.diagnostics import Where, warning

    found = stale_schema(root)
    if not (root / SCHEMA_FILE).exists():
        found = warning("HW0678", f"there is no `{SCHEMA_FILE}`", Where(SCHEMA_FILE))
    if session.out.json:
        session.out.document({"current": found is None, "diagnostics": [found.as_json()] if found else []})
    elif found is None:
        session.out.remark(f"{click.style('✓', fg='green')} {SCHEMA_FILE} is current")
    else:
        session.say([found])
    return 0 if found is None else 1
