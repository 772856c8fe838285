"""What all commands share: options before or after the name, help with an example, loading on first use, endings."""

import importlib
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, NoReturn

import click

from headwater.cli.options import GlobalOption, global_options
from headwater.cli.session import Session

_NAME_WIDTH: Final = 12
_Body = Callable[..., int | None]


class Command(click.Command):
    """A command whose body takes a Session first and gives the exit code (None: 0)."""

    def __init__(self, *, body: _Body, example: str, remote: str = "", **settings: Any) -> None:
        """``remote``: the function of ``cli.remote.commands`` that does it on a server elsewhere; empty: none."""
        self.body, self.example, self.remote = body, example, remote
        settings["params"] = [*settings.get("params", ()), *global_options()]
        super().__init__(callback=self._call, **settings)

    def _call(self, **values: Any) -> int | None:
        session = Session.of(click.get_current_context())
        place = session.place(can_be_elsewhere=bool(self.remote))
        if place is None:
            return self.body(session, **values)
        from headwater.cli.remote import commands
        from headwater.cli.remote.calling import Server

        there: _Body = getattr(commands, self.remote)
        return there(session, Server(place), **values)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those that every command takes."""
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        del ctx
        _write_example(self.example, formatter)


class Group(click.Group):
    """Commands by section: names and short help from a table, the code of each from a module of its own."""

    def __init__(
        self,
        *,
        example: str,
        sections: Mapping[str, Mapping[str, str]],
        package: str = "",
        default: Command | None = None,
        **settings: Any,
    ) -> None:
        """``default``: the command that it is by itself, with its options; None: by itself it shows its help."""
        self.example, self.sections, self.package, self._default = example, sections, package, default
        own = [each for each in default.params if not isinstance(each, GlobalOption)] if default else []
        settings["params"] = [*settings.get("params", ()), *own, *global_options()]
        metavar = "[COMMAND] …" if default else "COMMAND …"
        super().__init__(
            no_args_is_help=default is None,
            invoke_without_command=default is not None,
            callback=self._by_itself if default else None,
            subcommand_metavar=metavar,
            **settings,
        )

    def _by_itself(self, **values: Any) -> int | None:
        context = click.get_current_context()
        if context.invoked_subcommand is not None or self._default is None or self._default.callback is None:
            return None
        found: int | None = self._default.callback(**values)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order of the table."""
        del ctx
        return [name for section in self.sections.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command's module."""
        if not self.package or cmd_name not in self.list_commands(ctx):
            return super().get_command(ctx, cmd_name)
        found: click.Command = importlib.import_module(f"{self.package}.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            from headwater.diagnostics import suggest

            hint = suggest(name, self.list_commands(ctx))
            raise click.UsageError(f"there is no command `{name}`" + (f": {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete names from the table, without loading a command."""
        from click.shell_completion import CompletionItem

        texts = {name: text for section in self.sections.values() for name, text in section.items()}
        own = [CompletionItem(name, help=text) for name, text in texts.items() if name.startswith(incomplete)]
        return own + click.Command.shell_complete(self, ctx, incomplete)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, then the options."""
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(_NAME_WIDTH), text) for name, text in names.items()])
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        del ctx
        _write_example(self.example, formatter)

    def main(  # type: ignore[override]  # always ends the process, with the exit codes of the product
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command and exit with its code; every way in which it can end is said to the user, never as a trace."""
        from headwater.cli.ending import ended

        given = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        run = super().main
        sys.exit(ended(lambda: run(given, prog_name, standalone_mode=False, **extra), given))


def command(
    *, example: str, short: str, params: Sequence[click.Parameter] = (), name: str | None = None, remote: str = ""
) -> Callable[[_Body], Command]:
    """Make a function a command: its docstring is the help, ``short`` the line in the group's list.

    ``remote``: the function that takes its place where a server elsewhere is asked.
    """

    def make(body: _Body) -> Command:
        return Command(
            body=body,
            example=example,
            remote=remote,
            name=name or body.__name__.replace("_", "-"),
            help=body.__doc__,
            short_help=short,
            params=list(params),
        )

    return make


def group(
    name: str, text: str, *, example: str, short: str, commands: Sequence[Command], default: Command | None = None
) -> Group:
    """Make a command that has commands of its own; by itself it does what ``default`` does."""
    named: MutableMapping[str, click.Command] = {str(each.name): each for each in commands}
    table = {"Commands": {name: str(each.short_help) for name, each in named.items()}}
    return Group(
        name=name, help=text, short_help=short, example=example, sections=table, commands=named, default=default
    )


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Options of every command": []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record:
            title = "Options of every command" if isinstance(param, GlobalOption) else "Options"
            sections[title].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _write_example(example: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Example" if "\n" not in example else "Examples"):
        for line in example.splitlines():
            formatter.write(f"{'':{formatter.current_indent}}$ {line}\n")
