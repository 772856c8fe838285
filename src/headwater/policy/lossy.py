"""Grants that change rows: some columns transformed, or only aggregates of groups; and what makes them illegal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import PolicyNode
from headwater.policy.charters import LAW, Charter
from headwater.policy.implication import columns_of
from headwater.policy.rules import labels_behind, predicate_of, rule_place, select_items, shipped
from headwater.policy.subjects import Subject, is_within
from headwater.policy.transforms import Transformed, transformed
from headwater.policy.values import Grant, Label, Shape
from headwater.spec.addresses import address
from headwater.spec.policies import Form
from headwater.sql.binding import Bind
from headwater.sql.text import quote_identifier

PERSONAL: Final = ("pii", "phi")
"""Classes, with all below them, of what people are known by: aggregates over them must say whom they count."""


def lossy_grants(
    charter: Charter, subject: Subject, site: str, to: str, rules: Sequence[PolicyNode], bind: Bind
) -> Iterator[Grant | Diagnostic]:
    """Give, for each lossy rule of a relation at a site towards a jurisdiction, its grant, or why there is none."""
    twice = _aggregated_twice(subject, to, rules) | _transformed_twice(subject, to, rules)
    for rule in rules:
        wrong = twice.get(rule.name) or _wrong_key(charter, rule) or _wrong_unit(subject, rule)
        if wrong is not None:
            yield wrong
        elif _form(rule).transform:
            yield _transformed(charter, subject, site, to, rule, bind)


def _form(rule: PolicyNode) -> Form:
    return rule.form or Form()


def _aggregated_twice(subject: Subject, to: str, rules: Sequence[PolicyNode]) -> dict[str, Diagnostic]:
    """Differences between two ways of grouping tell what either leaves out."""
    named = [rule for rule in rules if _form(rule).aggregates]
    if len(named) < 2:  # noqa: PLR2004 - one alone is in nobody's way
        return {}
    names = " and ".join(f"`{rule.name}`" for rule in named)
    message = f"{names} ship aggregates of `{subject.name}` to `{to}`"
    hint = "keep one of them: coarser groups are computed from what it releases"
    return {rule.name: error("HW1226", message, rule_place(rule), hint=hint) for rule in named}


def _transformed_twice(subject: Subject, to: str, rules: Sequence[PolicyNode]) -> dict[str, Diagnostic]:
    """Two forms of one column say more of it together than each alone."""
    times = Counter(name.casefold() for rule in rules if _form(rule).transform for name in _form(rule).on)
    found: dict[str, Diagnostic] = {}
    for rule in rules:
        again = [name for name in _form(rule).on if times[name.casefold()] > 1]
        if _form(rule).transform and again:
            message = f"several rules transform `{subject.name}.{again[0]}` for `{to}`"
            hint = "ship all its columns by one rule, transformed in one way"
            found[rule.name] = error("HW1233", message, rule_place(rule), hint=hint)
    return found


def _wrong_key(charter: Charter, rule: PolicyNode) -> Diagnostic | None:
    """A holder of the key could compute the tokens of all values that there may be."""
    name = _form(rule).key
    if not name:
        return None
    key = next((each for each in charter.keys if each.name == name), None)
    if key is None:
        message = f"`{rule.name}` uses the key `{name}`, which is not declared"
        return error("HW1235", message, rule_place(rule), hint="declare it under `keys:`")
    held = sorted(set(key.holders) & set(rule.to))
    if not held:
        return None
    message = f"`{rule.name}` sends to `{held[0]}`, where the key `{name}` is held"
    hint = "tokens go only where nobody holds their key: join them at another place"
    return error("HW1225", message, rule_place(rule), hint=hint)


def _wrong_unit(subject: Subject, rule: PolicyNode) -> Diagnostic | None:
    if not _form(rule).aggregates or _form(rule).unit:
        return None
    personal = sorted(name for name, labels in subject.labels.items() if any(map(_is_personal, labels)))
    if not personal:
        return None
    message = f"`{rule.name}` does not say whom it counts, and `{subject.name}.{personal[0]}` is about people"
    hint = "`unit:` names the column whose different values `min_group` counts"
    return error("HW1227", message, rule_place(rule), hint=hint)


def _is_personal(label: Label) -> bool:
    return any(is_within(label.class_, each) for each in PERSONAL)


def _transformed(
    charter: Charter, subject: Subject, site: str, to: str, rule: PolicyNode, bind: Bind
) -> Grant | Diagnostic:
    """The columns in ``on`` are replaced; all others, and which rows there are, are as they would be raw."""
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
    return _transform_grant(behind, site, rule, names, predicate, found, frozenset(allowed))


def _replaced(subject: Subject, rule: PolicyNode, read: frozenset[str]) -> dict[str, list[Transformed]] | Diagnostic:
    """Give, for each column in ``on``, what takes its place: once for each of its labels, in order."""
    columns = {name.casefold(): (name, type_) for name, type_ in subject.columns}
    form, found = _form(rule), dict[str, list[Transformed]]()
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


def _transform_grant(
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
        keys=(_form(rule).key,) if _form(rule).key else (),
        address=address("grant", str(LAW), behind.name, site, "transform", str(columns), query, predicate),
        where=rule_place(rule),
    )


def _shape_of(found: Iterable[Transformed]) -> Shape:
    """The form of a grant: that of what lowers least of its transformed columns."""
    shapes = {each.shape for each in found}
    return "token" if "token" in shapes else "coarse"
