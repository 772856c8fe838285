"""What keeps alerts from being sent, said before anything has gone wrong: when a server starts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from headwater.app.alerting.delivering import url_of
from headwater.delivery.channels import is_installed, needs_package, problem_of
from headwater.diagnostics import Diagnostic, Invalid, Where, error
from headwater.graph.values import AlertNode

_REFERENCE: Final = "${"


def channel_problems(alerts: Iterable[AlertNode], root: Path) -> list[Diagnostic]:
    """Say which channels could not be written to from here: their secrets are resolved, and never shown."""
    listed = tuple(alerts)
    if listed and not is_installed():
        return [needs_package()]
    return [found for each in listed for to in dict.fromkeys(each.to) for found in problems_of(each, to, root)]


def problems_of(alert: AlertNode, to: str, root: Path) -> list[Diagnostic]:
    """Say why one channel of an alert could not be written to."""
    where = Where(alert.file, alert.line) if alert.file else None
    try:
        problem = problem_of(url_of(to, root))
    except Invalid as unresolved:
        return list(unresolved.diagnostics)
    message = f"the alert `{alert.name}` cannot be sent to {shown(to)}: {problem}"
    return [error("HW1067", message, where)] if problem else []


def shown(to: str) -> str:
    """Name a channel without what opens it: by its references, or by its scheme.

    >>> shown("${env:SLACK_URL}"), shown("slack://T00/B11/abc")
    ('`${env:SLACK_URL}`', '`slack://…`')
    """
    if _REFERENCE in to:
        return f"`{to}`"
    scheme, separator, _ = to.partition("://")
    return f"`{scheme}://…`" if separator else "`…`"
