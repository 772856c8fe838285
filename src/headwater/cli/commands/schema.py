"""`headwater schema`: the JSON Schema of project files."""

import json
from pathlib import Path
from typing import Any

import click

from headwater.cli.framework import command as make
from headwater.cli.session import Session


def project_schema() -> dict[str, Any]:
    """Give the JSON Schema with the fields of every connector."""
    from headwater.app.registry import registry
    from headwater.project.schema import schema

    known = registry()
    return schema(
        sources={name: each.fields for name, each in known.sources.items()},
        sinks={name: each.fields for name, each in known.sinks.items()},
    )


@make(
    name="schema",
    short="Print the JSON Schema of project files, for editors.",
    example="headwater schema --out .headwater/schema.json",
    params=[
        click.Option(
            ["--out"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file."
        )
    ],
)
def command(session: Session, out: Path | None) -> None:
    """Print the JSON Schema of project files, so that an editor completes and checks them.

    In an editor that speaks yaml-language-server, begin a file with: # yaml-language-server: $schema=FILE
    """
    text = json.dumps(project_schema(), indent=2, ensure_ascii=False)
    if out is None:
        session.out.lines([text])
        return
    session.write(out, f"{text}\n".encode())
    if session.out.json:
        session.out.document({"file": str(out)})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} wrote {out}")
