"""Freezes what is there: lists every source, settles vanished files, completes the file index."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from headwater.connect.sources import Source
from headwater.diagnostics import Diagnostic, Invalid, Where, error, has_errors, warning
from headwater.events import Emit, FileInspected
from headwater.graph.values import Graph, Node
from headwater.plan.granules import granules
from headwater.plan.values import SourceFacts
from headwater.run.discovering import discover
from headwater.run.engine import Engine, as_headwater_error
from headwater.run.sites.remote_source import is_stretch
from headwater.spec.observations import Inspection, Item, Observation
from headwater.state.database import Database
from headwater.state.file_index import inspections, record_inspections
from headwater.state.observations import last_observations


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was found: facts for planning, inspections for scanning, warnings for people."""

    facts: Mapping[str, SourceFacts]
    inspections: Mapping[str, Mapping[str, Inspection]]
    diagnostics: tuple[Diagnostic, ...] = ()
    landing: Mapping[str, str] = field(default_factory=dict)
    """Source → why an apply or run would land rows there first, where this observation has not."""


def observe(
    db: Database,
    graph: Graph,
    sources: Mapping[str, Source],
    environment: str,
    *,
    engine: Engine,
    now: datetime,
    emit: Emit,
    finest: Mapping[str, int] | None = None,
) -> Observed:
    """Observe all sources of a graph; raises Invalid with everything that is wrong at once.

    ``finest``: source → how finely its file index tells times apart (seconds), where no reader in the graph says it.
    """
    before, finest = last_observations(db, environment), finest or granules(graph)
    facts: dict[str, SourceFacts] = {}
    known: dict[str, Mapping[str, Inspection]] = {}
    found: list[Diagnostic] = []
    for node in graph.nodes:
        if node.source is None:
            continue
        seen = [_list(node, sources[node.name], site, before, found) for site in node.source.sites]
        observations = tuple(observation for observation, _ in seen)
        vanished = frozenset(identity for _, gone in seen for identity in gone)
        if has_errors(found):
            continue
        try:
            discover(db, node, sources[node.name], observations, vanished, engine=engine, now=now)
            known[node.name], fresh = _inspect(
                db, node, sources[node.name], observations, vanished, engine, now, emit, finest[node.name]
            )
            found += _lost_files(node, observations, fresh)
        except Exception as problem:  # noqa: BLE001 - whatever a file holds must become a diagnostic
            found += as_headwater_error(problem, f"source `{node.name}`", Where(node.file, node.line)).diagnostics
        else:
            last = tuple(before[node.name, o.site] for o in observations if (node.name, o.site) in before)
            facts[node.name] = _facts(db, sources[node.name], observations, last, vanished, known[node.name], node)
    if has_errors(found):
        raise Invalid.from_all(found)
    return Observed(facts=facts, inspections=known, diagnostics=tuple(found))


def contract_of(node: Node) -> str:
    """Address of a source's contract: with a file's identity it keys what is known of the file."""
    return node.rows_address


def _list(
    node: Node,
    source: Source,
    site: str,
    observed: Mapping[tuple[str, str], Observation],
    found: list[Diagnostic],
) -> tuple[Observation, frozenset[str]]:
    items, diagnostics = source.observe(site)
    found += diagnostics
    assert node.source is not None  # noqa: S101 - asked by the caller
    if node.source.land:  # what is in the lake does not vanish: a new snapshot takes the place of the one before
        return Observation(node.name, site, tuple(items)), frozenset()
    last = observed.get((node.name, site))
    present = {item.identity for item in items} | {item.path for item in items}
    before = [item for item in last.items if not is_stretch(item)] if last else []
    gone = [i for i in before if i.identity not in present and i.path not in present]
    if gone and node.source.on_vanish == "fail":
        found.append(_vanished(node, gone))
    if gone and node.source.on_vanish == "keep":
        kept = tuple(sorted((*items, *gone), key=lambda item: item.path))
        return Observation(node.name, site, kept), frozenset(item.identity for item in gone)
    return Observation(node.name, site, tuple(items)), frozenset()


def _vanished(node: Node, gone: list[Item]) -> Diagnostic:
    others = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
    return error(
        "HW0512",
        f"`{gone[0].path}`{others} of source `{node.name}` has vanished",
        Where(node.file, node.line),
        hint="bring it back, or say what that means: `on_vanish: keep` (rotated away) or `on_vanish: delete`",
    )


def _inspect(
    db: Database,
    node: Node,
    source: Source,
    observations: Iterable[Observation],
    vanished: frozenset[str],
    engine: Engine,
    now: datetime,
    emit: Emit,
    granule_s: int,
) -> tuple[Mapping[str, Inspection], list[Inspection]]:
    identities = [item.identity for o in observations for item in o.items]
    known = dict(inspections(db, contract_of(node), identities))
    coarse = {name for name, found in known.items() if found.granule_s > granule_s}
    every: list[Inspection] = []
    for observation in observations if source.needs_inspection else ():
        present = [item for item in observation.items if item.identity not in vanished]
        new = [item for item in present if item.identity not in known or item.identity in coarse]
        if not new:
            continue
        with engine.session() as session:
            fresh = list(source.inspect(session.connection, new, observation.site, now))
        fresh = [_as_known(known.get(each.identity), each, granule_s) for each in fresh]
        every += fresh
        record_inspections(db, contract_of(node), node.name, fresh, now)
        paths = {item.identity: item.path for item in new}
        for inspection in fresh:
            if inspection.identity in coarse:
                known[inspection.identity] = inspection
                continue
            known[inspection.identity] = replace(
                inspection, set_aside=tuple(row for row in inspection.set_aside if row.recovered)
            )
            emit(FileInspected(node.name, paths[inspection.identity], inspection.rows, inspection.rejects))
    return known, every


def _as_known(before: Inspection | None, now: Inspection, granule_s: int) -> Inspection:
    """Of a file that was looked at before, only when its rows lie is news: what belongs to the source stays fixed."""
    found = now if now.occupied else replace(now, granule_s=granule_s)
    return found if before is None else replace(before, occupied=found.occupied, granule_s=found.granule_s)


def _lost_files(node: Node, observations: Iterable[Observation], fresh: Iterable[Inspection]) -> Iterator[Diagnostic]:
    """Warn of files none of whose rows fits: more likely the contract is wrong than every row."""
    paths = {item.identity: item.path for observation in observations for item in observation.items}
    for inspection in fresh:
        if inspection.rejects and not inspection.rows:
            message = f"no row of `{paths[inspection.identity]}` fits the contract of source `{node.name}`"
            hint = f"compare its `columns:` with the file; `headwater quarantine show {node.name}` shows the rows"
            yield warning("HW0315", message, Where(node.file, node.line), hint=hint)


def _facts(
    db: Database,
    source: Source,
    observations: tuple[Observation, ...],
    before: tuple[Observation, ...],
    vanished: frozenset[str],
    known: Mapping[str, Inspection],
    node: Node,
) -> SourceFacts:
    is_cut = node.time is not None and source.needs_inspection
    gone = {item.identity for o in before for item in o.items} - known.keys() if is_cut else set()
    every = [*known.values(), *(inspections(db, contract_of(node), gone).values() if gone else ())]
    bounds = {i.identity: i.not_after for i in every if i.not_after is not None}
    return SourceFacts(
        observations=observations,
        before=before,
        occupied={i.identity: i.occupied for i in every} if is_cut else None,
        tokens={identity: f"{identity}~{bound.isoformat()}" for identity, bound in bounds.items()},
        vanished=vanished,
    )
