"""`headwater sites`: which places there are, whether they answer, and under which rules."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session


@make(name="list", short="Show all sites.", example="headwater sites\nheadwater sites list --json")
def list_(session: Session) -> None:
    """Show all sites: their jurisdiction, whether they answer under the project's rules, and what they hold.

    Amounts are rounded to two digits and told from a thousand rows up: no more is known of a site's rows here.
    """
    from headwater.app.checking import graph_of
    from headwater.app.overseeing import overlook
    from headwater.cli.views.sites import SITES

    with session.workspace() as workspace:
        graph = graph_of(workspace.root, session.variables)
        session.out.show(overlook(workspace, graph), SITES)


@make(
    name="approve",
    short="Let a site answer under the project's rules as they are now.",
    example="headwater sites approve eu\nheadwater sites approve --all --yes",
    params=[
        click.Argument(["site"], metavar="SITE", required=False),
        click.Option(["--all", "every"], is_flag=True, help="All sites that compute for themselves on this machine."),
        options.yes(),
    ],
)
def approve(session: Session, site: str | None, every: bool, yes: bool) -> None:
    """Let a site answer under the project's rules as they are now: sources, policies, places and keys.

    The site's operator does this, where the site's home directory is. It shows what changes beside the rules approved
    last, and asks. From then on the site proves every query against these rules; whoever changes a rule later must
    have it approved again, or the site refuses.
    """
    from headwater.app.checking import graph_of
    from headwater.app.overseeing import approve_rules, propose
    from headwater.cli.views.sites import PROPOSAL

    with session.workspace() as workspace:
        graph = graph_of(workspace.root, session.variables)
        names = sorted(graph.borders.remote) if every else [site] if site else []
        if not names:
            raise click.UsageError("name a site, or say --all")
        for name in names:
            found = propose(workspace, graph, name)
            if not session.out.json:
                session.out.show(found, PROPOSAL)
            session.confirm(f"Approve for {name}?", answered=yes or found.is_approved)
            approve_rules(workspace, graph, name)
        if session.out.json:
            session.out.document([{"site": name, "charter": found.charter, "approved": True} for name in names])
        else:
            session.out.remark(f"{click.style('✓', fg='green')} Approved for {', '.join(names)}.")


@make(
    name="withdraw",
    short="Have a site answer under no rules any more.",
    example="headwater sites withdraw eu --yes",
    params=[click.Argument(["site"], metavar="SITE"), options.yes()],
)
def withdraw(session: Session, site: str, yes: bool) -> None:
    """Have a site answer under no rules any more, until its operator approves some again."""
    from headwater.app.checking import graph_of
    from headwater.app.overseeing import withdraw_rules

    with session.workspace() as workspace:
        graph = graph_of(workspace.root, session.variables)
        session.confirm(f"Have {site} refuse everything from now on?", answered=yes)
        gone = list(withdraw_rules(workspace, graph, site))
    if session.out.json:
        session.out.document({"site": site, "withdrawn": gone})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} {site} answers no more.")


@make(
    name="forget",
    short="Have a site take what is there of a source for all of it.",
    example="headwater sites forget eu access --yes",
    params=[click.Argument(["site"], metavar="SITE"), click.Argument(["source"], metavar="SOURCE"), options.yes()],
)
def forget(session: Session, site: str, source: str, yes: bool) -> None:
    """Have a site take what is there of a source for all of it: files that have vanished are not waited for.

    The site's operator does this, where the site's home directory is. What was computed from rows that are gone is
    computed anew, without them.
    """
    from headwater.app.checking import graph_of
    from headwater.app.overseeing import forget_files

    with session.workspace() as workspace:
        graph = graph_of(workspace.root, session.variables)
        session.confirm(f"Take what {site} has of {source} now for all of it?", answered=yes)
        forget_files(workspace, graph, site, source)
    if session.out.json:
        session.out.document({"site": site, "source": source, "forgotten": True})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} {site} takes what it has of {source} for all of it.")


command = group(
    "sites",
    "Show the places that hold data; approve the rules under which they answer.",
    short="Show the places that hold data, approve their rules.",
    example="headwater sites\nheadwater sites approve eu",
    commands=[list_, approve, withdraw, forget],
    default=list_,
)
