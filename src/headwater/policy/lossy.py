"""Grants that change rows: some columns transformed, or only aggregates of groups; and what makes them illegal."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import PolicyNode
from headwater.policy.aggregating import aggregates_grant
from headwater.policy.charters import Charter
from headwater.policy.rules import form_of, rule_place
from headwater.policy.subjects import Subject, is_within
from headwater.policy.transforming import transform_grant
from headwater.policy.values import Grant, Label
from headwater.sql.binding import Bind

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
        elif form_of(rule).transform:
            yield transform_grant(charter, subject, site, to, rule, bind)
        else:
            yield aggregates_grant(charter, subject, site, to, rule, bind)


def _aggregated_twice(subject: Subject, to: str, rules: Sequence[PolicyNode]) -> dict[str, Diagnostic]:
    """Differences between two ways of grouping tell what either leaves out."""
    named = [rule for rule in rules if form_of(rule).aggregates]
    if len(named) < 2:  # noqa: PLR2004 - one alone is in nobody's way
        return {}
    names = " and ".join(f"`{rule.name}`" for rule in named)
    message = f"{names} ship aggregates of `{subject.name}` to `{to}`"
    hint = "keep one of them: coarser groups are computed from what it releases"
    return {rule.name: error("HW1226", message, rule_place(rule), hint=hint) for rule in named}


def _transformed_twice(subject: Subject, to: str, rules: Sequence[PolicyNode]) -> dict[str, Diagnostic]:
    """Two forms of one column say more of it together than each alone."""
    times = Counter(name.casefold() for rule in rules if form_of(rule).transform for name in form_of(rule).on)
    found: dict[str, Diagnostic] = {}
    for rule in rules:
        again = [name for name in form_of(rule).on if times[name.casefold()] > 1]
        if form_of(rule).transform and again:
            message = f"several rules transform `{subject.name}.{again[0]}` for `{to}`"
            hint = "ship all its columns by one rule, transformed in one way"
            found[rule.name] = error("HW1233", message, rule_place(rule), hint=hint)
    return found


def _wrong_key(charter: Charter, rule: PolicyNode) -> Diagnostic | None:
    """A holder of the key could compute the tokens of all values that there may be."""
    name = form_of(rule).key
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
    if not form_of(rule).aggregates or form_of(rule).unit:
        return None
    personal = sorted(name for name, labels in subject.labels.items() if any(map(_is_personal, labels)))
    if not personal:
        return None
    message = f"`{rule.name}` does not say whom it counts, and `{subject.name}.{personal[0]}` is about people"
    hint = "`unit:` names the column whose different values `min_group` counts"
    return error("HW1227", message, rule_place(rule), hint=hint)


def _is_personal(label: Label) -> bool:
    return any(is_within(label.class_, each) for each in PERSONAL)
