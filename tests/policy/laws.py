"""A law in a test's hands: places, sources with classes, rules; what they grant, what a site proves."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headwater.connect.runtimes import Fragment, Granted
from headwater.diagnostics import Diagnostic, Where
from headwater.graph.borders import Borders, KeyNode, PolicyNode, SiteNode
from headwater.graph.compiling import compile_graph
from headwater.graph.values import Graph
from headwater.policy.charters import Charter, charter_of, digest
from headwater.policy.grants import Grants, grants_of, source_grants
from headwater.policy.implication import predicate_text
from headwater.policy.labels import labels_of
from headwater.policy.matching import choose
from headwater.policy.proving import Proof, prove
from headwater.policy.subjects import subject_of
from headwater.policy.values import Chosen, Refusal, Use
from headwater.run.binding import Binder
from headwater.spec.nodes import Column, Model, PythonCode, Source
from headwater.spec.origin import Origin
from headwater.spec.policies import Deny, Form
from headwater.spec.project import Project
from headwater.sql.queries import read_query

BINDER = Binder()
NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)


class Law:
    """Places are sites with their jurisdictions; sources lie at ``eu`` unless they say otherwise."""

    def __init__(self, **places: str) -> None:
        self.places = places
        self.sources: dict[str, Source] = {}
        self.models: dict[str, Model] = {}
        self.rules: list[PolicyNode] = []
        self.keys: list[KeyNode] = []

    def source(self, name: str, columns: str, *, at: tuple[str, ...] = ("eu",), **more: Any) -> None:
        """``columns``: ``id bigint, email text pii.email``."""
        self.sources[name] = Source(
            name=name,
            connector="files",
            columns=_columns(columns),
            settings={"path": f"data/{name}.csv"},
            at_sites=at,
            at=Origin(Where("sources.yaml", 1, 1)),
            **more,
        )

    def model(self, name: str, sql: str, columns: str = "", **more: Any) -> None:
        at = Origin(Where(f"models/{name}.sql", 1, 1))
        self.models[name] = Model(name=name, query=sql, columns=_columns(columns), at=at, **more)

    def python(self, name: str, inputs: Mapping[str, str], columns: str) -> None:
        code = PythonCode(
            path="python/m.py", function=name, arguments=tuple(inputs), inputs=inputs, modules={"python/m.py": ""}
        )
        self.models[name] = Model(
            name=name, code=code, columns=_columns(columns), at=Origin(Where("python/m.py", 1, 1))
        )

    def ship(
        self, name: str, columns: str, of: str, *, to: str = "us", where: str = "", at: str = "eu", **more: Any
    ) -> None:
        rule = PolicyNode(
            name=name,
            relation=of,
            sites=tuple(at.split()),
            to=tuple(to.split()),
            ship=tuple(columns.split()),
            predicate=where,
            file="policies.yaml",
            line=len(self.rules) + 1,
            **more,
        )
        self.rules.append(rule)

    def deny(self, name: str, class_: str, *, to: str, even: tuple[Any, ...] = ()) -> None:
        places = tuple(to.split())
        deny = Deny(class_=class_, to=places, even=even)
        self.rules.append(
            PolicyNode(name=name, deny=deny, denied_to=places, file="policies.yaml", line=len(self.rules) + 1)
        )

    def key(self, name: str, holders: str) -> None:
        self.keys.append(
            KeyNode(
                name=name,
                secret="${env:KEY}",  # noqa: S106 - a reference
                holders=tuple(holders.split()),
            )
        )

    @property
    def graph(self) -> Graph:
        project = Project(name="law", sources=self.sources, models=self.models)
        graph, found = compile_graph(project, bind=BINDER)
        assert graph is not None, [f"{each.code} {each.message}" for each in found]
        sites = tuple(SiteNode(name=name, jurisdiction=place, runtime="local") for name, place in self.places.items())
        return replace(graph, borders=Borders(sites=sites, policies=tuple(self.rules), keys=tuple(self.keys)))

    @property
    def charter(self) -> Charter:
        return charter_of(self.graph)

    def grants(self, source: str, *, to: str = "us", at: str = "eu") -> Grants:
        return source_grants(self.charter, source, at, to, BINDER)

    def model_grants(self, name: str, *, to: str, at: str = "hub") -> Grants:
        """What may leave the hub of a model, by rules on it (they are no part of a charter of sites)."""
        graph = self.graph
        node = next(node for node in graph.nodes if node.name == name)
        charter = replace(charter_of(graph), policies=graph.borders.policies)
        return grants_of(charter, subject_of(node, labels_of(graph)[name]), at, to, BINDER)

    def choose(
        self, source: str, columns: str, *, where: str = "", at: str = "hub", through: str = "", sites: str = "eu"
    ) -> Chosen | tuple[Refusal, ...]:
        subject = subject_of(next(node for node in self.graph.nodes if node.name == source))
        conjuncts = canonical(where, subject.columns) if where else ()
        use = Use(
            number=0,
            relation=source,
            columns=frozenset(columns.split()),
            conjuncts=conjuncts,
            where=Where("models/m.sql", 3, 5),
        )
        return choose(self.charter, subject, use, sites.split(), at, through, BINDER)

    def refused(self, source: str, columns: str, **more: Any) -> Diagnostic:
        found = self.choose(source, columns, **more)
        assert not isinstance(found, Chosen), f"chosen: {found}"
        return found[0].diagnostic

    def by(self, source: str, columns: str, **more: Any) -> str:
        """Name of the rule by which it is read; empty: none was needed."""
        found = self.choose(source, columns, **more)
        assert isinstance(found, Chosen), found
        return next(iter(found.grants.values())).rule

    def fragment(self, query: str, *, reads: str = "customers by people", **more: Any) -> Fragment:
        """``reads``: ``source by rule``, comma between them; they are called g1, g2 …."""
        named = [each.split(" by ") for each in reads.split(",") if each]
        granted = tuple(
            Granted(name=f"g{at}", source=source.strip(), rule=rule.strip())
            for at, (source, rule) in enumerate(named, 1)
        )
        asked: dict[str, Any] = {
            "charter": digest(self.charter),
            "run": "r1",
            "exchange": "x9",
            "site": "eu",
            "to": ("hub",),
            "query": query,
            "reads": granted,
            "now": NOW,
        }
        return Fragment(**asked | more)

    def prove(self, query: str, **more: Any) -> Proof | Diagnostic:
        """Prove a fragment; without ``columns`` it is taken to say those that it has."""
        asked = self.fragment(query, **more)
        if not asked.columns:
            asked = replace(asked, columns=self._columns_of(asked))
        return prove(self.charter, "eu", asked, Binder())

    def _columns_of(self, asked: Fragment) -> tuple[tuple[str, str], ...]:
        single = BINDER.parse(asked.query)
        if not isinstance(single, bytes) or len(json.loads(single).get("statements", ())) != 1:
            return ()
        relations = {f"exchange.{name}": columns for name, columns in asked.received.items()}
        for read in asked.reads:
            grant = self.grants(read.source).of_rule(read.rule)
            relations |= {f"granted.{read.name}": grant.columns} if grant else {}
        bound = BINDER(asked.query, relations, parameters={"now": "now()", **asked.parameters})
        return bound if isinstance(bound, tuple) else ()


def canonical(where: str, columns: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """A condition's canonical text, as the planner makes it."""
    parsed = BINDER.parse(f"SELECT 1 AS one FROM t WHERE {where}")
    assert isinstance(parsed, bytes), parsed
    query, _ = read_query(json.loads(parsed)["statements"][0]["node"], {"t": ("t", columns)})
    text = predicate_text(query.where)  # type: ignore[union-attr, arg-type]
    return () if text is None else (text,)


def lossy(**form: Any) -> dict[str, Form]:
    return {"form": Form(**form)}


def _columns(text: str) -> dict[str, Column]:
    found = {}
    for part in filter(None, text.split(",")):
        name, type_, class_ = [*part.split(), "", ""][:3]
        found[name] = Column(type=type_ or None, class_=class_)
    return found
