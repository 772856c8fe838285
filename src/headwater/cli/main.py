"""The command `headwater`: a static table of commands, each loaded only when it is called."""

from typing import Final

import click

from headwater.cli import cycles
from headwater.cli.framework import Group

SECTIONS: Final[dict[str, dict[str, str]]] = {
    "Write": {
        "init": "Start a new project from a template.",
        "check": "Read the whole project and report every mistake at once.",
        "test": "Run the tests of models and policies, in memory.",
        "plan": "Show what an apply would change, and why.",
        "apply": "Bring an environment to what the files say.",
        "diff": "Show what differs: code and environment, or two environments.",
    },
    "Run": {
        "run": "Fill what is due in an environment, with the code it has.",
        "rerun": "Do a run again, or only what failed in it.",
        "backfill": "Fill a stretch of time in chunks, beside the daily runs.",
        "status": "Show what stands in an environment, and what is due.",
        "history": "List the releases of an environment, newest first.",
        "rollback": "Take an environment back to an earlier release.",
        "quarantine": "Look at rows that were set aside, or read them again.",
        "env": "List, create, compare and delete environments.",
    },
    "Serve": {
        "serve": "Run every pipeline when it is due.",
        "trigger": "Run a pipeline now, on a server if one serves.",
        "cancel": "Stop a run that waits or runs on a server.",
        "pause": "Keep a pipeline from starting by itself.",
        "resume": "Let a paused pipeline start by itself again.",
    },
    "Watch": {
        "runs": "List runs, newest first: why, how long, what came of it.",
        "logs": "Show what a run said, or follow what it says.",
        "alerts": "Show what is wrong and who was told.",
        "stats": "Show how well pipelines do: success, durations, recovery.",
        "top": "Watch runs, queue, workers and incidents, live.",
    },
    "Read": {
        "query": "Ask an environment a question in SQL.",
        "show": "Show the first rows of a table.",
        "lineage": "Show who reads what, down to columns.",
        "catalog": "Tell other programs which files hold what is served.",
    },
    "Govern": {
        "explain": "Show how a column gets somewhere, and why it may.",
        "scan": "Propose classes for columns that have none.",
        "sites": "Show the places that hold data, approve their rules.",
        "audit": "List who did what, and prove that it is unchanged.",
        "erase": "Erase somebody from every table, release and file.",
    },
    "Maintain": {
        "janitor": "Delete rows that nobody needs any more.",
        "token": "Make, list and revoke the API's tokens.",
        "state": "Export, import, back up and upgrade the state.",
        "doctor": "Find what is broken in state and lake, and repair it.",
        "schema": "Print the JSON Schema of project files, for editors.",
        "completion": "Print the script that completes commands in a shell.",
    },
}
"""Section → command → what it does: all that `headwater --help` needs to know."""

_HELP: Final = """Data pipelines as code, run where the data lives.

A project is a directory with headwater.yaml. Plan a change before it happens, test it, apply it to an
environment, run it, and take it back."""


def _print_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from headwater import __version__

        click.echo(f"headwater {__version__}")
        context.exit()


cli: Final = Group(
    name="headwater",
    help=_HELP,
    example="headwater init first && cd first && headwater apply",
    sections=SECTIONS,
    package="headwater.cli.commands",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and exit.",
        )
    ],
)


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    cycles.look_seldom()
    try:
        cli.main()
    finally:
        cycles.look_no_more()
