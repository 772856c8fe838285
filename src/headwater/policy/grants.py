"""The tables that rules let leave a site: all grants of a relation at a site towards a jurisdiction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import PolicyNode
from headwater.policy.charters import LAW, Charter
from headwater.policy.denials import denied_columns
from headwater.policy.implication import columns_of
from headwater.policy.lossy import lossy_grants
from headwater.policy.rules import is_raw, labels_behind, predicate_of, rule_place, select, shipped, speaks_of
from headwater.policy.subjects import Subject, subject_of
from headwater.policy.values import Grant
from headwater.spec.addresses import address
from headwater.sql.binding import Bind

_NO_RULE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What may leave, and why rules that speak of it grant nothing, or less than they say."""

    grants: tuple[Grant, ...]
    problems: tuple[Diagnostic, ...] = ()

    def of_rule(self, rule: str) -> Grant | None:
        """Give the grant of a rule; empty: the one that needs no rule."""
        return next((each for each in self.grants if each.rule == rule), None)


def source_grants(charter: Charter, source: str, site: str, to: str, bind: Bind) -> Grants:
    """Give the grants of a source of a charter at a site towards a jurisdiction; none if the charter lacks it."""
    node = charter.source(source)
    if node is None or node.source is None or site not in node.source.sites:
        return Grants(grants=())
    return grants_of(charter, subject_of(node), site, to, bind)


def grants_of(charter: Charter, subject: Subject, site: str, to: str, bind: Bind) -> Grants:
    """Give the grants of a relation at a site towards a jurisdiction (empty: nothing declares one)."""
    own = charter.places.get(site, "")
    if own == to and (own or not charter.places):
        return _at_home(charter, subject, site, to, bind)
    problems = list(_unknown_places(charter, site, to))
    public = _undenied_public(charter, subject, to)
    free = (_free(subject, site, frozenset(_all_with(charter, subject, public, to)), public),) if public else ()
    if problems or not to:
        return Grants(grants=free, problems=tuple(problems))
    rules = [each for each in charter.policies if speaks_of(each, subject.name, site, to)]
    raw = [_raw(charter, subject, site, to, rule, bind) for rule in rules if is_raw(rule)]
    lossy = lossy_grants(charter, subject, site, to, [rule for rule in rules if not is_raw(rule)], bind)
    found = [*raw, *lossy]
    made = tuple(each for each in found if isinstance(each, Grant))
    problems += [each for each in found if isinstance(each, Diagnostic)]
    return Grants(grants=(*free, *sorted(made, key=lambda grant: grant.rule)), problems=tuple(problems))


def _at_home(charter: Charter, subject: Subject, site: str, to: str, bind: Bind) -> Grants:
    """Under one law all rows move freely; a rule that changes rows may be named here, too, so that all sites agree."""
    whole = _free(subject, site, frozenset({to}), [name for name, _ in subject.columns])
    rules = [each for each in charter.policies if speaks_of(each, subject.name, site, to) and not is_raw(each)]
    found = list(lossy_grants(charter, subject, site, to, rules, bind))
    made = tuple(each for each in found if isinstance(each, Grant))
    return Grants(grants=(whole, *made), problems=tuple(each for each in found if isinstance(each, Diagnostic)))


def _unknown_places(charter: Charter, site: str, to: str) -> Iterator[Diagnostic]:
    if charter.places and site not in charter.places:
        message = f"nothing says under whose law `{site}` stands, so only public columns leave it"
        yield error("HW1231", message, hint="give every site a `jurisdiction:`")
    if charter.places and to not in charter.places.values():
        yield error("HW1231", f"no site stands under the law of `{to}`", hint="give every site a `jurisdiction:`")


def _undenied_public(charter: Charter, subject: Subject, to: str) -> list[str]:
    denied = denied_columns(charter, subject, to)
    public = [name for name in subject.public if name not in denied]
    return public if subject.judged <= set(public) else []


def _all_with(charter: Charter, subject: Subject, public: list[str], to: str) -> Iterator[str]:
    """Every jurisdiction that may have at least these public columns."""
    for each in {*charter.places.values(), to}:
        if not denied_columns(charter, subject, each) & set(public):
            yield each


def _free(subject: Subject, site: str, to: frozenset[str], names: list[str]) -> Grant:
    columns = tuple(column for column in subject.columns if column[0] in names)
    return Grant(
        rule=_NO_RULE,
        relation=subject.name,
        site=site,
        to=to,
        shape="free",
        columns=columns,
        labels={name: subject.labels[name] for name, _ in columns},
        query=select(subject.name, [name for name, _ in columns]),
        address=address("grant", str(LAW), subject.name, site, "free", str(columns)),
        where=subject.where,
    )


def _raw(charter: Charter, subject: Subject, site: str, to: str, rule: PolicyNode, bind: Bind) -> Grant | Diagnostic:
    predicate = predicate_of(subject, rule, bind)
    if isinstance(predicate, Diagnostic):
        return predicate
    read = columns_of(predicate) if predicate else frozenset[str]()
    names = shipped(charter, subject, rule, to, read)
    if isinstance(names, Diagnostic):
        return names
    columns = tuple(column for column in subject.columns if column[0] in names)
    own = charter.places.get(site, "")
    return Grant(
        rule=rule.name,
        relation=subject.name,
        site=site,
        to=frozenset({own, *_alike(charter, subject, rule, read, names)}),
        shape="raw",
        columns=columns,
        labels=labels_behind(subject, columns, read),
        query=select(subject.name, [name for name, _ in columns], rule.predicate),
        predicate=predicate,
        address=address("grant", str(LAW), subject.name, site, "raw", str(columns), predicate),
        where=rule_place(rule),
    )


def _alike(
    charter: Charter, subject: Subject, rule: PolicyNode, read: frozenset[str], names: Iterable[str]
) -> Iterator[str]:
    """Jurisdictions of a rule that may have at least the same columns."""
    for each in rule.to:
        there = shipped(charter, subject, rule, each, read)
        if not isinstance(there, Diagnostic) and set(names) <= set(there):
            yield each
