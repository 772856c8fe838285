"""What channels are told: several news in one message, the worst first, each with what to do and a key of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.delivery.channels import Level, Message
from headwater.diagnostics import conceal
from headwater.events.quantities import count, duration
from headwater.state.incidents import Incident

_MOST_SHOWN: Final = 20
_RANK: Final = {"opened": 0, "repeat": 1, "recovered": 2}


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell of an incident: ``opened``, ``repeat 2`` or ``recovered``."""

    incident: Incident
    kind: str

    @property
    def key(self) -> str:
        """The same for the same news, however often it is sent: a reader that has it may pass it over."""
        return f"{self.incident.id}/{self.kind.replace(' ', '-')}"

    @property
    def is_recovery(self) -> bool:
        """Whether it is well again."""
        return self.kind == "recovered"

    @property
    def rank(self) -> tuple[int, int]:
        """What is wrong comes before what is well, errors before warnings."""
        return _RANK[self.kind.partition(" ")[0]], int(self.incident.severity != "error")


def message_of(project: str, news: Sequence[News], now: datetime) -> Message:
    """Make one message of some news; the same news from several alerts are told once."""
    told = sorted({each.key: each for each in news}.values(), key=lambda each: each.rank)
    parts = [_part(each, now) for each in told[:_MOST_SHOWN]]
    if len(told) > _MOST_SHOWN:
        keys = " ".join(each.key for each in told[_MOST_SHOWN:])
        parts.append(f"… and {len(told) - _MOST_SHOWN} more: `headwater alerts list` shows them\nkeys: {keys}")
    return Message(title=conceal(_title(project, told)), body=conceal("\n\n".join(parts)), level=_level(told))


def trial(project: str, alert: str, now: datetime) -> Message:
    """Make the message that only shows that a channel works."""
    body = (
        f"This is a test of the alert `{alert}`, sent at {_moment(now)} by `headwater alerts test`. Nothing is wrong."
    )
    return Message(title=f"Headwater {project}: test of `{alert}`", body=body, level="info")


def _title(project: str, told: Sequence[News]) -> str:
    environments = ", ".join(dict.fromkeys(each.incident.environment for each in told))
    wrong, well = [each for each in told if not each.is_recovery], [each for each in told if each.is_recovery]
    if len(told) == 1:
        return f"Headwater {project}, {environments}: {_head(told[0])}"
    said = [f"{len(wrong)} wrong"] if wrong else []
    said += [f"{len(well)} recovered"] if well else []
    return f"Headwater {project}, {environments}: {', '.join(said)}"


def _head(news: News) -> str:
    incident = news.incident
    how = {"opened": "", "recovered": " recovered"}.get(news.kind, " goes on")
    return f"{incident.rule} `{incident.subject}`{how}"


def _part(news: News, now: datetime) -> str:
    incident = news.incident
    if news.is_recovery:
        ended = incident.closed_at or now
        lasted = duration((ended - incident.opened_at).total_seconds())
        lines = [f"RECOVERED {_head(news)} in {incident.environment}", f"recovered after {lasted}: {incident.message}"]
    else:
        lines = [f"{incident.severity.upper()} {_head(news)} in {incident.environment}", incident.message]
    lines += [f"since {_moment(incident.opened_at)}{_seen(incident)}", *_about(news), f"key: {news.key}"]
    return "\n".join(lines)


def _seen(incident: Incident) -> str:
    return f", {count(incident.seen, 'time')}" if incident.seen > 1 else ""


def _about(news: News) -> Iterable[str]:
    incident = news.incident
    if incident.owner:
        yield f"owner: {incident.owner}"
    if incident.body.get("run"):
        yield f"run: {incident.body['run']}"
    if not news.is_recovery and incident.body.get("hint"):
        yield f"what to do: {incident.body['hint']}"


def _level(told: Sequence[News]) -> Level:
    wrong = [each.incident for each in told if not each.is_recovery]
    if not wrong:
        return "success"
    return "failure" if any(each.severity == "error" for each in wrong) else "warning"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
