"""The closed table of what lowers what: (transform, how coarse it is at least, class) → form; all else stays raw."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from headwater.policy.coarsening import UNITS
from headwater.policy.values import Shape
from headwater.spec.policies import Form

_HIDDEN: Final = "secret"
_AMOUNTS: Final = ("financial.amount", "financial.balance", "financial.income", "financial.salary")
_AGES: Final = ("pii.age", "phi.age")
_ZIPS: Final = ("pii.zip", "pii.postcode", "phi.zip")
_WITH_FORMAT: Final = ("pii.phone", "pii.id", "phi.id", "phi.record", "pci.pan", "financial.account", "financial.iban")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowers:
    """One line of the table."""

    transform: str
    bound: str
    """How coarse it must be, in words."""
    holds: Callable[[Form], bool]
    """Whether it is that coarse."""
    classes: tuple[str, ...]
    """Patterns: ``*`` is any, but never `secret`."""
    shape: Shape
    computed: bool = False
    """Also for columns that a model computes: whatever they hold, the form does not show it."""


def _always(_: Form) -> bool:
    return True


def _unit(coarsest: str) -> Callable[[Form], bool]:
    return lambda form: form.step in UNITS and UNITS.index(form.step) >= UNITS.index(coarsest)


def _step(least: float) -> Callable[[Form], bool]:
    return lambda form: _number(form.step.rpartition(" ")[2]) >= least


def _age(form: Form) -> bool:
    return form.step.startswith("age ") and _step(5)(form)


def _plain_step(least: float) -> Callable[[Form], bool]:
    return lambda form: " " not in form.step and _step(least)(form)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _length(most: int, default: int | None = None) -> Callable[[Form], bool]:
    def holds(form: Form) -> bool:
        length = default if form.length is None else form.length
        return length is not None and length <= most

    return holds


def _zip3(form: Form) -> bool:
    return form.step == "zip3"


TABLE: Final[tuple[Lowers, ...]] = (
    Lowers(transform="hmac", bound="", holds=_always, classes=("*",), shape="token", computed=True),
    Lowers(transform="format_token", bound="", holds=_always, classes=_WITH_FORMAT, shape="token"),
    Lowers(transform="redact", bound="", holds=_always, classes=("*", f"{_HIDDEN}.*"), shape="coarse", computed=True),
    Lowers(transform="generalise", bound="year", holds=_unit("year"), classes=("pii.*", "phi.*"), shape="coarse"),
    Lowers(transform="generalise", bound="month", holds=_unit("month"), classes=("financial.*",), shape="coarse"),
    Lowers(transform="generalise", bound="day", holds=_unit("day"), classes=("internal",), shape="coarse"),
    Lowers(transform="generalise", bound="age 5", holds=_age, classes=_AGES, shape="coarse"),
    Lowers(transform="generalise", bound="zip3", holds=_zip3, classes=_ZIPS, shape="coarse"),
    Lowers(transform="generalise", bound="1000", holds=_plain_step(1000), classes=_AMOUNTS, shape="coarse"),
    Lowers(transform="ip_prefix", bound="24 bits", holds=_length(24, 24), classes=("pii.ip",), shape="coarse"),
    Lowers(transform="truncate", bound="3 characters", holds=_length(3), classes=_ZIPS, shape="coarse"),
    Lowers(transform="truncate", bound="1 character", holds=_length(1), classes=("pii.name",), shape="coarse"),
    Lowers(transform="round", bound="1000", holds=_step(1000), classes=_AMOUNTS, shape="coarse"),
    Lowers(transform="noise", bound="1000", holds=_step(1000), classes=_AMOUNTS, shape="coarse"),
    Lowers(transform="noise", bound="5", holds=_step(5), classes=_AGES, shape="coarse"),
)
"""Each bound is a least coarseness: what is finer lowers nothing."""


def lowered(form: Form, class_: str, *, own: bool = False) -> Shape:
    """Give the form in which a class leaves when a transform has been at it; ``raw`` where the table does not say.

    ``own``: the column is one of a source's own, as it is read. Of a column that a model computes nobody knows what it
    holds (a year can hold a customer's number), so only forms that show nothing of a value lower it.
    """
    for line in TABLE:
        applies = line.transform == form.transform and (own or line.computed) and line.holds(form)
        if applies and any(_matches(class_.casefold(), each) for each in line.classes):
            return line.shape
    return "raw"


def _matches(class_: str, pattern: str) -> bool:
    """``pii.*`` is ``pii`` and all below it."""
    if pattern == "*":
        return not _matches(class_, f"{_HIDDEN}.*")
    return class_ == pattern.removesuffix(".*") or fnmatchcase(class_, pattern)
