"""`headwater explain`: how a column gets somewhere, and why it may."""

from collections.abc import Iterable

import click

from headwater.cli import options
from headwater.cli.ending import DONE, REFUSED
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="explain",
    short="Show how a column gets somewhere, and why it may.",
    example=(
        "headwater explain traffic.bytes\nheadwater explain traffic@eu\n"
        'headwater explain "SELECT client_ip FROM access_log" --at hub'
    ),
    params=[
        click.Argument(["flow"], metavar="FLOW", shell_complete=options.complete_node),
        click.Option(["--at"], metavar="SITE", default="hub", help="A query: the site that asks; default: hub."),
        click.Option(
            ["--through"],
            metavar="SOURCE=POLICY",
            multiple=True,
            help="A query: the policy by which it reads a source (repeatable).",
        ),
    ],
)
def command(session: Session, flow: str, at: str, through: tuple[str, ...]) -> int:
    """Show how a column gets somewhere, and why it may: the sources' columns behind it, and what carries them.

    FLOW is a node, a column (`node.column`), or either with the place that is to have it (`node@site`): which columns
    of sources it is made of or decided by, with their classes; which exchange carries them, in which form, by which
    rule, and when it last did. What is refused is said with what would make it legal.

    FLOW may be a query, too: it is judged as if a model at a site read it. Exit code 3 if something is refused.
    """
    from headwater.app.explaining import explain, explain_query
    from headwater.cli.views.explained import explained_view

    is_query = len(flow.split()) > 1
    if not is_query and (at != "hub" or through):
        message = f"--at and --through are for queries; of a node say `{flow}@SITE`"
        raise click.UsageError(message, click.get_current_context())
    with session.workspace() as workspace:
        found = explain_query(workspace, flow, at, _pairs(through)) if is_query else explain(workspace, flow)
        session.out.show(found, explained_view(workspace.root))
    return REFUSED if found.refused else DONE


def _pairs(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for each in given:
        source, equals, rule = each.partition("=")
        if not (source and equals and rule):
            message = f"`{each}` is no pair: write `--through access_log=traffic-totals`"
            raise click.UsageError(message, click.get_current_context())
        found[source] = rule
    return found
