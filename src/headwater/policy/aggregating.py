"""Grants of aggregates: only cells of enough units leave, with the values of their groups as they are."""

from collections.abc import Iterable
from dataclasses import replace

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import PolicyNode
from headwater.policy.cells import SLOT, Cells, Slots, cells_of
from headwater.policy.charters import LAW, Charter
from headwater.policy.denials import is_denied
from headwater.policy.implication import columns_of
from headwater.policy.rules import form_of, predicate_of, rule_place, unlisted
from headwater.policy.subjects import Labels, Subject, is_within
from headwater.policy.values import Grant, Label
from headwater.spec.addresses import address
from headwater.sql.binding import Bind

_SECRET = "secret"  # noqa: S105 - a class: what nothing lowers


def aggregates_grant(
    charter: Charter, subject: Subject, site: str, to: str, rule: PolicyNode, bind: Bind
) -> Grant | Diagnostic:
    """Give the grant of a rule that ships aggregates, or why there is none."""
    predicate = predicate_of(subject, rule, bind)
    if isinstance(predicate, Diagnostic):
        return predicate
    cells = cells_of(rule, subject.name, subject.columns, bind)
    if isinstance(cells, Diagnostic):
        return cells
    read = columns_of(predicate) if predicate else frozenset[str]()
    labels = _labels(subject, cells, read)
    wrong = _unjudged(subject, rule, cells, read) or unlisted(subject, rule, labels)
    wrong = wrong or _denied(charter, subject, rule, to, labels, read)
    if wrong is not None:
        return wrong
    allowed = (each for each in rule.to if _denied(charter, subject, rule, each, labels, read) is None)
    return Grant(
        rule=rule.name,
        relation=subject.name,
        site=site,
        to=frozenset(allowed),
        shape="aggregate",
        columns=cells.columns,
        labels=labels,
        query=cells.query,
        predicate=predicate,
        keys=cells.keys,
        unit=form_of(rule).unit,
        min_group=form_of(rule).min_group,
        address=address("grant", str(LAW), subject.name, site, "aggregate", str(cells.columns), cells.query, predicate),
        where=rule_place(rule),
    )


def cut_grant(charter: Charter, subject: Subject, grant: Grant, slots: Slots, bind: Bind) -> Grant | Diagnostic:
    """Give an aggregates grant as a reader sees it who cuts the relation's time: its cells are those of one slot each.

    Its address stays: it is the same grant, which has one cut towards each jurisdiction.
    """
    rule = charter.policy(grant.rule)
    assert rule is not None  # noqa: S101 - the grant was made from it
    cells = cells_of(rule, subject.name, subject.columns, bind, slots=slots)
    if isinstance(cells, Diagnostic):
        return cells
    read = columns_of(grant.predicate) if grant.predicate else frozenset[str]()
    labels = _labels(subject, cells, read)
    denied = {each: _denied(charter, subject, rule, each, labels, read) for each in sorted(grant.to)}
    allowed = frozenset(each for each, wrong in denied.items() if wrong is None)
    wrong = unlisted(subject, rule, labels) or next((each for each in denied.values() if each and not allowed), None)
    return wrong or replace(grant, columns=cells.columns, labels=labels, query=cells.query, to=allowed)


def _labels(subject: Subject, cells: Cells, read: frozenset[str]) -> Labels:
    """Groups leave with their values; measures, and which cells there are, as aggregates of what they are made of."""
    deciding = _lowered(subject, cells.reads | read | subject.judged)
    labels = {}
    for name, _ in cells.columns:
        made_of = cells.made_of.get(name, frozenset())
        is_group = name in cells.by or (name == SLOT and bool(cells.time))
        own = _raw(subject, made_of) if is_group else _lowered(subject, made_of)
        labels[name] = own | deciding
    return labels


def _raw(subject: Subject, names: Iterable[str]) -> frozenset[Label]:
    return frozenset(label for name in names for label in subject.labels[name])


def _lowered(subject: Subject, names: Iterable[str]) -> frozenset[Label]:
    """Of a label that is lowered already (``token.C``) the form stays: an aggregate of tokens is one of tokens."""
    return frozenset(
        label if label.shape not in ("raw", "free") or is_within(label.class_, _SECRET) else _aggregate(label)
        for label in _raw(subject, names)
    )


def _aggregate(label: Label) -> Label:
    return replace(label, shape="aggregate")


def _unjudged(subject: Subject, rule: PolicyNode, cells: Cells, read: frozenset[str]) -> Diagnostic | None:
    missing = sorted(subject.judged - cells.reads - read)
    if not missing:
        return None
    message = f"a check of `{subject.name}` sets rows aside by `{missing[0]}`, which decides about no group"
    hint = f"`{rule.name}` must have `{missing[0]}` in `by:`, or the check must block or warn instead"
    return error("HW1229", message, rule_place(rule), hint=hint)


def _denied(
    charter: Charter, subject: Subject, rule: PolicyNode, to: str, labels: Labels, read: frozenset[str]
) -> Diagnostic | None:
    leaving = frozenset[Label]().union(*labels.values()) | _raw(subject, read)
    found = next((label for label in sorted(leaving) if is_denied(charter, label, to)), None)
    if found is None:
        return None
    message = f"`{rule.name}` lets `{found.origin}` leave for `{to}`, where its class `{found.class_}` is denied"
    hint = "a `deny` beats every rule: take the column out of the rule, or change the `deny`"
    return error("HW1222", message, rule_place(rule), hint=hint)
