"""Of which models one query may fill several slots: only those for which the result is proved to be the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.graph import caching
from headwater.graph.drafts import Draft
from headwater.graph.infer_columns import is_cut
from headwater.graph.resolve_references import parsed
from headwater.graph.values import TimeCut
from headwater.spec.addresses import address
from headwater.spec.nodes import Model
from headwater.sql.canonical import FORM
from headwater.sql.queries import read_query
from headwater.sql.slotwise import CutInput, NotProved, fits, prove
from headwater.sql.text import NOW_LIKE
from headwater.sql.tree import Unclear


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof needs of the slots; or why there is none."""

    needs: tuple[str, ...] = ()
    why_not: str = ""


def prove_slots(draft: Draft) -> Draft:
    """Prove what can be proved; what is not proved runs slot by slot."""
    proofs: dict[str, Proof] = {}
    slotwise: set[str] = set()
    for name in draft.order:
        model = draft.project.models.get(name)
        if model is None or name in draft.failed or name not in draft.analyses or name not in draft.times:
            continue
        proofs[name] = _proof(draft, model, proofs)
        every = model.every
        if every and not proofs[name].why_not and fits(proofs[name].needs, every.count, every.unit, model.timezone):
            slotwise.add(name)
    return replace(draft, slotwise=frozenset(slotwise))


def _proof(draft: Draft, model: Model, proofs: Mapping[str, Proof]) -> Proof:
    """Cheap reasons against it first."""
    analysis, mentions = draft.analyses[model.name], draft.mentions[model.name]
    if analysis.opaque:
        return Proof(why_not=analysis.opaque)
    if any(each.before or each.after for each in model.reads.values()):
        return Proof(why_not="a slot reads more than its own interval")
    if any(each.name.lower() not in NOW_LIKE and each.name != "$now" for each in mentions.volatile):
        return Proof(why_not="a volatile function")
    cut: dict[str, CutInput] = {}
    for name in draft.inputs[model.name]:
        if name in draft.times:
            why_not = _cannot_follow(draft, model, name, proofs)
            if why_not:
                return Proof(why_not=why_not)
            needs = proofs[name].needs if name in proofs and _is_folded(draft, name) else ()
            cut[name] = CutInput(draft.times[name].column, draft.times[name].type, needs)
    return _kept_proof(draft, model, cut, draft.times[model.name])


def _is_folded(draft: Draft, name: str) -> bool:
    """Whether a node is computed inside of those that read it."""
    return name in draft.project.models and draft.project.models[name].kind in {"view", "inline"}


def _cannot_follow(draft: Draft, model: Model, name: str, proofs: Mapping[str, Proof]) -> str:
    below = draft.times[name]
    if below.type != "TIMESTAMP WITH TIME ZONE" and below.timezone != model.timezone:
        return f"the time of `{name}` is in another time zone"
    if not _is_folded(draft, name):
        return ""
    if below.timezone != model.timezone:
        return f"`{name}` is in another time zone"
    if not is_cut(draft.project.models[name]) or name not in proofs:
        return f"`{name}` is not proved"
    return proofs[name].why_not


def _kept_proof(draft: Draft, model: Model, cut: Mapping[str, CutInput], time: TimeCut) -> Proof:
    facts = (f"{name} {each.column} {each.type} {each.needs}" for name, each in sorted(cut.items()))
    key = address("slots", FORM, draft.keys[model.name], time.column, *facts)
    known = caching.read(draft.cache, key, Proof)
    if known is None:
        known = _proved(draft, model, cut, time.column)
        caching.write(draft.cache, key, known)
    return known


def _proved(draft: Draft, model: Model, cut: Mapping[str, CutInput], time: str) -> Proof:
    nodes = {name.casefold(): (name, draft.relations[name]) for name in draft.inputs[model.name]}
    try:
        query, _ = read_query(parsed(draft, model.name, model), nodes)
        return Proof(needs=prove(query, cut, time))
    except (NotProved, Unclear) as why:
        return Proof(why_not=str(why) or "not understood")
