"""One site as a value with questions: what it holds, where it stands, what a charter lets leave it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from headwater.app.site import auditing
from headwater.app.site.answers import Unanswered
from headwater.app.site.approving import admitted, approved, take_in
from headwater.app.site.engines import SiteEngine
from headwater.app.site.holdings import Holding, directories, hold, source_at
from headwater.app.site.homes import Home, open_home
from headwater.app.site.measuring import measured
from headwater.app.site.performing import Read, Work, received_rows, run_work, standing_still
from headwater.app.workspace import cores
from headwater.connect.runtimes import PROTOCOL, Certificate, Fragment, Measure, Measured, Observe, SiteState
from headwater.diagnostics import Diagnostic, Refused
from headwater.policy.charters import Charter
from headwater.policy.proving import Proof, prove
from headwater.run.binding import Binder
from headwater.run.engine import EngineLimits
from headwater.spec.observations import SetAside
from headwater.state.database import Database, open_database
from headwater.state.file_index import record_set_aside

_MOST_STRETCHES: Final = 200_000
_MOST_APART: Final = timedelta(minutes=5)
"""So far may an asker's ``$now`` be from this clock where a rule depends on it."""
_CHANGED: Final = ("token", "coarse")
"""Of rows that a rule changes, files are not chosen by their times."""
Stoppable = Callable[[Callable[[], None]], None]
"""Is told what stops the work that goes on."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Performed:
    """What a fragment gave: its certificate, which is in the audit chain by now, and a file that may be sent."""

    certificate: Certificate
    rows: int
    path: Path


@dataclass(slots=True)
class Site:
    """Answers one question at a time in each thread; every refusal and every certificate goes into its audit chain."""

    name: str
    home: Home
    root: Path
    db: Database
    clock: Callable[[], datetime] = _now
    memory_bytes: int = 0
    """What each question may use; 0: as much as the engine takes by itself."""
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def state(self) -> SiteState:
        """Say hello."""
        from headwater import __version__

        charters = tuple(each.charter for each in approved(self.home.path))
        return SiteState(site=self.name, protocol=PROTOCOL, version=__version__, approved=charters)

    def offer(self, charter: bytes) -> bool:
        """Take in a charter that needs no approval; say whether questions may be asked under it."""
        return take_in(self.home, charter)

    def observe(self, question: Observe, stoppable: Stoppable) -> tuple[str, ...]:
        """Give the position of each stretch between two neighbouring borders; without borders, of everything."""
        if len(question.borders) > _MOST_STRETCHES:
            raise Unanswered("too large")
        charter = self._charter(question.charter)
        holding = self._hold(charter, question.source, question.borders, stoppable)
        pairs = zip(question.borders, question.borders[1:], strict=False)
        return holding.positions(self.home.key, pairs if question.borders else [(None, None)])

    def measure(self, question: Measure, stoppable: Stoppable) -> Measured:
        """Give the statistics that may be told."""
        charter = self._charter(question.charter)
        holding = self._hold(charter, question.source, (), stoppable)
        with self._engine(charter, [question.source], stoppable) as (engine, folder), engine.session() as session:
            return measured(self.home, holding, session, folder)

    def prove(self, fragment: Fragment) -> Certificate:
        """Prove a fragment without running it."""
        charter = self._charter(fragment.charter)
        certificate = _certificate(fragment, self._proof(charter, fragment))
        self.audit("proved", certificate, fragment)
        return certificate

    @contextmanager
    def perform(self, fragment: Fragment, received: Mapping[str, Path], stoppable: Stoppable) -> Iterator[Performed]:
        """Prove and run a fragment; the file with its rows is there until the context ends."""
        charter = self._charter(fragment.charter)
        if set(received) != set(fragment.received):
            raise Unanswered("received")
        proof = self._proof(charter, fragment)
        began = time.perf_counter()
        reads = tuple(self._reads(charter, fragment, proof, stoppable))
        work = Work(
            charter=charter,
            fragment=fragment,
            text=proof.text,
            reads=reads,
            received=received,
            home=self.home,
            root=self.root,
            now=self.clock(),
            set_aside=self._set_aside,
        )
        sources = sorted({each.source for each in fragment.reads})
        folders = sorted({str(path.parent) for path in received.values()})
        if any(each.shape == "aggregate" for each in proof.grants.values()):
            folders.append(str(self.home.ledger))
        with self._engine(charter, sources, stoppable, folders, fragment.timezone) as (engine, folder):
            to = folder / "answer"
            certificate = _certificate(fragment, proof, received_rows(engine, work))
            with standing_still(reads):
                rows = run_work(engine, work, to)
            told = {"rows": rows, "bytes": to.stat().st_size, "seconds": round(time.perf_counter() - began, 3)}
            self.audit("sent", certificate, fragment, **told)
            yield Performed(certificate, rows, to)

    def audit(self, kind: str, certificate: Certificate | None, fragment: Fragment, **more: object) -> None:
        """Add an entry about a fragment to the chain; on return it is on the disk."""
        import msgspec

        document = {"run": fragment.run, "exchange": fragment.exchange, "charter": fragment.charter, **more}
        document |= {"certificate": msgspec.to_builtins(certificate)} if certificate else {"to": list(fragment.to)}
        auditing.append(self.home, kind, document, self.clock())

    def refused(self, kind: str, body: object, codes: list[str]) -> None:
        """Add an entry about a question that was refused."""
        said = body if isinstance(body, Mapping) else {}
        named = {name: str(said[name]) for name in ("charter", "source", "run", "exchange") if said.get(name)}
        auditing.append(self.home, "refused", {"question": kind, "codes": codes, **named}, self.clock())

    def _charter(self, digest: str) -> Charter:
        found = admitted(self.home, digest)
        if found is None:
            raise Unanswered("unapproved")
        return found

    def _proof(self, charter: Charter, fragment: Fragment) -> Proof:
        binder = Binder()  # a new one: it has seen nothing but what the proof shows it
        try:
            found = prove(charter, self.name, fragment, binder, _bound(charter, self.name, fragment))
        finally:
            binder.close()
        if isinstance(found, Diagnostic):
            raise Refused(found)
        return found

    def _reads(self, charter: Charter, fragment: Fragment, proof: Proof, stoppable: Stoppable) -> Iterator[Read]:
        """Observe what a fragment reads; Unanswered (moved) if it does not stand where its asker takes it to stand."""
        for source in {each.source: None for each in fragment.reads}:
            granted = [each for each in fragment.reads if each.source == source]
            ends = [at for each in granted for start, end, _ in each.positions for at in (start, end) if at]
            holding = self._hold(charter, source, ends, stoppable)
            expected = [(start, end) for each in granted for start, end, _ in each.positions]
            told = tuple(position for each in granted for *_, position in each.positions)
            if holding.positions(self.home.key, expected) != told:
                raise Unanswered("moved")
            for each in granted:
                read = Read(granted=each, grant=proof.grants[each.name], holding=holding)
                _ = read.clip  # refused before anything is read
                self._ensure_answerable(fragment, read)
                yield read

    def _ensure_answerable(self, fragment: Fragment, read: Read) -> None:
        """Raise Unanswered (kept, clock) if rows that are asked for are gone, or the asker's ``$now`` is far off."""
        stretch = (read.granted.start, read.granted.end) if read.grant.shape not in _CHANGED else (None, None)
        if read.holding.lacks(*stretch):
            raise Unanswered("kept")
        # The query has said so itself, with its own `$now`; by the site's, rows would be missing silently.
        is_timed = read.grant.shape == "raw" and "$now" in read.grant.query.lower()
        if is_timed and abs(fragment.now - self.clock()) > _MOST_APART:
            raise Unanswered("clock")

    def _hold(self, charter: Charter, source: str, borders: Iterable[datetime], stoppable: Stoppable) -> Holding:
        """Observe a source; one thread at a time looks into its new files."""
        node = source_at(charter, source, self.name)
        lock = self._locks.setdefault(source, threading.Lock())
        with self._engine(charter, [source], stoppable) as (engine, _), lock:
            return hold(self.home, self.db, node, self.root, engine, self.clock(), borders)

    @contextmanager
    def _engine(
        self,
        charter: Charter,
        sources: Iterable[str],
        stoppable: Stoppable,
        folders: Iterable[str] = (),
        timezone: str = "UTC",
    ) -> Iterator[tuple[SiteEngine, Path]]:
        """Make an engine that opens the files of some sources, some folders, and one of its own, which is given."""
        nodes = [source_at(charter, each, self.name) for each in sources]
        opened = {path for node in nodes for path in directories(node, self.root, self.name)}
        with TemporaryDirectory(prefix="work-", dir=self.home.temporary, ignore_cleanup_errors=True) as folder:
            opened |= {f"{path}/" for path in (folder, *folders, self.home.unpacked)}
            limits = EngineLimits(
                threads=cores(), temp_directory=f"{folder}/spilled", memory_bytes=self.memory_bytes or None
            )
            engine = SiteEngine(limits, sorted(opened), timezone)
            stoppable(engine.interrupt)
            try:
                yield engine, Path(folder)
            finally:
                engine.close()

    def _set_aside(self, holding: Holding, rows: tuple[SetAside, ...]) -> None:
        record_set_aside(self.db, holding.node.rows_address, holding.node.name, rows, self.clock())


def _bound(charter: Charter, site: str, fragment: Fragment) -> dict[str, frozenset[str]]:
    """Give where received rows may go on to, as the asker says; Refused (HW1246) if they may not be here at all."""
    bound = {name: frozenset(fragment.bound.get(name, ())) for name in fragment.received}
    here = charter.places.get(site, "")
    wrong = next((name for name, places in bound.items() if here not in places), None)
    if wrong is not None:
        message = (
            f"`exchange.{wrong}` may not be at `{site}`: nothing says that its senders let it go to {here or 'it'}"
        )
        hint = "rows are bound by the rules under which they came, wherever they are"
        raise Refused.of("HW1246", message, hint=hint)
    return bound


def _certificate(fragment: Fragment, proof: Proof, keys: int = 0) -> Certificate:
    return Certificate(
        site=fragment.site,
        exchange=fragment.exchange,
        to=fragment.to,
        charter=fragment.charter,
        rules=proof.rules,
        columns=proof.columns,
        predicates=proof.predicates,
        fragment=proof.fragment,
        keys=keys,
        destinations=proof.destinations,
    )


@contextmanager
def open_site(name: str, home: Path, root: Path, memory_bytes: int = 0) -> Iterator[Site]:
    """Open a site; its home is made if there is none."""
    opened = open_home(home)
    with open_database(opened.state) as db:
        yield Site(name, opened, root.absolute(), db, memory_bytes=memory_bytes)
