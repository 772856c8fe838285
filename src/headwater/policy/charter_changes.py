"""What approving a charter would change for a site, beside the one approved before: rules, sources, places and keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from headwater.policy.charters import Charter


@dataclass(frozen=True, slots=True)
class CharterChange:
    """One thing that comes, goes or changes."""

    change: Literal["new", "changed", "gone"]
    what: Literal["policy", "source", "key", "site"]
    name: str
    says: str = ""
    """A policy in one line."""


def changes(before: Charter | None, after: Charter) -> Iterator[CharterChange]:
    """Give what differs; without a charter before, everything is new."""
    old = before or Charter()
    yield from _compared("policy", _policies(old), _policies(after))
    yield from _compared("key", {each.name: each for each in old.keys}, {each.name: each for each in after.keys})
    yield from _compared("source", {n.name: n for n in old.sources}, {n.name: n for n in after.sources})
    yield from _compared("site", _places(old), _places(after))


def _compared(
    what: Literal["policy", "source", "key", "site"], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[CharterChange]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            change: Literal["new", "changed", "gone"] = (
                "new" if name not in old else "gone" if name not in new else "changed"
            )
            yield CharterChange(change, what, name, said_of(new.get(name, old.get(name))) if what == "policy" else "")


def _policies(charter: Charter) -> dict[str, Any]:
    return {each.name: replace(each, file="", line=0) for each in charter.policies}


def _places(charter: Charter) -> dict[str, tuple[str, str]]:
    names = charter.places.keys() | charter.roots.keys()
    return {name: (charter.places.get(name, ""), charter.roots.get(name, "")) for name in names}


def said_of(policy: Any) -> str:
    """Say a rule in one line, with everything that decides what it lets pass."""
    if policy.deny is not None:
        even = f", even as {', '.join(policy.deny.even)}" if policy.deny.even else ""
        return f"deny {policy.deny.class_} to {', '.join(policy.denied_to) or 'nobody'}{even}"
    if policy.retain is not None:
        return f"keep {policy.retain.class_} for {policy.retain.for_ / 86400:g} days"
    where = f" where {policy.predicate}" if policy.predicate else ""
    columns, places = ", ".join(policy.ship), ", ".join(policy.sites)
    return f"ship {columns} of {policy.relation} from {places} to {', '.join(policy.to)}{_form(policy)}{where}"


def _form(policy: Any) -> str:
    form = policy.form
    if form is None:
        return ""
    if form.transform:
        return f" with {', '.join(form.on)} as {form.transform}"
    groups = ", ".join(f"{name} = {text}" for name, text in form.by.items()) or "everything"
    functions = ", ".join(form.aggregates)
    return f" only as {functions} by {groups}, of at least {form.min_group} {form.unit or 'rows'}"
