"""Policies, keys, what models read through policies, and tests of policies: what cannot be, as it is written."""

from collections.abc import Iterator, Mapping

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.project.form_problems import column_problems, form_problems
from headwater.project.names import shown
from headwater.project.place_names import PlaceNames
from headwater.project.references import is_reference
from headwater.spec.origin import Origin
from headwater.spec.policies import Policy, PolicyTest
from headwater.spec.project import Project

_KINDS = ("ship", "deny", "retain")
_OF_SHIP = ("from", "to", "where", "as", "classes")


def policy_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge every policy: it does one thing, of what there is, to places that there are."""
    places = PlaceNames.of(project)
    for policy in project.policies.values():
        kinds = [kind for kind in _KINDS if getattr(policy, kind)]
        if len(kinds) != 1:
            yield _not_one(policy, kinds)
        elif kinds == ["ship"]:
            yield from _ship_problems(policy, project, places)
        else:
            yield from _left_over(policy, kinds[0])
            yield from _deny_problems(policy, places)
            if policy.retain is not None and policy.retain.for_ <= 0:
                hint = "a duration such as 365d"
                yield error("HW1201", "`retain` keeps nothing at all", policy.at.of("retain.for"), hint=hint)


def _not_one(policy: Policy, kinds: list[str]) -> Diagnostic:
    hint = "`ship: [column]`, `deny: {class: pii}` or `retain: {class: pii, for: 365d}`"
    if not kinds:
        return error("HW1200", f"the policy `{policy.name}` does nothing", policy.at.where, hint=hint)
    message = f"the policy `{policy.name}` does several things: {', '.join(f'`{kind}`' for kind in kinds)}"
    return error("HW1200", message, policy.at.of(kinds[1]), hint="make each a policy of its own")


def _left_over(policy: Policy, kind: str) -> Iterator[Diagnostic]:
    for key in _OF_SHIP:
        if getattr(policy, f"{key}_" if key in {"from", "as"} else key):
            hint = "write it inside, as in `deny: {class: pii, to: eu}`" if (kind, key) == ("deny", "to") else ""
            message = f"`{key}` belongs to a policy that ships, not to one with `{kind}`"
            yield error("HW1201", message, policy.at.of(key), hint=hint or "take it out")


def _ship_problems(policy: Policy, project: Project, places: PlaceNames) -> Iterator[Diagnostic]:
    for key, value, example in (("from", policy.from_, "access_log@eu"), ("to", policy.to, "[hub]")):
        if not value:
            message = f"the policy `{policy.name}` ships, and does not say `{key}`"
            yield error("HW1201", message, policy.at.of(key), hint=f"such as `{key}: {example}`")
    if policy.from_:
        yield from _from_problems(policy, project, places)
    for index, name in enumerate(policy.to):
        yield from _place_problems(name, places, policy.at, f"to.{index}")
    yield from form_problems(policy, project)


def _from_problems(policy: Policy, project: Project, places: PlaceNames) -> Iterator[Diagnostic]:
    relation, place = relation_and_place(policy.from_)
    known = {name.casefold(): name for name in (*project.sources, *project.models)}
    name, where = known.get(relation.casefold()), policy.at.of("from")
    if name is None:
        hint = suggest(relation[:100], known.values()) or "name a source or a model, such as access_log@eu"
        message = f"`{shown(relation)}` is no source or model"
        yield error("HW1202", message, where, hint=hint, length=len(relation) or 1)
    problem = places.problem(place, as_sites=True) if place or "@" in policy.from_ else None
    if problem:
        yield error(problem[0], problem[1], where, hint=problem[2], length=len(policy.from_))
    if name is None:
        return
    source = project.sources.get(name)
    if source is None:
        return
    if policy.classes:
        hint = "the classes of its columns are those that it declares"
        yield error("HW1201", "`classes` is for models, and this is a source", policy.at.of("classes"), hint=hint)
    if place and not problem and not set(places.sites_of(place)) & set(source.at_sites):
        hint = f"it lies at {', '.join(source.at_sites)}"
        yield error("HW1203", f"`{name}` does not lie at `{place}`", where, hint=hint, length=len(policy.from_))
    if source.on_schema_change != "evolve":  # else columns may be found in files: the graph knows them
        yield from column_problems(policy, name, tuple(source.columns))


def relation_and_place(text: str) -> tuple[str, str]:
    """Take ``from`` apart; without a place it means all sites of the relation.

    >>> relation_and_place("access_log@eu"), relation_and_place("access_log")
    (('access_log', 'eu'), ('access_log', ''))
    """
    relation, _, place = text.partition("@")
    return relation.strip(), place.strip()


def _deny_problems(policy: Policy, places: PlaceNames) -> Iterator[Diagnostic]:
    names = policy.deny.to if policy.deny is not None else ()
    if 0 < sum(name.startswith("!") for name in names) < len(names):
        message = "`to` of a deny names places and excepts others at once"
        hint = 'either where it may not go (`[us, uk]`), or the only places to which it may (`["!eu"]`)'
        yield error("HW1203", message, policy.at.of("deny.to"), hint=hint)
    for index, name in enumerate(names):
        yield from _place_problems(name.removeprefix("!"), places, policy.at, f"deny.to.{index}")


def _place_problems(name: str, places: PlaceNames, at: Origin, path: str) -> Iterator[Diagnostic]:
    if name.startswith("!"):
        message, hint = f"`{shown(name)}`: only `deny` excepts places", "name the places that may receive the columns"
        yield error("HW1203", message, at.of(path), hint=hint, length=len(name))
    elif problem := places.problem(name):
        yield error(problem[0], problem[1], at.of(path), hint=problem[2], length=len(name) or 1)


def key_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge every key: a reference to a secret, held somewhere. The secret itself is never shown."""
    places = PlaceNames.of(project)
    for key in project.keys.values():
        if not is_reference(key.secret):
            # At the name, not at the value: what stands there may be the secret.
            message = f"the secret of the key `{key.name}` is a reference, never the secret itself"
            hint = 'such as `secret: "${env:CRM_KEY}"`, and set that variable at the sites that hold it'
            yield error("HW1207", message, key.at.where, hint=hint, length=len(key.name))
        if not key.at_sites:
            hint = "such as `at: [eu]`: the sites that make tokens with it"
            yield error("HW1217", f"nobody holds the key `{key.name}`", key.at.of("at"), hint=hint)
        for index, name in enumerate(key.at_sites):
            yield from _place_problems(name, places, key.at, f"at.{index}")


def audit_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge the key that signs checkpoints: a reference, never the key itself, which is not shown."""
    if project.audit.secret and not is_reference(project.audit.secret):
        message = "the key of checkpoints is a reference, never the key itself"
        hint = 'such as `audit: {secret: "${env:AUDIT_KEY}"}`'
        # At the map, not at the value: what stands there may be the key.
        yield error("HW1284", message, project.at.of("audit"), hint=hint)


def through_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge by which policies models say that they read; whether these are their inputs, the graph knows."""
    for model in project.models.values():
        yield from _through(model.through, project, model.at)


def _through(through: Mapping[str, str], project: Project, at: Origin) -> Iterator[Diagnostic]:
    known = {name.casefold() for name in (*project.sources, *project.models)}
    for name, rule in through.items():
        where, policy = at.of(f"through.{name}"), project.policies.get(rule)
        if name.casefold() not in known:
            hint = suggest(name[:100], (*project.sources, *project.models)) or "such as `{access_log: traffic-totals}`"
            yield error("HW1212", f"`through` names `{shown(name)}`, which is no source or model", where, hint=hint)
        elif policy is None or not policy.ship:
            ships = [each.name for each in project.policies.values() if each.ship]
            message = f"`{shown(rule)}` is no policy that ships" if policy else f"there is no policy `{shown(rule)}`"
            yield error("HW1212", message, where, hint=suggest(rule[:100], ships) or "name one that ships its columns")
        elif (relation := relation_and_place(policy.from_)[0]).casefold() != name.casefold():
            message = f"the policy `{rule}` ships `{shown(relation)}`, not `{shown(name)}`"
            of_it = [each.name for each in project.policies.values() if _ships(each, name)]
            hint = f"those that ship it: {', '.join(of_it)}" if of_it else "write a policy that ships it"
            yield error("HW1212", message, where, hint=hint)


def _ships(policy: Policy, relation: str) -> bool:
    return bool(policy.ship) and relation_and_place(policy.from_)[0].casefold() == relation.casefold()


def policy_test_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge every test of policies: asked by a site that there is, through policies that there are."""
    for test in project.policy_tests.values():
        yield from _test_problems(test, project)
        yield from _through(test.through, project, test.at)


def _test_problems(test: PolicyTest, project: Project) -> Iterator[Diagnostic]:
    if not test.plan.strip():
        yield error("HW1218", "`plan` holds no query", test.at.of("plan"), hint="such as `SELECT path FROM access_log`")
    if test.at_sites not in project.sites:
        hint = suggest(test.at_sites[:100], project.sites) or f"there are {', '.join(project.sites)}"
        yield error("HW1218", f"no site `{shown(test.at_sites)}` can ask", test.at.of("at"), hint=hint)
    if test.because and test.expect != "refused":
        message = "`because` says why something is refused, and this test expects that it is allowed"
        yield error("HW1218", message, test.at.of("because"), hint="take it out, or say `expect: refused`")
