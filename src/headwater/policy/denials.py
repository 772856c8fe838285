"""What `deny` keeps where it is, whatever other rules say."""

from headwater.graph.borders import PolicyNode
from headwater.policy.charters import Charter
from headwater.policy.subjects import Subject, class_name, is_within
from headwater.policy.values import Label


def is_denied(charter: Charter, label: Label, to: str) -> bool:
    """Whether a label may not go to a jurisdiction: its class, or one above it, is denied there in its form."""
    return _denial(charter, label, to) is not None


def denied_columns(charter: Charter, subject: Subject, to: str) -> frozenset[str]:
    """Give the columns of a relation that may not go to a jurisdiction."""
    return frozenset(
        name for name, labels in subject.labels.items() if any(is_denied(charter, each, to) for each in labels)
    )


def denying(charter: Charter, subject: Subject, column: str, to: str) -> PolicyNode | None:
    """Give the first rule (by name) that denies a column of a relation to a jurisdiction."""
    found = (_denial(charter, label, to) for label in sorted(subject.labels.get(column, ())))
    return next((each for each in found if each is not None), None)


def _denial(charter: Charter, label: Label, to: str) -> PolicyNode | None:
    for each in charter.policies:
        if each.deny is None or to not in each.denied_to:
            continue
        if is_within(label.class_, class_name(each.deny.class_)) and _in_form(label, each):
            return each
    return None


def _in_form(label: Label, rule: PolicyNode) -> bool:
    return label.shape in ("raw", "free") or (rule.deny is not None and label.shape in rule.deny.even)
