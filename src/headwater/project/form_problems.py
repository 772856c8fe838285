"""The form in which a policy ships columns, and the columns themselves: what cannot be, as it is written."""

from collections.abc import Iterable, Iterator, Sequence

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.project.names import shown
from headwater.spec.policies import Form, Policy
from headwater.spec.project import Project

_SKETCH = "approx_distinct"
_SMALLEST_GROUP = 2
_DEFAULT = Form()
_OF_TRANSFORMS = ("on", "length", "step")
_OF_AGGREGATES = ("by", "unit", "min_group")


def form_problems(policy: Policy, project: Project) -> Iterator[Diagnostic]:
    """Judge ``as`` of a policy that ships: one form, with what belongs to it."""
    form = policy.as_
    if form is None:
        return
    if bool(form.transform) == bool(form.aggregates):
        message = "`as` says two forms at once" if form.transform else "`as` says no form"
        hint = "`{transform: hmac, on: [id], key: crm}`, or `{aggregates: [sum], by: {…}, unit: …}`; raw: no `as`"
        yield error("HW1205", message, policy.at.of("as"), hint=hint)
    elif form.transform:
        yield from _transform_problems(policy, form)
    else:
        yield from _aggregate_problems(policy, form)
    if form.key and form.key not in project.keys:
        hint = suggest(form.key[:100], project.keys) or "declare it under `keys:`"
        message = f"there is no key `{shown(form.key)}`"
        yield error("HW1206", message, policy.at.of("as.key"), hint=hint, length=len(form.key))


def _transform_problems(policy: Policy, form: Form) -> Iterator[Diagnostic]:
    yield from _strange(policy, form, _OF_AGGREGATES, "aggregates")
    if not form.on:
        message, hint = f"`{shown(form.transform)}` is done to no column", "such as `on: [customer_id]`"
        yield error("HW1205", message, policy.at.of("as.transform"), hint=hint)
    shipped = {name.casefold() for name in policy.ship}
    for index, name in enumerate(form.on):
        if name.casefold() not in shipped:
            hint = suggest(name[:100], policy.ship) or f"`ship` names {', '.join(map(shown, policy.ship))}"
            message = f"`on` names `{shown(name)}`, which is not shipped"
            yield error("HW1204", message, policy.at.of(f"as.on.{index}"), hint=hint, length=len(name) or 1)
    if form.length is not None and form.length < 1:
        yield error("HW1205", "`length` must be at least 1", policy.at.of("as.length"), hint="how much is kept")


def _aggregate_problems(policy: Policy, form: Form) -> Iterator[Diagnostic]:
    yield from _strange(policy, form, _OF_TRANSFORMS, "a transform")
    if form.min_group < _SMALLEST_GROUP:
        message = f"`min_group` is {form.min_group}: a group of one is a row"
        yield error("HW1205", message, policy.at.of("as.min_group"), hint="at least 2; 10 is the default")
    if _SKETCH in form.aggregates and not form.key:
        message = f"`{_SKETCH}` counts tokens, and there is no key to make them with"
        hint = "name one of `keys:`, such as `key: crm`: without it, whoever has the sketch can ask it who is in there"
        yield error("HW1206", message, policy.at.of("as.aggregates"), hint=hint)
    elif form.key and _SKETCH not in form.aggregates:
        message = f"`key` is for tokens: of the aggregates, only `{_SKETCH}` takes one"
        yield error("HW1205", message, policy.at.of("as.key"), hint="take it out")
    yield from _group_problems(policy, form)


def _group_problems(policy: Policy, form: Form) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for name, expression in form.by.items():
        where, first = policy.at.of(f"as.by.{name}"), seen.setdefault(name.casefold(), name)
        if first != name:
            message = f"the groups `{shown(first)}` and `{shown(name)}` differ in case only"
            yield error("HW1205", message, where, hint="give one of them another name")
        if not name.strip() or not expression.strip():
            message, hint = f"the group `{shown(name)}` says nothing", "a name and an expression, such as `path: path`"
            yield error("HW1205", message, where, hint=hint)


def _strange(policy: Policy, form: Form, keys: Iterable[str], of: str) -> Iterator[Diagnostic]:
    for key in keys:
        if getattr(form, key) != getattr(_DEFAULT, key):
            yield error("HW1205", f"`{key}` belongs to {of}", policy.at.of(f"as.{key}"), hint="take it out")


def column_problems(policy: Policy, relation: str, columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Find what a policy ships, or counts, of columns that its relation does not have; and what it ships twice."""
    known, seen = {name.casefold() for name in columns}, set[str]()
    unit = [("as.unit", policy.as_.unit)] if policy.as_ is not None and policy.as_.unit else []
    for path, name in [*((f"ship.{index}", name) for index, name in enumerate(policy.ship)), *unit]:
        message, hint = "", ""
        if name.casefold() not in known:
            message = f"`{relation}` has no column `{shown(name)}`"
            hint = suggest(name[:100], columns) or f"it has {', '.join(columns[:8])}" + (" …" if columns[8:] else "")
        elif path != "as.unit" and name.casefold() in seen:
            message, hint = f"`ship` names `{shown(name)}` twice", "take it out"
        seen |= {name.casefold()} if path != "as.unit" else set()
        if message:
            yield error("HW1204", message, policy.at.of(path), hint=hint, length=len(name) or 1)
