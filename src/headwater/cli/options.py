"""Options: those of every command, taken before or after its name, and those that several commands take."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from headwater.cli.remembering import META


class GlobalOption(click.Option):
    """An option that may stand before or after the command's name; what is said later wins."""

    def __init__(self, *declarations: str, **settings: Any) -> None:
        super().__init__(list(declarations), expose_value=False, callback=_remember, **settings)


class _NoColor(GlobalOption):
    """Set by any value of NO_COLOR (no-color.org), not only by those that read as true."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        return self.resolve_envvar_value(ctx) is not None or None


def global_options() -> list[click.Option]:
    """Give the options of every command."""
    return [
        GlobalOption(
            "--project", metavar="DIR", type=click.Path(path_type=Path), help="Directory of the project (or below it)."
        ),
        GlobalOption(
            "--server",
            metavar="URL",
            help="Ask a server elsewhere, with the token in HEADWATER_TOKEN; default: HEADWATER_SERVER, or nobody.",
        ),
        GlobalOption("--insecure", is_flag=True, help="Let the token travel to --server in the open."),
        GlobalOption("--json", is_flag=True, help="Print one JSON document on stdout, and nothing else."),
        GlobalOption("--quiet", "-q", is_flag=True, help="Print results and errors only."),
        GlobalOption("--verbose", "-v", is_flag=True, help="Print more, such as each check and full versions."),
        _NoColor("--no-color", is_flag=True, envvar="NO_COLOR", help="Print without colours."),
        GlobalOption(
            "--var", metavar="K=V", multiple=True, help="Give a variable of the project another value (repeatable)."
        ),
    ]


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if option.name == "var":
        context.meta.setdefault(META + "var", {}).update(_pair(context, option, text) for text in value)
    elif value:
        context.meta[META + str(option.name)] = value


def _pair(context: click.Context, option: click.Parameter, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.BadParameter(f"`{text}` is not of the form name=value", context, option)
    return name, value


def environment(text: str = "The environment.") -> click.Option:
    """`--env NAME`, default dev."""
    return click.Option(
        ["--env", "environment"],
        metavar="NAME",
        default="dev",
        show_default=True,
        help=text,
        shell_complete=complete_environment,
    )


def yes() -> click.Option:
    """`--yes`: the answer to the question a command would ask."""
    return click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")


def message() -> click.Option:
    """`--message TEXT`: kept with the release."""
    return click.Option(["--message", "-m"], metavar="TEXT", default="", help="A note to keep with the release.")


def wait() -> click.Option:
    """`--wait DURATION`: how long to wait for somebody else, in seconds."""
    return click.Option(
        ["--wait", "wait_s"],
        metavar="DURATION",
        default="10m",
        show_default=True,
        type=Duration(),
        help="How long to wait for another apply or run before giving up.",
    )


def nodes(declarations: list[str], text: str) -> click.Option:
    """Give an option that takes a node, or a pattern of nodes, and may be repeated."""
    return click.Option(declarations, metavar="NODE", multiple=True, help=text, shell_complete=complete_node)


def moment(declarations: list[str], text: str, *, required: bool = False) -> click.Option:
    """Give an option that takes a day or a time, with or without a zone."""
    return click.Option(declarations, metavar="TIME", type=Moment(), required=required, help=text)


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """A day or a time such as 2024-01-31, 2024-01-31T06:00 or 2024-01-31T06:00Z; naive where no zone is written."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the text."""
        try:
            return value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"`{value}` is no time: write `2024-01-31` or `2024-01-31T06:00`", param, ctx)


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """A duration such as 90s, 5m or 2h, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text; a number stands for itself."""
        from headwater.spec.units import parse_duration

        try:
            return float(parse_duration(value)) if isinstance(value, str) else float(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


def complete_environment(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an environment."""
    del option
    from headwater.cli.completing import environment_names

    return [name for name in environment_names(context) if name.startswith(incomplete)]


def complete_node(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a node."""
    del option
    from headwater.cli.completing import node_names

    return [name for name in node_names(context) if name.startswith(incomplete)]


def complete_release(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of a release."""
    del option
    from headwater.cli.completing import release_ids

    return [name for name in release_ids(context) if name.startswith(incomplete)]


def complete_run(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of a run."""
    del option
    from headwater.cli.completing import run_ids

    return [name for name in ("last", *run_ids(context)) if name.startswith(incomplete)]


def limit(text: str) -> click.Option:
    """`--limit N`: how many rows to show."""
    return click.Option(["--limit", "-n"], type=click.IntRange(min=0), metavar="N", help=text)


def form() -> click.Option:
    """`--format table|csv|json`: how rows are printed."""
    return click.Option(
        ["--format", "form"], type=click.Choice(["table", "csv", "json"]), help="How to print rows; default: table."
    )
