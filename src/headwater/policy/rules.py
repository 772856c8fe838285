"""What a rule says of a relation: its columns, its predicate, the classes it releases, and why it may grant nothing."""

from collections.abc import Iterable

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.graph.borders import PolicyNode
from headwater.policy.charters import Charter
from headwater.policy.denials import denied_columns, denying
from headwater.policy.predicates import read_predicate
from headwater.policy.subjects import Labels, Subject, is_public, is_within
from headwater.policy.values import Label
from headwater.spec.policies import Form
from headwater.sql.binding import Bind, Relation
from headwater.sql.text import quote_identifier, quote_relation


def speaks_of(rule: PolicyNode, relation: str, site: str, to: str) -> bool:
    """Whether a rule ships a relation from a site to a jurisdiction."""
    return rule.relation == relation and site in rule.sites and to in rule.to and rule.deny is None


def is_raw(rule: PolicyNode) -> bool:
    """Whether rows leave under a rule as they are."""
    return rule.form is None or not (rule.form.transform or rule.form.aggregates)


def form_of(rule: PolicyNode) -> Form:
    """Give the form in which a rule lets rows leave."""
    return rule.form or Form()


def rule_place(rule: PolicyNode) -> Where | None:
    """Give where a rule stands."""
    return Where(rule.file, rule.line) if rule.file else None


def shipped(
    charter: Charter, subject: Subject, rule: PolicyNode, to: str, read: frozenset[str]
) -> tuple[str, ...] | Diagnostic:
    """Give the columns that leave raw under a rule: its own and the public ones, without those denied there.

    ``read`` are the columns of its predicate. A diagnostic says why there are none.
    """
    folded = {name.casefold(): name for name, _ in subject.columns}
    unknown = [name for name in rule.ship if name.casefold() not in folded]
    if unknown:
        message = f"`{rule.name}` ships `{unknown[0]}`, which `{subject.name}` does not have"
        return error("HW1234", message, rule_place(rule), hint=suggest(unknown[0], folded.values()))
    denied = denied_columns(charter, subject, to)
    if read & denied:
        return _denied(charter, subject, rule, to, min(read & denied))
    wanted = {folded[name.casefold()] for name in rule.ship} | {n for n, _ in subject.columns if _is_public(subject, n)}
    names = tuple(name for name, _ in subject.columns if name in wanted - denied)
    if not names:
        return _denied(charter, subject, rule, to, min(wanted or {""}))
    leaving = {name: subject.labels[name] for name in (*names, *read)}
    return _unjudged(subject, rule, names) or unlisted(subject, rule, leaving) or names


def _is_public(subject: Subject, name: str) -> bool:
    return is_public(subject.labels[name])


def _denied(charter: Charter, subject: Subject, rule: PolicyNode, to: str, column: str) -> Diagnostic:
    against = denying(charter, subject, column, to)
    name = against.name if against else rule.name
    message = f"`{rule.name}` needs `{subject.name}.{column}`, which `{name}` denies to `{to}`"
    hint = "a `deny` beats every rule: take the column out of the rule, or change the `deny`"
    return error("HW1222", message, rule_place(against) if against else rule_place(rule), hint=hint)


def _unjudged(subject: Subject, rule: PolicyNode, names: Iterable[str]) -> Diagnostic | None:
    """Checks that set rows aside are predicates: what they read decides which rows leave."""
    missing = sorted(subject.judged - set(names))
    if not missing:
        return None
    message = f"a check of `{subject.name}` sets rows aside by `{missing[0]}`, which `{rule.name}` does not ship"
    hint = f"ship `{missing[0]}`, too, or let the check block or warn instead"
    return error("HW1229", message, rule_place(rule), hint=hint)


def unlisted(subject: Subject, rule: PolicyNode, labels: Labels) -> Diagnostic | None:
    """Say which label a rule on a model would release although it does not list its class; None if there is none."""
    if not subject.is_model:
        return None
    for name in sorted(labels):
        for label in sorted(labels[name]):
            if not is_released(label, rule.classes):
                what = f"`{subject.name}.{name}` carries `{label_class(label)}` of `{label.origin}`"
                message = f"{what}, which `{rule.name}` does not list"
                return error("HW1228", message, rule_place(rule), hint=f"`classes: [{label_class(label)}]` releases it")
    return None


def label_class(label: Label) -> str:
    """Give the class of a label as rules name it: lowered forms have names of their own (``token.pii.email``)."""
    return label.class_ if label.shape in ("raw", "free") else f"{label.shape}.{label.class_}"


def is_released(label: Label, classes: Iterable[str]) -> bool:
    """Whether a rule that lists classes releases a label."""
    own = label_class(label)
    listed = [each.strip().casefold() for each in classes]
    named = (own, label.class_)
    return is_public(frozenset({label})) or any(is_within(name, each) for name in named for each in listed)


def predicate_of(subject: Subject, rule: PolicyNode, bind: Bind) -> str | Diagnostic:
    """Give a rule's ``where`` as a canonical text; empty without one."""
    if not rule.predicate.strip():
        return ""
    found = read_predicate(rule.predicate, subject.name, subject.columns, bind)
    if found is not None:
        return found
    message = f"`where` of `{rule.name}` is not one condition on columns of `{subject.name}`"
    hint = "compare columns with constants or `$now`: no subqueries, aggregates, or what changes from call to call"
    return error("HW1230", message, rule_place(rule), hint=hint)


def labels_behind(subject: Subject, columns: Relation, read: frozenset[str]) -> Labels:
    """Give the labels of raw columns behind a border: which rows come through is told by each of them."""
    deciding = frozenset[Label]().union(*(subject.labels[name] for name in read | subject.judged))
    return {name: subject.labels[name] | deciding for name, _ in columns}


def select(relation: str, names: Iterable[str], predicate: str = "") -> str:
    """Write the query of a grant over a relation."""
    return select_items(relation, ", ".join(map(quote_identifier, names)), predicate)


def select_items(relation: str, items: str, predicate: str = "") -> str:
    """Write the query of a grant that gives other than plain columns."""
    text = f"SELECT {items} FROM {quote_relation(relation)}"
    return f"{text} WHERE (\n{predicate.strip()}\n)" if predicate.strip() else text
