"""Who is told when something is wrong: alerts as a project writes them."""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin
from headwater.spec.units import Seconds

Rule = Literal[
    "run_failed",
    "retries_exhausted",
    "deadline_at_risk",
    "deadline_missed",
    "freshness",
    "check_failed",
    "score_fell",
    "volume_anomaly",
    "quarantine_grew",
    "site_silent",
    "set_aside",
    "server_silent",
    "state_trouble",
]
"""What an alert can tell of; ``docs/operations.md`` says what to do at each."""
OF_PIPELINES: Final[frozenset[str]] = frozenset({"run_failed", "deadline_at_risk", "deadline_missed"})
"""Rules about pipelines: their runs and deadlines."""
OF_NODES: Final[frozenset[str]] = frozenset({
    "retries_exhausted", "freshness", "check_failed", "score_fell", "volume_anomaly", "quarantine_grew", "set_aside",
})  # fmt: skip
"""Rules about single tables, sources and sinks; the others are about machines."""
Grade = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Of what an alert tells: where several keys are said, all of them must hold."""

    owner: Annotated[tuple[str, ...], Doc("what one of these answers for")] = ()
    severity: Annotated[tuple[Grade, ...], Doc("what is as bad as this")] = ()
    pipelines: Annotated[tuple[str, ...], Doc("these pipelines, and what they select")] = ()
    nodes: Annotated[tuple[str, ...], Doc("these nodes: names, +a, a+, tag:x, path:p")] = ()
    tags: Annotated[tuple[str, ...], Doc("nodes with one of these tags")] = ()
    environments: Annotated[tuple[str, ...], Doc("these environments", "[prod]")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessLimit:
    """From when on a table is too old."""

    within: Annotated[Seconds, Doc("how far the end of the last filled slot may lie back")] = Seconds(2 * 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLimit:
    """From when on the quality score is too low."""

    below: Annotated[float, Doc("a lower score is told; from 0 to 100")] = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLimit:
    """When a table's slot has an unusual number of rows."""

    within: Annotated[str, Doc("how far from what is usual: so many sigma, or a percentage", "20%")] = "3 sigma"
    over: Annotated[int, Doc("how many slots before say what is usual; fewer than 5: nothing is told yet")] = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineLimit:
    """When too many rows are set aside."""

    by: Annotated[str, Doc("a larger share of the rows that came last is told")] = "1%"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceLimit:
    """From when on somebody is silent."""

    for_: Annotated[Seconds, Doc("how long without a sign of life")] = Seconds(120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Somebody who is told when something is wrong, and again when it is well."""

    name: str = ""
    description: Annotated[str, Doc("what it is for, for people")] = ""
    on: Annotated[tuple[Rule, ...], Doc("what is told", "[run_failed, check_failed]")]
    to: Annotated[
        tuple[str, ...],
        Doc("where to: URLs of apprise (`slack://…`, `mailto://…`, `json://…`) or web hooks", "${env:SLACK_URL}"),
    ]
    only: Annotated[Only, Doc("of what it tells; default: of everything", "{environments: [prod]}")] = field(
        default_factory=Only
    )
    group: Annotated[Seconds, Doc("how long to wait for more, so that one message tells it all")] = Seconds(30)
    repeat: Annotated[Seconds, Doc("how often to tell again what goes on and nobody has acknowledged; 0s: never")] = (
        Seconds(4 * 3600)
    )
    recovery: Annotated[bool, Doc("whether to tell when it is well again")] = True
    freshness: Annotated[FreshnessLimit, Doc("when `freshness` is told", "{within: 2h}")] = field(
        default_factory=FreshnessLimit
    )
    score_fell: Annotated[ScoreLimit, Doc("when `score_fell` is told", "{below: 90}")] = field(
        default_factory=ScoreLimit
    )
    volume_anomaly: Annotated[VolumeLimit, Doc("when `volume_anomaly` is told", "{within: 3 sigma, over: 14}")] = field(
        default_factory=VolumeLimit
    )
    quarantine_grew: Annotated[QuarantineLimit, Doc("when `quarantine_grew` is told", "{by: 1%}")] = field(
        default_factory=QuarantineLimit
    )
    silence: Annotated[SilenceLimit, Doc("when `site_silent` and `server_silent` are told", "{for: 2m}")] = field(
        default_factory=SilenceLimit
    )
    at: Origin = field(default=NOWHERE, compare=False, repr=False)
