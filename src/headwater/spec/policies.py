"""Policies as written: what may leave a place and in which form, who holds which key, and what tests say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin
from headwater.spec.units import Seconds

Lowered = Literal["token", "coarse", "aggregate"]
"""The forms that a class takes when a grant has lowered it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """In which form columns leave: without it raw; some of them transformed; or only aggregates of groups."""

    transform: Annotated[str, Doc("what is done to the columns in `on`", "hmac")] = ""
    on: Annotated[tuple[str, ...], Doc("transform: the columns that it replaces")] = ()
    key: Annotated[str, Doc("transform: the key of tokens and of noise, from `keys:`")] = ""
    length: Annotated[int | None, Doc("truncate: how many characters are kept; ip: how many bits of the prefix")] = None
    step: Annotated[str, Doc("generalise, round, noise: how coarse, such as year, 10 or 0.5")] = ""
    aggregates: Annotated[
        tuple[Literal["sum", "count", "avg", "variance", "approx_distinct"], ...],
        Doc("the functions of the shipped columns that leave, per group"),
    ] = ()
    by: Annotated[Mapping[str, str], Doc("aggregates: the groups, name → expression over the relation")] = field(
        default_factory=dict
    )
    unit: Annotated[str, Doc("aggregates: the column whose different values `min_group` counts", "client_ip")] = ""
    min_group: Annotated[int, Doc("aggregates: groups of fewer units are left out, as if they were empty")] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Columns of a class go nowhere else, whatever other policies say."""

    class_: Annotated[str, Doc("the class, and all below it", "pii")]
    to: Annotated[tuple[str, ...], Doc("sites and jurisdictions; `!eu` is everywhere but there")] = ()
    even: Annotated[tuple[Lowered, ...], Doc("also in these forms")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retain:
    """How long rows with columns of a class are kept."""

    class_: Annotated[str, Doc("the class, and all below it", "pii")]
    for_: Annotated[Seconds, Doc("how long", "365d")]
    then: Annotated[Literal["delete"], Doc("what happens afterwards")] = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One rule: it ships columns of a relation somewhere, denies a class, or says how long a class is kept."""

    name: str
    description: Annotated[str, Doc("why, for people and auditors")] = ""
    ship: Annotated[tuple[str, ...], Doc("columns that may leave")] = ()
    from_: Annotated[str, Doc("a source or model, `@` a site or jurisdiction", "access_log@eu")] = ""
    to: Annotated[tuple[str, ...], Doc("the sites and jurisdictions that may receive them", "[hub]")] = ()
    where: Annotated[str, Doc("only rows of which this is true", "country = 'DE'")] = ""
    as_: Annotated[Form | None, Doc("in which form; default: raw")] = None
    classes: Annotated[tuple[str, ...], Doc("from a model: the classes that it releases")] = ()
    deny: Annotated[Deny | None, Doc("instead of `ship`: what goes nowhere else")] = None
    retain: Annotated[Retain | None, Doc("instead of `ship`: how long rows are kept")] = None
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A secret that makes tokens, and who has it."""

    name: str
    secret: Annotated[str, Doc("a reference to it, at least 128 random bits", "${env:CRM_KEY}")]
    at_sites: Annotated[tuple[str, ...], Doc("sites and jurisdictions that hold it; never where its tokens go")] = ()
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """What must be refused, or allowed, from now on: a query, as if a model at a place read it."""

    name: str
    plan: Annotated[str, Doc("a query over sources and models", "SELECT client_ip FROM access_log")]
    at_sites: Annotated[str, Doc("the site that asks (`at:`)")] = "hub"
    through: Annotated[Mapping[str, str], Doc("source or model → the policy by which it is read")] = field(
        default_factory=dict
    )
    expect: Annotated[Literal["refused", "allowed"], Doc("what must come of it")] = "refused"
    because: Annotated[str, Doc("refused: a word that the reason must hold, such as a column, policy or code")] = ""
    at: Origin = field(default=NOWHERE, compare=False, repr=False)
