"""What a site holds of a source: its files as they are now, when their rows lie, and where each stretch stands."""

import hmac
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import gcd
from pathlib import Path
from typing import Final

from headwater.app.contexts import make_source
from headwater.app.site.answers import Unanswered
from headwater.app.site.homes import Home
from headwater.connect.sources import ScanItem, Source
from headwater.connectors.stores.lake import Lake
from headwater.events import silent
from headwater.graph.values import Graph, Node
from headwater.plan.granules import HOUR_S
from headwater.plan.source_index import SourceIndex
from headwater.plan.values import SourceFacts
from headwater.policy.charters import Charter
from headwater.run.engine import Engine
from headwater.run.observing import observe
from headwater.spec.addresses import Version, address
from headwater.spec.observations import Inspection
from headwater.state.database import Database
from headwater.state.observations import record_observation

ENVIRONMENT: Final = "site"
"""Under which the site's own state remembers what it observed."""
_MAGIC: Final = "*?[{"
Stretch = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A source at this site, observed: its files stand still in it."""

    node: Node
    source: Source
    facts: SourceFacts
    inspections: dict[str, Inspection]
    site: str

    def items(self, start: datetime | None = None, end: datetime | None = None) -> list[ScanItem]:
        """Give the files that are there and hold rows of a stretch (None: all files), as a scan takes them."""
        index = SourceIndex(self.facts)
        found = [number for number in _within(index, start, end) if not self._is_gone(index, number)]
        return [self._scan_item(index, number) for number in found]

    def lacks(self, start: datetime | None = None, end: datetime | None = None) -> bool:
        """Whether files that held rows of a stretch are gone, although their rows count (``on_vanish: keep``)."""
        index = SourceIndex(self.facts)
        return any(self._is_gone(index, number) for number in _within(index, start, end))

    def _is_gone(self, index: SourceIndex, number: int) -> bool:
        return index.items[number][1].identity in self.facts.vanished

    def position(self, key: bytes, stretch: Stretch) -> str:
        """Give where a stretch stands: a keyed digest of the list of its files, also of an empty one."""
        return self.positions(key, [stretch])[0]

    def positions(self, key: bytes, stretches: Iterable[Stretch]) -> tuple[str, ...]:
        """Give where each of many stretches stands."""
        index = SourceIndex(self.facts)
        tokens = [self.facts.token(item) for _, item in index.items]

        def position(stretch: Stretch) -> str:
            found = sorted(tokens[number] for number in _within(index, *stretch))
            ends = [each.astimezone(UTC).isoformat() if each else "" for each in stretch]
            text = json.dumps([self.node.name, self.site, *ends, found], separators=(",", ":"))
            return hmac.digest(key, text.encode(), "sha256").hex()

        return tuple(position(stretch) for stretch in stretches)

    def _scan_item(self, index: SourceIndex, number: int) -> ScanItem:
        site, item = index.items[number]
        known = self.inspections.get(item.identity)
        recovered = tuple(row for row in known.set_aside if row.recovered) if known else ()
        return ScanItem(item=item, site=site, not_after=known.not_after if known else None, recovered=recovered)


def _within(index: SourceIndex, start: datetime | None, end: datetime | None) -> Sequence[int]:
    if start is None or end is None:
        return range(len(index.items))
    return index.within(start.timestamp(), end.timestamp())


def source_at(charter: Charter, name: str, site: str) -> Node:
    """Give a source of a charter as this site holds it; Unanswered (unknown) if it does not, or not in place."""
    node = charter.source(name)
    if node is None or node.source is None or node.source.land or site not in node.source.sites:
        raise Unanswered("unknown")
    import msgspec

    contract = address("site contract", msgspec.json.encode(node, order="sorted").decode())
    here = replace(node.source, sites=(site,))
    return replace(node, source=here, version=Version(contract), rows_address=contract)


def hold(
    home: Home, db: Database, node: Node, root: Path, engine: Engine, now: datetime, borders: Iterable[datetime] = ()
) -> Holding:
    """Observe a source: list its files, and look into those that are new; raises what that raises."""
    granule = granule_of(borders)
    source = make_source(node, root, Lake(home.lake), granule_s=granule, unpacked=str(home.unpacked))
    graph = Graph(project="", nodes=(node,))
    found = observe(
        db, graph, {node.name: source}, ENVIRONMENT, engine=engine, now=now, emit=silent, finest={node.name: granule}
    )
    for diagnostic in found.diagnostics:
        home.note(f"{diagnostic.code} {diagnostic.message}")
    facts = found.facts[node.name]
    for seen in facts.observations:
        record_observation(db, ENVIRONMENT, seen, now)
    return Holding(
        node=node,
        source=source,
        facts=facts,
        inspections=dict(found.inspections.get(node.name, {})),
        site=facts.observations[0].site,
    )


def granule_of(borders: Iterable[datetime]) -> int:
    """Give how finely the file index must tell stretches apart: seconds, a divisor of an hour.

    >>> granule_of([datetime(2024, 1, 1, 0, 15, tzinfo=UTC)])
    900
    """
    return max(gcd(HOUR_S, *(int(each.timestamp()) % HOUR_S for each in borders)), 1)


def directories(node: Node, root: Path, site: str) -> tuple[str, ...]:
    """Give the directories that a source's files can lie in: as much of its path as is spelt out."""
    assert node.source is not None  # noqa: S101 - asked by the caller
    written = str(node.source.settings.get("path", "")).replace("{site}", site)
    plain = written[: min((written.find(each) for each in _MAGIC if each in written), default=len(written))]
    fixed = os.path.normpath(root / plain.rpartition("/")[0])
    return (f"{fixed}/".replace("//", "/"),)
