"""Parts of a query as texts: for sites over grants and exchanges, at the end over exchanges and what lies there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from headwater.placement.costing import Costing
from headwater.placement.expecting import expected
from headwater.placement.rewriting import Rewriter, settled, tables
from headwater.placement.values import EXCHANGES, GRANTS, Exchange, Occurrence, Read
from headwater.policy.values import Grant, Places
from headwater.sql.binding import BindError, Relation
from headwater.sql.faithful import Parse, is_faithful
from headwater.sql.rendering import render
from headwater.sql.tree import Query, Source, Table, Unclear

Bound = Callable[[str, Mapping[str, Relation]], Relation | BindError]
"""Names and types that a text gives over relations."""
PARTIAL: Final = "partial aggregates"
"""What an exchange is whose senders fold their own rows."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text, what it reads, and what it gives."""

    text: str
    columns: Relation
    reads: tuple[Read, ...]
    needs: tuple[str, ...]
    grants: tuple[Grant, ...]
    """Those that its rows stand on, also by way of exchanges."""
    own: tuple[frozenset[str], ...] = ()
    """For each relation that it reads without a grant: the sites that have it all anyway."""


@dataclass(slots=True)
class Writer:
    """Writes parts of one query; the same text is made only once."""

    at: str
    places: Places
    occurrences: Mapping[Table, Occurrence]
    bind: Bound
    parse: Parse
    costing: Costing
    exchanges: list[Exchange] = field(default_factory=list)
    _expected: dict[Table, float] = field(default_factory=dict)
    _grants: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    _own: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)
    _reads: dict[tuple[object, ...], Read] = field(default_factory=dict)
    _known: dict[tuple[object, ...], Table] = field(default_factory=dict)

    def exchange(self, query: Query, senders: tuple[str, ...], to: tuple[str, ...], because: str) -> Table:
        """Have sites run a query and send the rows to others; give the table that they are there.

        Raises Unclear where it cannot be written, or may not go there.
        """
        written = self.write(query, senders)
        for site in to:
            if site != self.at and not self._may(written, site):
                raise Unclear(f"{site} may not have what it would be sent")
        if len({name.casefold() for name, _ in written.columns}) < len(written.columns):
            raise Unclear("two columns of one name")
        known = (written.text, senders)
        if known in self._known:
            return self._received(self._known[known], to)
        name = f"x{len(self.exchanges) + 1}"
        is_partial = because == PARTIAL
        sent = Costing(self.occurrences, {**self._expected, **self.costing.sent})
        estimate = expected(query, len(senders), self.occurrences, sent, is_partial=is_partial)
        self.exchanges.append(
            Exchange(
                name=name,
                senders=senders,
                to=to,
                query=written.text,
                columns=written.columns,
                reads=written.reads,
                needs=written.needs,
                destinations=self._destinations(written),
                because=because,
                estimate=estimate,
            )
        )
        self._grants[name], self._own[name] = written.grants, written.own
        names = tuple(column for column, _ in written.columns)
        self._known[known] = Table(f"{EXCHANGES}.{name}", names, names)
        if estimate.rows:
            self._expected[self._known[known]] = estimate.rows
        return self._known[known]

    def _may(self, written: Written, site: str) -> bool:
        """Whether rows may go to a site; what lies at the place that asks has no grant to go anywhere."""
        places = self.places
        if not places.jurisdictions:
            return True
        if any(site not in sites for sites in written.own) and not places.same(self.at, site):
            return False
        return all(places.same(each.site, site) or places.of(site) in each.to for each in written.grants)

    def _destinations(self, written: Written) -> frozenset[str]:
        places = self.places
        found = {places.of(site) for site in places.jurisdictions if self._may(written, site)}
        return frozenset(found) if places.jurisdictions else frozenset({""})

    def may_go(self, table: Table, site: str) -> bool:
        """Whether what a query reads of a relation, or of what was received, may go to a site."""
        schema, _, name = table.node.rpartition(".")
        if schema == EXCHANGES:
            return self._may(Written("", (), (), (), self._grants[name], self._own[name]), site)
        found = self.occurrences.get(table)
        if found is None:
            return self._may(Written("", (), (), (), (), (frozenset(),)), site)
        grants = tuple(each for each in found.grants.values() if each is not None)
        own = tuple(
            frozenset(found.sites) if found.located.replicated else frozenset()
            for each in found.grants.values()
            if each is None
        )
        return self._may(Written("", (), (), (), grants, own), site)

    def _received(self, table: Table, to: tuple[str, ...]) -> Table:
        """The same rows, for other receivers too."""
        at = next(at for at, each in enumerate(self.exchanges) if table.node == f"{EXCHANGES}.{each.name}")
        old = self.exchanges[at]
        self.exchanges[at] = replace(old, to=tuple(dict.fromkeys((*old.to, *to))))
        return table

    def write(self, query: Query, senders: tuple[str, ...]) -> Written:
        """Write a query as the senders run it. Raises Unclear where it cannot be written or is not understood.

        What is written is read back, and must be the same query.
        """
        reads: dict[str, Read] = {}
        needs: dict[str, None] = {}
        relations: dict[str, Relation] = {}
        own: list[frozenset[str]] = []

        def source(each: Source, _depth: int) -> Source | None:
            if not isinstance(each, Table):
                return None
            schema, _, name = each.node.rpartition(".")
            if schema == EXCHANGES:
                needs[name] = None
                relations[each.node] = self._exchange(name).columns
                return each
            found = self.occurrences.get(each)
            if senders == (self.at,):
                if found is not None:
                    relations[each.node] = found.columns
                is_everywhere = found is not None and found.located.replicated
                own.append(frozenset(found.sites) if found is not None and is_everywhere else frozenset())
                return each
            if found is None:
                raise Unclear(f"{each.node} lies at {self.at} alone")
            read = self._read(found, senders)
            reads[read.name] = read
            node = f"{GRANTS}.{read.name}"
            relations[node] = read.columns
            return Table(node, each.own, each.own)

        named = settled(Rewriter(source=source).query(query))
        text = render(named)
        columns = self.bind(text, relations)
        if isinstance(columns, BindError):
            raise Unclear(columns.message)
        here = {each.node: tuple((name, "") for name in each.own) for each in tables(named)}
        if not is_faithful(text, named, self.parse, here | relations):
            raise Unclear("a part that cannot be written as SQL for sure")
        used = [grant for read in reads.values() for grant in read.grants.values()]
        used += [grant for name in needs for grant in self._grants[name]]
        own += [sites for name in needs for sites in self._own[name]]
        return Written(text, columns, tuple(reads.values()), tuple(needs), tuple(used), tuple(own))

    def _exchange(self, name: str) -> Exchange:
        return next(each for each in self.exchanges if each.name == name)

    def _read(self, occurrence: Occurrence, senders: tuple[str, ...]) -> Read:
        grants = {site: grant for site in senders if (grant := occurrence.grants.get(site)) is not None}
        if len(grants) != len(senders):
            raise Unclear(f"{occurrence.table.node} may not be read at every site")
        key = (occurrence.table.node, *((site, id(grant)) for site, grant in grants.items()))
        if key not in self._reads:
            given = [dict(grant.columns) for grant in grants.values()]
            columns = tuple(
                (name, given[0][name]) for name, _ in occurrence.columns if all(name in each for each in given)
            )
            if any(each[name] != type_ for each in given for name, type_ in columns):
                raise Unclear(f"{occurrence.table.node} has other types at other sites")
            name = f"g{len(self._reads) + 1}"
            self._reads[key] = Read(
                name=name,
                relation=occurrence.table.node,
                grants=grants,
                columns=columns,
                every=occurrence.every,
                timezone=occurrence.timezone,
            )
        return self._reads[key]
