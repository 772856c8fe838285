"""Lands what is new at sources before the world is observed: extracted, judged and sealed once, for everybody.

What makes a range is its record in the lake, put once under the next number. A crash before it leaves nothing that
counts; one after it leaves a range that the state does not know yet, and whoever lands next takes it up. The cursor
stands in the ranges themselves, so no row is lost and none is landed twice.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from headwater.connect.landing import Extractor
from headwater.connect.sources import Source
from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, Invalid, Retryable, Where, warning
from headwater.events import Phase, SourceLanded
from headwater.graph.values import Graph, Node
from headwater.run.context import Context
from headwater.run.engine import as_headwater_error
from headwater.run.landing.judging import Bench, Judged, content_of, judge
from headwater.run.landing.landed import LandedSource
from headwater.run.leasing import hold
from headwater.spec.observations import SetAside
from headwater.spec.ranges import LandedRange, sound_ranges
from headwater.spec.raw import Raw
from headwater.state.landings import known_rejects, landed_ranges, note_place, place, record_range

LEASE = "land"
"""``land:<location>:<site>``: somebody lands there, or takes ranges away."""


def land_all(context: Context, selected: frozenset[str] | None = None) -> tuple[Diagnostic, ...]:
    """Land what is new at every source that lands (``selected``: that these nodes read); give warnings.

    Raises Invalid with everything that is wrong at once; what could be landed stays landed.
    """
    wanted = _wanted(context.graph, selected)
    found: list[Diagnostic] = []
    failed: list[HeadwaterError] = []
    landing = [each for each in _landed(context.graph, context.sources) if each[0].name in wanted]
    if landing:
        context.emit(Phase("land", len(landing)))
    for node, source, extractor in landing:
        for site in node.source.sites if node.source else ():
            try:
                found += _land(_Landing(context, node, source, extractor, site))
            except Exception as problem:  # noqa: BLE001 - whatever a place holds must become a diagnostic
                where = Where(node.file, node.line)
                failed.append(as_headwater_error(problem, f"source `{node.name}`", where, store=context.store))
    if failed:
        kind = type(failed[0]) if len({type(each) for each in failed}) == 1 else Invalid
        raise kind(*(d for each in failed for d in each.diagnostics))
    return tuple(found)


def pending(graph: Graph, sources: Mapping[str, Source], context: Context) -> Mapping[str, str]:
    """Give the sources at which an apply or run would look for something new, and why."""
    found: dict[str, str] = {}
    for node, source, extractor in _landed(graph, sources):
        for site in node.source.sites if node.source else ():
            seen = place(context.db, source.location, site)
            if seen is None:
                found[node.name] = "would be landed: nothing of it was yet"
            elif seen.token is None or seen.token != extractor.token(site):
                found.setdefault(node.name, "would be landed: what is new since the last time")
    return found


def _landed(graph: Graph, sources: Mapping[str, Source]) -> Iterator[tuple[Node, LandedSource, Extractor]]:
    for node in graph.nodes:
        source = sources.get(node.name)
        if isinstance(source, LandedSource) and source.extractor is not None:
            yield node, source, source.extractor


def _wanted(graph: Graph, selected: frozenset[str] | None) -> frozenset[str]:
    if selected is None:
        return frozenset(node.name for node in graph.nodes)
    wanted = set(selected)
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted |= {each.node for each in node.inputs}
    return frozenset(wanted)


def _land(landing: "_Landing") -> list[Diagnostic]:
    context, node = landing.context, landing.node
    lease, pace = f"{LEASE}:{landing.source.location}:{landing.site}", context.pace
    with hold(context.db, [lease], context.holder, clock=context.clock, sleep=pace.sleep, wait_s=context.wait_s):
        number = 0
        while True:
            number += 1
            try:
                landing.take_up()
                return landing.attempt()
            except Retryable:
                if number >= node.attempts:
                    raise
                pace.sleep(min(node.backoff_max_s, node.backoff_s * 2.0 ** (number - 1)) * pace.random())


@dataclass(frozen=True, slots=True)
class _Landing:
    context: Context
    node: Node
    source: LandedSource
    extractor: Extractor
    site: str

    def take_up(self) -> None:
        """Record ranges that were sealed by somebody who died before the state knew of them."""
        known = self._known()
        store, after = self.context.store.ranges, known[-1].ordinal if known else 0
        sealed = store.sealed(self.source.location, self.site, after)
        sound = sound_ranges([landed for landed, _ in sealed], store.is_whole, after)
        for landed, rejects in sealed[:sound]:
            record_range(self.context.db, landed, rejects)
        if sound < len(sealed):
            message = f"range {sealed[sound][0].ordinal} of `{self.node.name}`, or one before it, is missing or damaged"
            hint = "bring it back from a copy, or run `headwater doctor --repair`: it is landed again"
            raise Broken.of("HW0583", message, Where(self.node.file, self.node.line), hint=hint)

    def attempt(self) -> list[Diagnostic]:
        """Extract, judge and seal what is new; nothing counts before it is sealed."""
        db, now = self.context.db, self.context.clock()
        token = self.extractor.token(self.site)
        seen = place(db, self.source.location, self.site)
        found: list[Diagnostic] = []
        if token is None or seen is None or seen.token != token:
            Path(self.context.temp_directory).mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix="landing-", dir=self.context.temp_directory) as folder:
                found = self._extract(Path(folder, "raw.parquet"))
        note_place(db, self.source.location, self.site, token, now)
        return found

    def _extract(self, path: Path) -> list[Diagnostic]:
        began = time.perf_counter()
        known = self._known()
        after = known[-1].cursor_to if known else None
        with self.context.engine.session(self.source.contract.timezone) as session:
            raw = self.extractor.extract(session.connection, self.site, after, path)
        if raw is None:
            return []
        ordinal = known[-1].ordinal + 1 if known else 1
        draft = self.context.store.ranges.draft(self.source.location, self.site, ordinal, self.context.token())
        try:
            landed, rejects = self._judge(raw, draft, known, ordinal)
            is_sealed = landed is not None and self.context.store.ranges.seal(landed, rejects)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if landed is None or not is_sealed or not landed.file:
            draft.unlink(missing_ok=True)
        if landed is None:
            return []
        if not is_sealed:
            message = f"somebody else landed `{self.node.name}` at the same time"
            raise Retryable.of("HW0521", message, hint="nothing is lost: the next attempt goes on from there")
        record_range(self.context.db, landed, rejects)
        seconds = time.perf_counter() - began
        self.context.emit(SourceLanded(self.node.name, self.site, landed.rows, landed.rejects, seconds))
        return self._said(landed)

    def _judge(
        self, raw: Raw, draft: Path, known: list[LandedRange], ordinal: int
    ) -> tuple[LandedRange | None, tuple[SetAside, ...]]:
        """Give the range that a draft makes; None if there is nothing new in it."""
        source, store, cursor = self.source, self.context.store, self.extractor.cursor
        with self.context.engine.session("UTC") as session:
            label = self.extractor.label(self.site)
            bench = Bench(session=session, store=store, now=self.context.now, label=label, site=self.site)
            judged = judge(source.contract, cursor, raw, self._boundary(known), draft, bench)
            content = content_of(source.contract, draft, store, session) if cursor is None else ""
        self._refuse(judged)
        last = known[-1] if known else None
        before = known_rejects(self.context.db, source.location)
        fresh = tuple(row for row in judged.rejects if row.identity not in before)
        gone = {each for each in before if each.startswith(f"{self.site}/")} - {row.identity for row in judged.rejects}
        begins = last.cursor_to if last else None
        if last and cursor is None and content == last.content and not fresh and not gone:
            return None, ()
        if cursor is not None and not judged.rows and not fresh and judged.cursor in {None, begins}:
            return None, ()
        landed = LandedRange(
            location=source.location,
            site=self.site,
            ordinal=ordinal,
            source=self.node.name,
            at=self.context.clock(),
            content=content,
            cursor_from=begins,
            cursor_to=begins if judged.cursor is None else judged.cursor,
            whole=cursor is None,
            rejects=judged.rejected if cursor is None else len(fresh) + judged.rejected - len(judged.rejects),
        )
        if judged.rows:
            stored = store.stored_file(str(draft), judged.rows)
            file = store.ranges.relative(draft)
            landed = replace(landed, file=file, rows=stored.rows, bytes=stored.bytes, sha256=stored.sha256)
        return landed, (judged.rejects if cursor is None else fresh)

    def _boundary(self, known: list[LandedRange]) -> str | None:
        """Select the rows that the next extraction may meet again: those of ranges that end where the last one does."""
        files = []
        for landed in reversed(known):
            if landed.cursor_to != known[-1].cursor_to:
                break
            files += [landed.file] if landed.file else []
        return self.source.select(files) if files else None

    def _refuse(self, judged: Judged) -> None:
        name, where = self.node.name, Where(self.node.file, self.node.line)
        if judged.past:
            rows = "a row" if judged.past == 1 else f"{judged.past:,} rows"
            hint = "yield only rows after the cursor that it is given; nothing was landed"
            message = f"`{name}` gave {rows} at or before its cursor again"
            raise Invalid.of("HW0647", message, where, hint=hint)
        if judged.rejects and self.source.contract.fail_on_bad_row:
            bad = judged.rejects[0]
            hint = "mend the row, or say `on_bad_row: quarantine` to set such rows aside"
            raise Invalid.of("HW0312", f"{bad.path}: {bad.message}: {bad.payload[:200]}", where, hint=hint)

    def _said(self, landed: LandedRange) -> list[Diagnostic]:
        if not landed.rejects:
            return []
        name, where = self.node.name, Where(self.node.file, self.node.line)
        rows = "1 row" if landed.rejects == 1 else f"{landed.rejects:,} rows"
        hint = f"`headwater quarantine show {name}` shows them"
        if not landed.rows:
            return [warning("HW0315", f"no row that was new at source `{name}` fits its contract", where, hint=hint)]
        return [warning("HW0316", f"{rows} of source `{name}` set aside: outside its contract", where, hint=hint)]

    def _known(self) -> list[LandedRange]:
        return landed_ranges(self.context.db, self.source.location, self.site)
