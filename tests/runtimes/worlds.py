"""Two sites under two laws with files of their own, a charter that both operators approved, and questions to them."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from headwater.app.site.approving import approve
from headwater.app.site.auditing import SiteEntry, entries
from headwater.app.site.homes import open_home
from headwater.connect.runtimes import Fragment, Granted, Observe, Runtime, Sent, SitePlace
from headwater.graph.borders import PolicyNode
from headwater.graph.values import Column, Node, SourceNode, TimeCut
from headwater.policy.charters import Charter, digest, encode
from headwater.spec.addresses import Version
from headwater.sql import parquet

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
MOMENT = "TIMESTAMP WITH TIME ZONE"
COLUMNS = {"id": "BIGINT", "ts": MOMENT, "price": "DECIMAL(12,2)", "name": "VARCHAR", "email": "VARCHAR"}
RULE = "sales-to-us"
SHIPPED = ("id", "ts", "price", "name")


def hour(number: int) -> datetime:
    return datetime(2024, 1, 1, number, tzinfo=UTC)


def source(name: str = "sales", columns: Mapping[str, str] = COLUMNS, **more: Any) -> Node:
    """A source of CSV files below `data/`, at both sites, cut by `ts`."""
    settings = {"path": "data/*.csv", "format": "csv", **more}
    node = SourceNode(
        connector="files",
        settings=settings,
        sites=("eu", "us"),
        required=("ts",) if "ts" in columns else (),
        start=None,
        end=None,
        timezone="UTC",
        ahead_s=86400.0,
        contract="strict",
        identity="stat",
        on_vanish="delete",
        on_bad_row="quarantine",
        on_schema_change="fail",
    )
    cut = TimeCut(column="ts", type=MOMENT, timezone="UTC") if "ts" in columns else None
    classes = {"email": "pii.email"}
    return Node(
        name=name,
        kind="source",
        version=Version(""),
        rows_address="",
        columns=tuple(Column(name=c, type=t, class_=classes.get(c, "internal")) for c, t in columns.items()),
        time=cut,
        source=node,
    )


def rule(name: str = RULE, relation: str = "sales", ship: Sequence[str] = SHIPPED, **more: Any) -> PolicyNode:
    return PolicyNode(name=name, relation=relation, sites=("eu", "us"), to=("us",), ship=tuple(ship), **more)


CHARTER = Charter(
    project="shop",
    places={"eu": "eu", "hub": "us", "us": "us"},
    sources=(source(),),
    policies=(rule(),),
)


@dataclass
class World:
    """Directories of two sites; `runtime` is what is tested."""

    path: Path
    charter: Charter = CHARTER
    runtime: Runtime | None = None

    def places(self) -> dict[str, SitePlace]:
        return {
            site: SitePlace(site=site, home=str(self.home(site)), root=str(self.path / site / "root"))
            for site in ("eu", "us")
        }

    def home(self, site: str) -> Path:
        return self.path / site / "home"

    def file(self, site: str, name: str, text: str) -> Path:
        """Write a file of a site: its header is added."""
        path = self.path / site / "root" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(",".join(COLUMNS) + "\n" + text)
        return path

    def approve(self, *sites: str) -> None:
        for site in sites or ("eu", "us"):
            approve(self.home(site), encode(self.charter), "operator", NOON)

    @contextmanager
    def session(self, site: str = "eu"):
        with self.runtime.session(site) as session:
            yield session

    def positions(self, site: str, *borders: datetime, source: str = "sales") -> tuple[str, ...]:
        with self.session(site) as session:
            return session.observe(Observe(charter=digest(self.charter), source=source, borders=borders))

    def fragment(self, query: str, columns: Mapping[str, str], site: str = "eu", **more: Any) -> Fragment:
        """A question of the hub over `granted.g1`: what the rule lets leave of `sales`; at home no rule is needed."""
        reads = (Granted(name="g1", source="sales", rule=RULE if site == "eu" else ""),)
        made = Fragment(
            charter=digest(self.charter),
            run="r1",
            exchange="x1",
            site=site,
            to=("hub",),
            query=query,
            reads=reads,
            columns=tuple(columns.items()),
            now=NOON,
            bound=dict.fromkeys(more.get("received", ()), ("", "eu", "us")),
        )
        return replace(made, **more)

    def perform(self, fragment: Fragment, received: Mapping[str, Path] | None = None) -> tuple[list[Any], Sent]:
        """Ask, and read what comes with the types that it was declared to have."""
        to = self.path / f"rows-{len(list(self.path.iterdir()))}-{threading.get_ident()}.parquet"
        with self.session(fragment.site) as session:
            sent = session.perform(fragment, received or {}, to)
        return rows_of(to, fragment.columns), sent

    def ask(self, query: str, columns: Mapping[str, str], site: str = "eu", **more: Any) -> list[Any]:
        return self.perform(self.fragment(query, columns, site, **more))[0]

    def exchange(self, name: str, select: str, columns: Mapping[str, str]) -> Path:
        """Write a file as exchanges are written, to be sent along."""
        path = self.path / f"{name}.parquet"
        duckdb.sql(parquet.write_statement(select, parquet.stored_columns(tuple(columns.items())), str(path)))
        return path

    def audit(self, site: str) -> list[SiteEntry]:
        return list(entries(open_home(self.home(site))))


def rows_of(path: Path, columns: Sequence[tuple[str, str]]) -> list[Any]:
    relation = parquet.relation(parquet.stored_columns(tuple(columns)), [str(path)])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        text = ", ".join(f'CAST("{name}" AS VARCHAR)' for name, _ in columns)
        assert [row[1] for row in connection.execute(f"DESCRIBE {relation}").fetchall()] == [t for _, t in columns]
        return sorted(connection.execute(f"SELECT {text} FROM ({relation})").fetchall(), key=str)
