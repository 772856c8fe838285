"""TPC-H under sets of policies that were fixed before anything was measured: what they refuse, and what keeping them costs."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.measure import Cost, Row
from bench.scale import Scale
from headwater.diagnostics import Refused
from headwater.graph.compiling import compile_graph
from headwater.graph.values import Graph
from headwater.placement.nodes import Placing
from headwater.placement.values import Exchange, Held, Placed
from headwater.policy.charters import Charter, charter_of
from headwater.policy.grants import source_grants
from headwater.policy.implication import implies, predicate_text
from headwater.policy.values import Grant
from headwater.run.binding import Binder
from headwater.spec.nodes import Column, Model, Source
from headwater.spec.policies import Form, Policy
from headwater.spec.project import Project, Site
from headwater.sql.uses import Used, uses
from tests.placement import tpch
from tests.placement.places import run_placed

LAWS = {"hub": "us", "amsterdam": "eu", "boston": "us", "cairo": "eg"}
SHARED = ("customer", "orders", "lineitem")
"""Tables whose rows lie apart; all others lie everywhere."""
_PERSONAL = ("c_name", "c_address", "c_phone", "c_acctbal", "c_comment", "o_clerk", "o_comment", "l_comment")
_RECENT = {"orders": "o_orderdate >= DATE '1994-01-01'", "lineitem": "l_shipdate >= DATE '1994-01-01'"}
_TOTALS = Form(
    aggregates=("sum", "count", "avg"),
    by={"l_returnflag": "l_returnflag", "l_linestatus": "l_linestatus", "l_shipdate": "l_shipdate"},
    unit="l_orderkey",
    min_group=10,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """Rules, and the laws that sites stand under."""

    name: str
    laws: Mapping[str, str]
    tables: tuple[str, ...] = SHARED
    """Those that may leave at all."""
    kept: tuple[str, ...] = ()
    """Columns that stay."""
    where: Mapping[str, str] | None = None
    totals: bool = False
    """Of `lineitem` only aggregates leave."""


SETS = (
    PolicySet(name="none", laws={}),
    PolicySet(name="by table", laws=LAWS, tables=("orders", "lineitem")),
    PolicySet(name="by column", laws=LAWS, kept=_PERSONAL),
    PolicySet(name="by column and row", laws=LAWS, kept=_PERSONAL, where=_RECENT),
    PolicySet(name="with aggregates", laws=LAWS, kept=_PERSONAL, totals=True),
)


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    size = min(scale.tpch)
    layout = tpch.layout_a(size)
    free = {number: placed for number, placed in _placed(SETS[0], layout) if isinstance(placed, Placed)}
    cheapest = {number: _moved(placed, layout, folder) for number, placed in free.items()}
    for each in SETS:
        yield _row(each, layout, free, cheapest, folder)


def _row(
    rules: PolicySet, layout: tpch.Layout, free: Mapping[int, Placed], cheapest: Mapping[int, int], folder: Path
) -> Row:
    before, started = os.times(), time.perf_counter()
    found = dict(_placed(rules, layout))
    wall, after = time.perf_counter() - started, os.times()
    allowed = {number: placed for number, placed in found.items() if isinstance(placed, Placed)}
    moved = sum(_moved(placed, layout, folder) for placed in allowed.values())
    least = sum(cheapest[number] for number in allowed)
    violating = [number for number, placed in free.items() if _violates(rules, number, placed, layout)]
    refused = sorted(found.keys() - allowed.keys())
    facts = {
        "violated by the cheapest plan": len(violating),
        "refused": f"{len(refused)}{f' ({_listed(refused)})' if refused else ''}",
        "kB moved": f"{moved / 1e3:.1f}",
        "kB of the cheapest plans": f"{least / 1e3:.1f}",
        "overhead": f"{100 * (moved - least) / least:.1f} %" if least else "none",
    }
    cost = Cost(wall, after.user - before.user, after.system - before.system, 0)
    return Row(f"policies {rules.name}: 22 queries", "Headwater", (cost,), facts=facts)


def _listed(numbers: list[int]) -> str:
    return " ".join(f"q{number}" for number in numbers)


def _moved(placed: Placed, layout: tpch.Layout, folder: Path) -> int:
    return sum(run_placed(placed, layout.sites, folder).bytes.values())


def _placed(rules: PolicySet, layout: tpch.Layout) -> Iterator[tuple[int, Placed | Refused | None]]:
    """Place every query as a model; one that is refused gives why."""
    placing = _placing(rules, layout)
    for number in tpch.queries():
        try:
            yield number, placing.place(f"q{number}")
        except Refused as refused:
            yield number, refused


def _placing(rules: PolicySet, layout: tpch.Layout) -> Placing:
    graph = _graph(rules, layout)
    held = partial(_held, layout)
    return Placing(graph=graph, charter=charter_of(graph), bind=Binder(), held=held)


def _held(layout: tpch.Layout, source: str, site: str) -> Held:
    return layout.located[source].held.get(site, Held())


def _graph(rules: PolicySet, layout: tpch.Layout) -> Graph:
    runtimes = {site: "" if site == "hub" else "local" for site in layout.sites}
    sites = {n: Site(name=n, jurisdiction=rules.laws.get(n, ""), runtime=runtime) for n, runtime in runtimes.items()}
    project = Project(
        name="tpch",
        sites=sites,
        sources={name: _source(name, layout) for name in tpch.TABLES},
        models={f"q{number}": _model(rules, number, text) for number, text in tpch.queries().items()},
        policies={f"{table}-to-us": _policy(rules, table, layout) for table in rules.tables if rules.laws},
    )
    graph, found = compile_graph(project, bind=Binder())
    assert graph is not None, [f"{each.code} {each.message}" for each in found]
    return graph


def _source(name: str, layout: tpch.Layout) -> Source:
    where = layout.located[name]
    return Source(
        name=name,
        connector="files",
        columns={column: Column(type=type_, class_="internal") for column, type_ in layout.schemas[name]},
        settings={"path": f"data/{name}.parquet"},
        at_sites=where.sites,
        replicated=where.replicated,
        partition=where.partition,
    )


def _model(rules: PolicySet, number: int, text: str) -> Model:
    through = {"lineitem": "lineitem-to-us"} if rules.totals and "lineitem" in text else {}
    return Model(name=f"q{number}", query=text, through=through)


def _policy(rules: PolicySet, table: str, layout: tpch.Layout) -> Policy:
    columns = tuple(name for name, _ in layout.schemas[table] if name not in rules.kept)
    is_total = rules.totals and table == "lineitem"
    return Policy(
        name=f"{table}-to-us",
        ship=("l_quantity", "l_extendedprice", "l_discount") if is_total else columns,
        from_=table,
        to=("us",),
        where=(rules.where or {}).get(table, ""),
        as_=_TOTALS if is_total else None,
    )


def _violates(rules: PolicySet, number: int, placed: Placed, layout: tpch.Layout) -> bool:
    """Whether a plan made without rules would break these."""
    if not rules.laws:
        return False
    placing = _placing(rules, layout)
    node = next(each for each in placing.graph.nodes if each.name == f"q{number}")
    used = uses(placing.tree(node), layout.schemas)
    may_have: dict[str, frozenset[str]] = {}
    for exchange in placed.exchanges:
        given = [_destinations(placing, exchange, used, layout)] + [may_have[name] for name in exchange.needs]
        may_have[exchange.name] = frozenset.intersection(*given)
        senders = {rules.laws[each] for each in exchange.senders}
        if any(senders != {rules.laws[to]} and rules.laws[to] not in may_have[exchange.name] for to in exchange.to):
            return True
    return False


def _destinations(placing: Placing, exchange: Exchange, used: tuple[Used, ...], layout: tpch.Layout) -> frozenset[str]:
    """Give the jurisdictions that may have what an exchange reads."""
    everywhere = frozenset(LAWS.values())
    for read in exchange.reads:
        conjuncts = [_texts(each) for each in used if each.table.node == read.relation]
        types, columns = dict(layout.schemas[read.relation]), {name for name, _ in read.columns}
        for sender in (each for each in exchange.senders if each in read.grants):
            found = {
                to
                for to in everywhere
                if _is_granted(placing.charter, read.relation, sender, to, columns, conjuncts, types)
            }
            everywhere &= found | {LAWS[sender]}
    return everywhere


def _texts(used: Used) -> list[str]:
    return [text for each in used.conjuncts if (text := predicate_text(each.expr)) is not None]


def _is_granted(
    charter: Charter,
    relation: str,
    sender: str,
    to: str,
    columns: set[str],
    conjuncts: list[list[str]],
    types: Mapping[str, str],
) -> bool:
    grants = source_grants(charter, relation, sender, to, Binder()).grants
    return any(_covers(grant, columns) and _lets_through(grant, conjuncts, types) for grant in grants)


def _covers(grant: Grant, columns: set[str]) -> bool:
    return grant.shape in ("free", "raw") and columns <= {name for name, _ in grant.columns}


def _lets_through(grant: Grant, conjuncts: list[list[str]], types: Mapping[str, str]) -> bool:
    return not grant.predicate or all(implies(each, grant.predicate, types) for each in conjuncts)
