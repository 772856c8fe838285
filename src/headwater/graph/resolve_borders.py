"""Sites, policies and keys: places looked up, columns as their relations call them, and what models read through."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.borders import Borders, KeyNode, PolicyNode, SiteNode
from headwater.graph.drafts import Draft
from headwater.graph.grant_addresses import is_lossy
from headwater.graph.values import TimeCut
from headwater.project.form_problems import column_problems
from headwater.project.names import shown
from headwater.project.place_names import PlaceNames
from headwater.project.policy_problems import relation_and_place
from headwater.spec.nodes import Model
from headwater.spec.policies import Deny, Form, Key, Policy
from headwater.spec.project import Site

_COMPUTED: Final = frozenset({"view", "inline"})


def resolve_borders(draft: Draft) -> Draft:
    """Resolve them all against the columns that relations have, and say what each model reads through which policy."""
    places = PlaceNames.of(draft.project)
    borders = Borders(
        sites=tuple(_site(each, places) for _, each in sorted(draft.project.sites.items())),
        policies=tuple(_policy(draft, each, places) for _, each in sorted(draft.project.policies.items())),
        keys=tuple(_key(each, places) for _, each in sorted(draft.project.keys.items())),
    )
    through = {name: _inputs(draft, model) for name, model in draft.project.models.items() if model.through}
    found = {"": list(_wrong_columns(draft))}
    found |= {name: list(_not_inputs(draft, draft.project.models[name])) for name in through}
    draft = draft.noting(found, borders=borders, through=through)
    draft = replace(draft, times=_whole_slots(draft))
    return replace(draft, granted=_granted(draft))


def _site(site: Site, places: PlaceNames) -> SiteNode:
    return SiteNode(
        name=site.name,
        jurisdiction=site.jurisdiction,
        runtime=places.runtime_of(site),
        root=site.root,
        capacity=site.capacity,
        labels=site.labels,
        description=site.description,
    )


def _policy(draft: Draft, policy: Policy, places: PlaceNames) -> PolicyNode:
    """Give the node of a policy; what its project would be refused for is left empty."""
    relation, place = relation_and_place(policy.from_)
    name = draft.names.get(relation.casefold(), "")
    spelt = {column.casefold(): column for column, _ in draft.relations.get(name, ())}
    return PolicyNode(
        name=policy.name,
        relation=name,
        sites=_sites(draft, name, place, places),
        to=tuple(dict.fromkeys(places.jurisdiction_of(each) for each in policy.to)),
        ship=_spelt(policy.ship, spelt),
        predicate=policy.where,
        form=_form(policy.as_, spelt),
        classes=policy.classes,
        deny=policy.deny,
        denied_to=_denied(policy.deny, places),
        retain=policy.retain,
        description=policy.description,
        file=policy.at.where.file,
        line=policy.at.where.line,
    )


def _sites(draft: Draft, relation: str, place: str, places: PlaceNames) -> tuple[str, ...]:
    """Give the sites at which the rows of a policy lie: of a source those that hold it, of a model any."""
    if not relation:
        return ()
    meant = places.sites_of(place) if place else tuple(places.sites)
    source = draft.project.sources.get(relation)
    return meant if source is None else tuple(site for site in source.at_sites if site in meant)


def _spelt(names: tuple[str, ...], spelt: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(spelt.get(name.casefold(), name) for name in names)


def _form(form: Form | None, spelt: Mapping[str, str]) -> Form | None:
    if form is None:
        return None
    return replace(form, on=_spelt(form.on, spelt), unit=spelt.get(form.unit.casefold(), form.unit))


def _denied(deny: Deny | None, places: PlaceNames) -> tuple[str, ...]:
    """Give the jurisdictions that may not have a class: those named, all but those excepted, or simply all."""
    if deny is None:
        return ()
    spared = {places.jurisdiction_of(name[1:]) for name in deny.to if name.startswith("!")}
    named = {places.jurisdiction_of(name) for name in deny.to if not name.startswith("!")}
    return tuple(each for each in places.jurisdictions if each in named or (not named and each not in spared))


def _key(key: Key, places: PlaceNames) -> KeyNode:
    return KeyNode(
        name=key.name,
        secret=key.secret,
        holders=tuple(dict.fromkeys(places.jurisdiction_of(each) for each in key.at_sites)),
        file=key.at.where.file,
        line=key.at.where.line,
    )


def _wrong_columns(draft: Draft) -> Iterator[Diagnostic]:
    """Find columns that models do not have; those of sources are known before, unless they are found in files."""
    for policy in draft.project.policies.values():
        name = draft.names.get(relation_and_place(policy.from_)[0].casefold(), "")
        source = draft.project.sources.get(name)
        if name in draft.relations and (source is None or source.on_schema_change == "evolve"):
            yield from column_problems(policy, name, tuple(column for column, _ in draft.relations[name]))


def _inputs(draft: Draft, model: Model) -> dict[str, str]:
    """Give the inputs of a model that it reads through policies, by the names that they have."""
    read = {each.casefold(): each for each in draft.inputs.get(model.name, ())}
    return {read[name.casefold()]: rule for name, rule in model.through.items() if name.casefold() in read}


def _not_inputs(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    if model.name in draft.failed or model.name not in draft.inputs:
        return
    read = {each.casefold() for each in draft.inputs[model.name]}
    for name in model.through:
        if name.casefold() in draft.names and name.casefold() not in read:
            message = f"`through` names `{shown(name)}`, which `{model.name}` does not read"
            hint = f"it reads {', '.join(draft.inputs[model.name]) or 'nothing'}; name it where it is read"
            yield error("HW1212", message, model.at.of(f"through.{name}"), hint=hint)


def _whole_slots(draft: Draft) -> dict[str, TimeCut]:
    """Aggregates are released of slots that have ended: who reads them, also through views, waits for that."""
    aggregated = {each.name for each in draft.borders.policies if each.form and each.form.aggregates}
    found: set[str] = set()
    for name in draft.order:
        models = draft.project.models
        below = {each for each in draft.inputs.get(name, ()) if each in models and models[each].kind in _COMPUTED}
        if name in models and (below & found or aggregated & set(draft.through.get(name, {}).values())):
            found.add(name)
    return {name: replace(cut, complete=True) if name in found else cut for name, cut in draft.times.items()}


def _granted(draft: Draft) -> dict[str, dict[str, str]]:
    """Give, for each model, the inputs of which it reads something else than their rows, with the address of that."""
    lossy = {each.name: each for each in draft.borders.policies if is_lossy(each) and each.relation in draft.relations}
    address = {
        name: draft.grant_address(each, draft.relations[each.relation], draft.borders) for name, each in lossy.items()
    }
    return {
        model: {name: address[rule] for name, rule in sorted(through.items()) if rule in address}
        for model, through in draft.through.items()
    }
