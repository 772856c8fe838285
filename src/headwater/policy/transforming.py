"""Grants with some columns transformed; all others, and which rows there are, are as they would be raw."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import PolicyNode
from headwater.policy.charters import LAW, Charter
from headwater.policy.implication import columns_of
from headwater.policy.rules import form_of, labels_behind, predicate_of, rule_place, select_items, shipped
from headwater.policy.subjects import Subject
from headwater.policy.transforms import Transformed, transformed
from headwater.policy.values import Grant, Shape
from headwater.spec.addresses import address
from headwater.spec.policies import Form
from headwater.sql.binding import Bind, Relation
from headwater.sql.text import quote_identifier


def transform_grant(
    charter: Charter, subject: Subject, site: str, to: str, rule: PolicyNode, bind: Bind
) -> Grant | Diagnostic:
    """Give the grant of a rule with a transform, or why there is none."""
    predicate = predicate_of(subject, rule, bind)
    if isinstance(predicate, Diagnostic):
        return predicate
    read = columns_of(predicate) if predicate else frozenset[str]()
    found = _replaced(subject, rule, read | subject.judged)
    if isinstance(found, Diagnostic):
        return found
    behind = _behind(subject, found)
    names = shipped(charter, behind, rule, to, read)
    if isinstance(names, Diagnostic):
        return names
    allowed = [each for each in rule.to if shipped(charter, behind, rule, each, read) == names]
    return _grant(behind, site, rule, names, predicate, found, frozenset(allowed))


def columns_behind(form: Form, columns: Relation) -> Relation:
    """Give a relation's columns as they are behind a transform of some; what it cannot transform stays.

    Why it cannot says the grant, which is not there then.
    """
    types: dict[str, str] = {}
    for name, type_ in columns:
        if name.casefold() in map(str.casefold, form.on):
            made = transformed(form, name, type_, "")
            types[name] = type_ if isinstance(made, Diagnostic) else made.type
    return tuple((name, types.get(name, type_)) for name, type_ in columns)


def _replaced(subject: Subject, rule: PolicyNode, read: frozenset[str]) -> dict[str, list[Transformed]] | Diagnostic:
    """Give, for each column in ``on``, what takes its place: once for each of its labels, in order."""
    columns = {name.casefold(): (name, type_) for name, type_ in subject.columns}
    form, found = form_of(rule), dict[str, list[Transformed]]()
    if not form.on or form.aggregates:
        message = f"`{rule.name}` does not say which columns `{form.transform}` replaces, or ships aggregates, too"
        return error("HW1234", message, rule_place(rule), hint="`on:` names them; aggregates need a rule of their own")
    for each in form.on:
        name, type_ = columns.get(each.casefold(), (each, ""))
        if not type_ or each.casefold() not in map(str.casefold, rule.ship):
            message = f"`{rule.name}` transforms `{each}`, which it does not ship"
            return error("HW1234", message, rule_place(rule), hint="name it under `ship:`, as the relation calls it")
        if name in read:
            message = f"rows leave by `{rule.name}` for what is in `{name}`, which it transforms"
            hint = "a condition on the original would tell what the transformed column hides"
            return error("HW1230", message, rule_place(rule), hint=hint)
        own = not subject.is_model
        made = [transformed(form, name, type_, label.class_, own=own) for label in sorted(subject.labels[name])]
        wrong = next((each for each in made if isinstance(each, Diagnostic)), None)
        if wrong is not None:
            return replace(wrong, where=rule_place(rule))
        found[name] = [each for each in made if isinstance(each, Transformed)]
    return found


def _behind(subject: Subject, found: Mapping[str, Sequence[Transformed]]) -> Subject:
    """The relation as it looks behind the border: other types, and labels in their lowered forms."""
    columns = tuple((name, found[name][0].type if found.get(name) else type_) for name, type_ in subject.columns)
    labels = {
        name: frozenset(
            replace(label, shape=made.shape) for label, made in zip(sorted(labels), found[name], strict=True)
        )
        if name in found
        else labels
        for name, labels in subject.labels.items()
    }
    return replace(subject, columns=columns, labels=labels)


def _grant(
    behind: Subject,
    site: str,
    rule: PolicyNode,
    names: tuple[str, ...],
    predicate: str,
    found: Mapping[str, Sequence[Transformed]],
    to: frozenset[str],
) -> Grant:
    columns = tuple(column for column in behind.columns if column[0] in names)
    written = {name: each[0].expression for name, each in found.items() if each}
    items = ", ".join(f"{written.get(name, quote_identifier(name))} AS {quote_identifier(name)}" for name, _ in columns)
    query = select_items(behind.name, items, rule.predicate)
    read = columns_of(predicate) if predicate else frozenset[str]()
    return Grant(
        rule=rule.name,
        relation=behind.name,
        site=site,
        to=to,
        shape=_shape_of(each for name in names for each in found.get(name, ())),
        columns=columns,
        labels=labels_behind(behind, columns, read),
        query=query,
        predicate=predicate,
        keys=(form_of(rule).key,) if form_of(rule).key else (),
        address=address("grant", str(LAW), behind.name, site, "transform", str(columns), query, predicate),
        where=rule_place(rule),
    )


def _shape_of(found: Iterable[Transformed]) -> Shape:
    """The form of a grant: that of what lowers least of its transformed columns."""
    shapes = {each.shape for each in found}
    return "token" if "token" in shapes else "coarse"
