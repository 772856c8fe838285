"""The judge: a case as a project on disk, compiled, chosen and placed as by a plan, and proved as by each site."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from headwater.app.declared import load_project
from headwater.app.placing import nothing_known
from headwater.connect.runtimes import Fragment, Granted
from headwater.diagnostics import Diagnostic, Refused, has_errors
from headwater.graph.caching import Forgetful
from headwater.graph.compiling import compile_graph
from headwater.graph.values import Graph
from headwater.placement.nodes import Holdings, Placing
from headwater.placement.values import Exchange, Held, Placed
from headwater.policy.charters import Charter, charter_of, digest
from headwater.policy.proving import Proof, prove
from headwater.run.binding import Binder
from headwater.spec.project import Project
from tests.policy.adversarial.values import Case, Relation, World
from tests.policy.adversarial.worlds import WORLDS

BINDER = Binder()
NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
ASKED = "asked"


@dataclass(frozen=True)
class Allowed:
    """What would run: the query asked for, taken apart, and whatever is placed before it."""

    graph: Graph
    charter: Charter
    placed: Placed | None
    """None: it reads nothing remote."""
    before: tuple[Placed, ...] = ()
    """Of tables that it reads."""


@dataclass(frozen=True)
class Refusal:
    """Why it is refused, and by whom."""

    diagnostics: tuple[Diagnostic, ...]
    by: str = "the project"

    def __str__(self) -> str:
        return f"by {self.by}: " + "; ".join(f"{each.code} {each.message}" for each in self.diagnostics)


def much(source: str, site: str) -> Held:
    """Say that there is so much everywhere that keys, bounds and single values are worth sending first."""
    del source, site
    return Held(rows=10_000_000, bytes=1_000_000_000, distinct=dict.fromkeys("kgvhw", 5_000_000))


def judge(case: Case, world: World | None = None, held: Holdings = nothing_known) -> Allowed | Refusal:
    """Compile, choose, place and prove; the first who refuses says why."""
    project, found = _project(_settings(case, world or WORLDS[case.world]))
    if project is None or has_errors(found):
        return Refusal(tuple(each for each in found if each.severity == "error"))
    through = {source: rule for source, rule in case.through.items() if source in case.query}
    asked = replace(project.models[ASKED], query=case.query, through=through)
    project = replace(project, models={**project.models, ASKED: asked})
    graph, found = compile_graph(project, bind=BINDER, cache=Forgetful())
    if graph is None:
        return Refusal(tuple(each for each in found if each.severity == "error"), "the graph")
    charter = charter_of(graph)
    placing = Placing(graph=graph, charter=charter, bind=BINDER, held=held, at=case.at)
    try:
        placed = {node.name: placing.place(node.name) for node in graph.nodes if _is_placed(node.name, graph, case)}
    except Refused as refused:
        return Refusal(refused.diagnostics, "choice or placement")
    for each in filter(None, placed.values()):
        wrong = _proved(each, charter)
        if wrong is not None:
            return wrong
    before = tuple(each for name, each in placed.items() if name != ASKED and each)
    return Allowed(graph, charter, placed[ASKED], before)


def _is_placed(name: str, graph: Graph, case: Case) -> bool:
    node = next(each for each in graph.nodes if each.name == name)
    if name == ASKED:
        return True
    return node.source is None and node.kind not in {"inline", "view"} and name in case.query


def _proved(placed: Placed, charter: Charter) -> Refusal | None:
    """Have every remote sender prove what it is asked for, knowing of what it received where that may go on to."""
    bound: dict[str, frozenset[str]] = {}
    for exchange in placed.exchanges:
        for sender in exchange.senders:
            if sender == placed.at:
                continue
            proof = proof_of(exchange, sender, placed, charter, bound)
            if isinstance(proof, Diagnostic):
                return Refusal((proof,), f"the site {sender}, of {exchange.name}")
            mine = frozenset(proof.destinations)
            bound[exchange.name] = bound.get(exchange.name, mine) & mine
    return None


def proof_of(
    exchange: Exchange, sender: str, placed: Placed, charter: Charter, bound: Mapping[str, frozenset[str]]
) -> Proof | Diagnostic:
    """Have one site prove its fragment of an exchange."""
    binder = Binder()
    try:
        known = {name: places for name, places in bound.items() if name in exchange.needs}
        return prove(charter, sender, fragment_of(exchange, sender, placed, charter), binder, known)
    finally:
        binder.close()


def fragment_of(exchange: Exchange, sender: str, placed: Placed, charter: Charter) -> Fragment:
    """Give the fragment that a site is sent for an exchange."""
    columns = {each.name: each.columns for each in placed.exchanges}
    return Fragment(
        charter=digest(charter),
        run="r1",
        exchange=exchange.name,
        site=sender,
        to=exchange.to,
        query=exchange.query,
        reads=tuple(
            Granted(name=read.name, source=read.relation, rule=read.grants[sender].rule) for read in exchange.reads
        ),
        received={name: columns[name] for name in exchange.needs},
        columns=exchange.columns,
        now=NOW,
    )


def _settings(case: Case, world: World) -> str:
    """Everything of a case but its query, as the text that its project is written from."""
    changed = {name: what for name, what in case.columns.items() if not name.startswith("keys.")}
    holders = {name.removeprefix("keys."): at for name, at in case.columns.items() if name.startswith("keys.")}
    keys = {name: {**key, "at": holders.get(name, key["at"])} for name, key in world.keys.items()}
    return json.dumps(
        {
            "jurisdictions": world.jurisdictions,
            "sources": {name: _source(name, each, changed) for name, each in world.sources.items()},
            "policies": {name: rule for name, rule in {**world.policies, **case.policies}.items() if rule},
            "keys": keys,
            "models": case.models,
            "macros": case.macros,
        }
    )


def _source(name: str, source: Relation, changed: Mapping[str, Any]) -> dict[str, Any]:
    columns = {column: changed.get(f"{name}.{column}", what) for column, what in source.columns.items()}
    return {
        "connector": "files",
        "path": f"data/{name}/{{site}}.csv",
        "format": "csv",
        "at": list(source.rows),
        "replicated": source.replicated,
        "columns": {column: {"type": type_, "class": class_} for column, (type_, class_) in columns.items()},
    }


@cache
def _project(settings: str) -> tuple[Project | None, list[Diagnostic]]:
    """Write a project and read it as any command would."""
    said = json.loads(settings)
    root = Path(mkdtemp(prefix="adversary-"))
    sites = {
        name: ({"jurisdiction": place} if place else {}) | ({} if name == "hub" else {"runtime": "local"})
        for name, place in said["jurisdictions"].items()
    }
    _write(root / "headwater.yaml", json.dumps({"project": "logs", "sites": sites}))
    _write(root / "sources.yaml", json.dumps({"sources": said["sources"]}))
    for section in ("policies", "keys"):
        _write(root / f"{section}.yaml", json.dumps({section: said[section]}))
    for name, model in said["models"].items():
        query, header = (model, {}) if isinstance(model, str) else model
        head = "".join(f"{key}: {json.dumps(value)}\n" for key, value in header.items())
        _write(root / f"models/{name}.sql", f"/* headwater\n{head}*/\n{query}\n" if head else f"{query}\n")
    _write(root / f"models/{ASKED}.sql", "SELECT 1 AS one\n")
    if said["macros"]:
        _write(root / "functions/macros.sql", said["macros"])
    return load_project(root)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
