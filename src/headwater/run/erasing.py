"""Sources of which somebody was erased: every scan leaves out the rows that a tombstone's keyed hash meets."""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from headwater.connect.sources import Evolving, Scan, ScanItem, Source
from headwater.policy.tokens import canonical_text, key_parameters
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from headwater.diagnostics import Diagnostic
    from headwater.spec.observations import Inspection, Item, SetAside

_KEY: Final = "erasure"
_INNER, _OUTER = "hw_erasure_inner", "hw_erasure_outer"
_BETWEEN: Final = re.compile(r"[,;|\t\r\n\"'{}\[\]()<>]+")
_WORDS: Final = re.compile(r"[^0-9A-Za-z@._+\-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedColumn:
    """A column with the hashes of its values that were erased."""

    name: str
    type: str
    domain: str
    """What the hashes are made in, so that equal values of different columns have different ones."""
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who was erased of one source, and in which of its files such rows were found."""

    columns: tuple[ErasedColumn, ...]
    secret: bytes = field(repr=False)
    items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Identity of a file → the tombstones whose rows it holds."""


def domain_of(place: str, column: str) -> str:
    """Give the domain in which values of a column are hashed."""
    return f"{place}|{column.casefold()}"


def hash_of(secret: bytes, domain: str, text: str) -> str:
    """Give the keyed hash (64 hexadecimal digits) of a value's canonical text: equal to what scans compute in SQL."""
    return hmac.new(secret, _message(domain, text), hashlib.sha256).hexdigest()


def _message(domain: str, text: str) -> bytes:
    return f"headwater|erase|{domain}|{text}".encode()


def setup_of(erased: Erased) -> tuple[str, ...]:
    """Give the statements that a session needs before it can hash: the key stands in variables, never in a query."""
    inner, outer = key_parameters(_KEY, erased.secret).values()
    return tuple(
        f"SET VARIABLE {name} = unhex({quote_literal(block.hex())})"
        for name, block in ((_INNER, inner), (_OUTER, outer))
    )


def matches(column: ErasedColumn, hashes: Iterable[str] | None = None) -> str:
    """Give an SQL condition that is true for the rows of those who were erased, and false for all others."""
    text = canonical_text(quote_identifier(column.name), column.type)
    assert text is not None  # noqa: S101 - refused before a tombstone is made
    message = f"encode({quote_literal(_message(column.domain, '').decode())} || {text[0]})"
    digest = f"sha256(getvariable('{_OUTER}') || unhex(sha256(getvariable('{_INNER}') || {message})))"
    listed = ", ".join(map(quote_literal, column.hashes if hashes is None else hashes))
    return f"coalesce({digest} IN ({listed}), false)"


def erasing(source: Source, erased: Erased) -> "ErasingSource":
    """Let a source leave out whoever was erased."""
    return _EvolvingErasingSource(source, erased) if isinstance(source, Evolving) else ErasingSource(source, erased)


def erased_among(sources: Mapping[str, Source], names: Collection[str]) -> dict[str, Erased]:
    """Give source → who was erased of it, of those that some names are of."""
    return {
        name: source.erased for name, source in sources.items() if name in names and isinstance(source, ErasingSource)
    }


class ErasingSource:
    """A source without the rows of those who were erased; files that hold such rows have another identity."""

    def __init__(self, source: Source, erased: Erased) -> None:
        """``source`` reads the files as they are."""
        self._source = source
        self.erased = erased
        self._own: dict[str, str] = {self._marked(identity): identity for identity in erased.items}

    @property
    def needs_inspection(self) -> bool:
        """As the source says."""
        return self._source.needs_inspection

    def observe(self, site: str) -> "tuple[tuple[Item, ...], list[Diagnostic]]":
        """List what is there; what stands on a file with rows of somebody erased is due by its new identity."""
        items, found = self._source.observe(site)
        return tuple(replace(item, identity=self._marked(item.identity)) for item in items), found

    def inspect(
        self, connection: "duckdb.DuckDBPyConnection", items: "Sequence[Item]", site: str, now: "datetime"
    ) -> "Iterable[Inspection]":
        """Read each item once; rows set aside that name somebody erased are not kept."""
        names = {self._plain(item.identity): item.identity for item in items}
        for found in self._source.inspect(connection, self._plain_items(items), site, now):
            identity = names.get(found.identity, found.identity)
            yield replace(found, identity=identity, set_aside=self._kept(found.set_aside))

    def scan(self, items: Sequence[ScanItem]) -> Scan:
        """Offer items as one relation without the rows of whoever was erased."""
        plain = [
            replace(
                each,
                item=replace(each.item, identity=self._plain(each.item.identity)),
                recovered=tuple(replace(row, identity=self._plain(row.identity)) for row in each.recovered),
            )
            for each in items
        ]
        scan = self._source.scan(plain)
        condition = " OR ".join(map(matches, self.erased.columns))
        return Scan(
            f"SELECT * FROM ({scan.sql}) AS rows_with_erased WHERE NOT ({condition})",
            (*setup_of(self.erased), *scan.setup),
        )

    def collect(self, connection: "duckdb.DuckDBPyConnection", items: Sequence[ScanItem]) -> "tuple[SetAside, ...]":
        """Give the rows that scans set aside, but none that names somebody erased."""
        plain = [replace(each, item=replace(each.item, identity=self._plain(each.item.identity))) for each in items]
        return self._kept(self._source.collect(connection, plain))

    def changed(self, items: "Iterable[Item]") -> tuple[str, ...]:
        """Give the paths whose identity is no longer the observed one."""
        return self._source.changed(self._plain_items(items))

    def _plain_items(self, items: "Iterable[Item]") -> "list[Item]":
        return [replace(item, identity=self._plain(item.identity)) for item in items]

    def _marked(self, identity: str) -> str:
        found = self.erased.items.get(identity)
        if not found:
            return identity
        return f"{identity}+{hashlib.sha256('|'.join(sorted(found)).encode()).hexdigest()[:12]}"

    def _plain(self, identity: str) -> str:
        """Files may be known under the name that they had after fewer erasures."""
        return self._own.get(identity) or identity.partition("+")[0]

    def _kept(self, rows: "Iterable[SetAside]") -> "tuple[SetAside, ...]":
        named = naming(self.erased)
        return tuple(
            replace(row, identity=self._marked(row.identity)) for row in rows if not named(row.payload + row.message)
        )


class _EvolvingErasingSource(ErasingSource):
    """The same for a source whose files may hold columns that its contract does not name."""

    def discover(
        self, connection: "duckdb.DuckDBPyConnection", items: "Sequence[Item]"
    ) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Say which columns files hold besides."""
        assert isinstance(self._source, Evolving)  # noqa: S101 - see ``erasing``
        names = {self._plain(item.identity): item.identity for item in items}
        found = self._source.discover(connection, self._plain_items(items))
        return {names.get(identity, identity): columns for identity, columns in found.items()}


def naming(erased: Erased) -> Callable[[str], bool]:
    """Answer whether a text that is no row (as it was set aside) names somebody erased, in one of its parts.

    The value is not known any more, only its hash: parts between separators are hashed, and words.
    """

    def names(text: str) -> bool:
        parts = {part.strip() for pattern in (_BETWEEN, _WORDS) for part in pattern.split(text)} | {text.strip()}
        return any(
            hash_of(erased.secret, column.domain, part) in column.hashes for column in erased.columns for part in parts
        )

    return names
