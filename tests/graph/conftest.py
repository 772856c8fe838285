"""A project made in a test's hands, straight from values: sources, models, sinks, macros; compiled with real DuckDB."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.diagnostics import Diagnostic, Where
from headwater.graph.caching import Forgetful
from headwater.graph.compiling import compile_graph
from headwater.graph.values import Graph, Node
from headwater.run.binding import Binder
from headwater.spec.nodes import Column, Model, PythonCode, Reads, Sink, Source
from headwater.spec.origin import Origin
from headwater.spec.policies import Key, Policy
from headwater.spec.project import Environment, Macro, Project, Site
from headwater.spec.units import Every, Seconds, parse_duration, parse_every

_BINDER = Binder()


class Code:
    """A project that can be changed and compiled again and again."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.models: dict[str, Model] = {}
        self.sinks: dict[str, Sink] = {}
        self.macros: dict[str, Macro] = {}
        self.variables: dict[str, Any] = {}
        self.sites: dict[str, Site] = {}
        self.policies: dict[str, Policy] = {}
        self.keys: dict[str, Key] = {}
        self.files: dict[str, str] = {}
        self.cache = Forgetful()

    def source(self, name: str, columns: str, **settings: Any) -> None:
        """``columns``: ``id bigint, price double``."""
        pairs = [part.strip().partition(" ") for part in columns.split(",")]
        self.sources[name] = Source(
            name=name,
            connector="files",
            columns={column: Column(type=type_.strip()) for column, _, type_ in pairs},
            settings={"path": f"data/{name}.csv"},
            at=_origin("headwater.yaml"),
            **_settings(settings),
        )

    def model(self, name: str, sql: str, **settings: Any) -> None:
        columns = {key: Column(type=type_) for key, type_ in settings.pop("columns", {}).items()}
        self.models[name] = Model(
            name=name, query=sql, columns=columns, at=_origin(f"models/{name}.sql"), **_settings(settings)
        )

    def python(
        self, name: str, inputs: Mapping[str, str], columns: Mapping[str, str], code: str = "", **more: Any
    ) -> None:
        self.models[name] = Model(
            name=name,
            code=PythonCode(
                path="python/m.py", function=name, arguments=tuple(inputs), inputs=inputs, modules={"python/m.py": code}
            ),
            columns={key: Column(type=type_) for key, type_ in columns.items()},
            at=_origin("python/m.py"),
            **_settings(more),
        )

    def sink(self, name: str, from_: str, **settings: Any) -> None:
        settings.setdefault("in_", ("prod",))
        self.sinks[name] = Sink(name=name, from_=from_, connector="csv", at=_origin("sinks.yaml"), **settings)

    def macro(self, statement: str) -> None:
        name = statement.split("(", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
        self.macros[name] = Macro(name=name, statement=statement, at=_origin("functions/m.sql"))

    def policy(self, name: str, line: int = 1, **settings: Any) -> None:
        self.policies[name] = Policy(name=name, at=Origin(Where("policies.yaml", line, 1)), **settings)

    def result(self, **options: Any) -> tuple[Graph | None, list[Diagnostic]]:
        project = Project(
            name="test",
            variables=self.variables,
            sources=self.sources,
            models=self.models,
            sinks=self.sinks,
            macros=self.macros,
            sites=self.sites,
            policies=self.policies,
            keys=self.keys,
            files=self.files,
            environments={name: Environment(name=name) for name in ("dev", "prod")},
        )
        return compile_graph(project, bind=_BINDER, cache=self.cache, **options)

    def graph(self, **options: Any) -> Graph:
        graph, found = self.result(**options)
        assert graph is not None, [f"{d.where} {d.message}" for d in found]
        return graph

    def node(self, name: str) -> Node:
        return next(node for node in self.graph().nodes if node.name == name)

    def wrong(self) -> list[Diagnostic]:
        return self.result()[1]

    def only_mistake(self) -> Diagnostic:
        found = self.wrong()
        assert len(found) == 1, [f"{d.code} {d.where} {d.message}" for d in found]
        return found[0]

    def rebuilt_by(self, change: Callable[[], None]) -> set[str]:
        """Names of the nodes whose version a change moves."""
        before = {node.name: node.version for node in self.graph().nodes}
        change()
        return {node.name for node in self.graph().nodes if before.get(node.name) != node.version}


def _origin(file: str) -> Origin:
    return Origin(Where(file, 1, 1))


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Values as people write them."""
    readers: dict[str, Callable[[Any], Any]] = {
        "every": lambda text: text if isinstance(text, Every) else parse_every(text),
        "start": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        "end": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        "batch": parse_duration,
        "reads": lambda each: {name: Reads(before=Seconds(parse_duration(text))) for name, text in each.items()},
    }
    return {key: readers.get(key, lambda value: value)(value) for key, value in settings.items()}


@pytest.fixture
def code() -> Code:
    return Code()


@pytest.fixture
def flights(code: Code) -> Code:
    """A source cut by time, a table without time, an incremental model over both."""
    code.source("flights", "day date, ts timestamptz, origin text, delay double", time="day", start="2013-01-01")
    code.source("airports", "code text, city text")
    code.model(
        "daily",
        "SELECT f.day, f.origin, count(*) AS n, avg(f.delay) AS mean\nFROM flights AS f\n"
        "WHERE f.day >= $start AND f.day < $end GROUP BY ALL",
        kind="incremental",
        time="day",
        every="1d",
    )
    return code
