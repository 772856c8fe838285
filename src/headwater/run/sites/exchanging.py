"""Computes what is placed at sites: makes its exchanges in order, then gives the text that is run at the end."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from headwater.connect.runtimes import Fragment, Granted, Sent
from headwater.placement.values import EXCHANGES, GRANTS, Exchange, Placed, Read
from headwater.run.engine import Session
from headwater.run.sites.reaching import Crossing, Note, Sites
from headwater.run.sites.remote_source import is_stretch
from headwater.spec.addresses import HUB
from headwater.sql import parquet
from headwater.sql.binding import Relation as Columns
from headwater.sql.text import bind_parameters, quote_identifier
from headwater.tasks.values import Relation, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """Fulfils ``run.worker.Compute`` for a node that reads remote sites."""

    placed: Placed
    sites: Sites
    values: Mapping[str, str]
    """Parameters of its query as literals."""
    run: str
    temp_directory: str
    note: Note
    define: Callable[[Session, tuple[Relation, ...]], None]
    """Gives relations that lie here their names in a session."""

    def __call__(self, session: Session, task: Task) -> str:
        """Make all exchanges, as tables of the session; give the final text."""
        self.define(session, tuple(_inside(task.relations)))
        with TemporaryDirectory(prefix="exchange-", dir=self.temp_directory) as folder:
            _Exchanging(self, session, task, Path(folder)).make_all()
        return bind_parameters(self.placed.final, self.values)


@dataclass(slots=True)
class _Exchanging:
    """The exchanges of one task: files that came, to be sent on, and tables of the session."""

    computed: Exchanged
    session: Session
    task: Task
    folder: Path
    files: dict[str, list[Path]] = field(default_factory=dict)
    bound: dict[str, frozenset[str]] = field(default_factory=dict)
    """Exchange → the jurisdictions that may have its rows: what the plan and every sender's certificate agree on."""

    def make_all(self) -> None:
        if self.computed.placed.exchanges:
            self.session.run(f"CREATE SCHEMA IF NOT EXISTS {EXCHANGES}")
            self.session.run(f"CREATE SCHEMA IF NOT EXISTS {GRANTS}")
        for exchange in self.computed.placed.exchanges:
            far = [site for site in exchange.senders if site in self.computed.sites.remote]
            crossings = self._ask(exchange, far)
            self.computed.note(crossings)
            if len(far) < len(exchange.senders):
                self._compute_near(exchange)
            self._take(exchange)

    def _ask(self, exchange: Exchange, sites: list[str]) -> list[Crossing]:
        """Have the sites compute, all at once; the first that refuses or fails ends it."""
        received = {name: self._whole(name) for name in exchange.needs}
        self.files[exchange.name] = [self.folder / f"{exchange.name}-{at}.parquet" for at in range(len(sites))]
        ask = partial(self._ask_one, exchange, received)
        with ThreadPoolExecutor(max_workers=max(len(sites), 1)) as pool:
            sent = list(pool.map(ask, sites, self.files[exchange.name]))
        told = (frozenset(each.certificate.destinations) for each in sent)
        self.bound[exchange.name] = exchange.destinations.intersection(*told)
        return [
            Crossing(node=self.task.node.name, exchange=exchange, sender=site, sent=each)
            for site, each in zip(sites, sent, strict=True)
        ]

    def _ask_one(self, exchange: Exchange, received: Mapping[str, Path], site: str, to: Path) -> Sent:
        return self.computed.sites.session(site).perform(self._fragment(exchange, site), received, to)

    def _fragment(self, exchange: Exchange, site: str) -> Fragment:
        task, columns = self.task, {each.name: each.columns for each in self.computed.placed.exchanges}
        return Fragment(
            charter=self.computed.sites.charter,
            run=self.computed.run,
            exchange=exchange.name,
            site=site,
            to=exchange.to,
            query=exchange.query,
            parameters=self.computed.values,
            reads=tuple(self._granted(read, site) for read in exchange.reads),
            received={name: columns[name] for name in exchange.needs},
            bound={name: tuple(sorted(self.bound[name])) for name in exchange.needs},
            columns=exchange.columns,
            timezone=task.node.timezone,
            now=task.now,
            timeout_s=task.node.timeout_s,
        )

    def _granted(self, read: Read, site: str) -> Granted:
        relation = _relation(self.task.relations, read.relation)
        start, end = relation.interval or (None, None)
        positions: list[tuple[datetime | None, datetime | None, str]] = [
            (item.start, item.end, item.identity) for at, item in relation.items if at == site and is_stretch(item)
        ]
        return Granted(
            name=read.name,
            source=read.relation,
            rule=read.grants[site].rule,
            start=start,
            end=end,
            positions=tuple(positions),
            every=read.every,
            timezone=read.timezone,
        )

    def _compute_near(self, exchange: Exchange) -> None:
        """Add the hub's own part: of relations whose files it reads itself."""
        for read in exchange.reads:
            names = ", ".join(quote_identifier(name) for name, _ in read.columns)
            relation = ".".join(map(quote_identifier, read.relation.split(".")))
            self.session.run(
                f"CREATE OR REPLACE VIEW {GRANTS}.{quote_identifier(read.name)} AS SELECT {names} FROM {relation}"
            )
        path = self.folder / f"{exchange.name}-near.parquet"
        query = bind_parameters(exchange.query, self.computed.values)
        self._write(query, exchange.columns, path)
        self.files[exchange.name].append(path)

    def _write(self, query: str, columns: Columns, path: Path) -> None:
        """Write rows as a site does: with the types that files keep exactly."""
        self.session.run(parquet.write_statement(query, parquet.stored_columns(columns), str(path)))

    def _take(self, exchange: Exchange) -> None:
        if HUB in exchange.to:
            table = f"{EXCHANGES}.{quote_identifier(exchange.name)}"
            self.session.run(f"CREATE TABLE {table} AS {_rows(self.files[exchange.name], exchange.columns)}")

    def _whole(self, name: str) -> Path:
        """Give one file with all rows of an exchange, to be sent on to sites."""
        files = self.files[name]
        if len(files) == 1:
            return files[0]
        columns = next(each.columns for each in self.computed.placed.exchanges if each.name == name)
        path = self.folder / f"{name}-whole.parquet"
        if not path.exists():
            self._write(_rows(files, columns), columns, path)
        return path


def _rows(files: list[Path], columns: Columns) -> str:
    """Give a SELECT of the rows in files, with the declared types again."""
    return parquet.relation(parquet.stored_columns(columns), [str(path) for path in files])


def _inside(relations: tuple[Relation, ...]) -> Iterator[Relation]:
    """Give what views read that are taken apart: the end of the query reads it by its own name."""
    known = {relation.name for relation in relations}
    for relation in relations:
        for each in _all(relation.inputs):
            if each.name not in known:
                known.add(each.name)
                yield each


def _relation(relations: tuple[Relation, ...], name: str) -> Relation:
    """Give what a source is for a task; where it is read twice, placement has made sure of one stretch of time."""
    return next(found for found in _all(relations) if found.name == name and found.kind == "source")


def _all(relations: tuple[Relation, ...]) -> Iterator[Relation]:
    for relation in relations:
        yield relation
        yield from _all(relation.inputs)
