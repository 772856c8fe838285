"""Checks of sources, file by file, before anything is built on them; what reads a refused file is withheld."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from headwater.diagnostics import Where
from headwater.graph.values import TABLE_KINDS, Check, Graph, Node
from headwater.plan.reasons import added_checks, by_name
from headwater.plan.values import Plan
from headwater.run.engine import Engine, Session, as_headwater_error
from headwater.run.measuring import fill_checks, measure_fills
from headwater.run.quality.guarding import Guarded, as_now, readers, readers_due
from headwater.run.relations import Surroundings, define
from headwater.spec.addresses import address
from headwater.spec.observations import Item
from headwater.spec.releases import Verdict
from headwater.sql.text import literal, quote_relation
from headwater.state.database import Database
from headwater.state.verdicts import verdicts
from headwater.tasks.values import Relation

_Sited = tuple[str, Item]


def guard_sources(plan: Plan, old: Graph | None, db: Database, engine: Engine, around: Surroundings) -> Guarded:
    """Evaluate the one-file checks of all sources that something due stands on, or that are judged otherwise from now.

    Known files are not read again.
    """
    fresh: list[Verdict] = []
    failing: list[Verdict] = []
    before = by_name(old)
    for each in plan.nodes.values():
        checks = fill_checks(each.node) if each.node.kind == "source" else ()
        if not checks:
            continue
        name = each.node.name
        if not (readers_due(plan, name) or _is_served(plan, before.get(name), each.node, checks)):
            continue
        known, measured = _Guard(plan, each.node, checks, engine, around).judge(db)
        known, changed = as_now(checks, known)
        fresh += [*changed, *measured]
        failing += [v for v in (*known, *measured) if v.failing and v.on_fail == "block"]
    return Guarded(tuple(fresh), tuple(failing))


def _is_served(plan: Plan, old: Node | None, node: Node, checks: Sequence[Check]) -> bool:
    """Whether a check was added or changed, and a table that stays as it is stands on the files as they are."""
    if not plan.changes_code or set(checks).isdisjoint(added_checks(old, node)):
        return False
    tables = [each for each in readers(plan, node.name) if each.node.kind in TABLE_KINDS]
    return any(not each.is_new and not each.due for each in tables)


class _Guard:
    def __init__(self, plan: Plan, node: Node, checks: Sequence[Check], engine: Engine, around: Surroundings) -> None:
        self._plan, self._node, self._checks = plan, node, checks
        self._engine, self._around = engine, around
        self._facts = plan.sources[node.name]

    def judge(self, db: Database) -> tuple[list[Verdict], list[Verdict]]:
        """Give every verdict on the source's files: those that are known, and those made now."""
        items = {
            self._subject(site, item): (site, item)
            for observation in self._facts.observations
            for site, item in ((observation.site, item) for item in observation.items)
            if item.identity not in self._facts.vanished
        }
        found = verdicts(db, items, [check.address for check in self._checks])
        missing = [s for s in items if any((s, check.address, "") not in found for check in self._checks)]
        known = [verdict for verdict in found.values() if verdict.subject not in missing]
        return known, self._measure({subject: items[subject] for subject in missing})

    def _subject(self, site: str, item: Item) -> str:
        return address("file", self._node.version, site, self._facts.token(item))

    def _measure(self, items: dict[str, _Sited]) -> list[Verdict]:
        """One pass over all new files; only if it finds something, one over each, to say which."""
        if not items:
            return []
        try:
            together = self._evaluate("", list(items.values()))
            if any(verdict.failing for verdict in together):
                return [v for subject, item in items.items() for v in self._evaluate(subject, [item])]
        except Exception as problem:
            where = Where(self._node.file, self._node.line)
            raise as_headwater_error(problem, f"checking source `{self._node.name}`", where) from problem
        return [replace(verdict, subject=subject) for subject in items for verdict in together]

    def _evaluate(self, subject: str, items: Iterable[_Sited]) -> list[Verdict]:
        node = self._node
        relation = Relation(name=node.name, kind="source", version=node.version, time=node.time, items=tuple(items))
        with self._engine.session(node.timezone) as session:
            define(session, [relation], self._around, {"now": literal(self._plan.now)})
            return self._rows(session, subject)

    def _rows(self, session: Session, subject: str) -> list[Verdict]:
        select = f"SELECT * FROM {quote_relation(self._node.name)}"
        return measure_fills(session, self._node, self._checks, [(subject, "", select)])
