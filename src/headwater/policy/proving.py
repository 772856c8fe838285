"""What a site proves of a fragment before it runs it: that it is a query over grants to every receiver, and no more.

Nothing here trusts the asker: the charter is the site's own, and the text that is proved is the one that must then run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar
from zoneinfo import available_timezones

from headwater.diagnostics import Diagnostic, Refused, error
from headwater.policy.aggregating import cut_grant
from headwater.policy.charters import Charter, digest
from headwater.policy.grants import source_grants
from headwater.policy.parameters import bound_text, is_type
from headwater.policy.predicates import conditions, statement_of
from headwater.policy.sealing import RELATION_SCHEMAS, wrong_text
from headwater.policy.slots import slots_of
from headwater.policy.subjects import is_public, subject_of
from headwater.policy.values import Grant
from headwater.policy.zones import other_zones
from headwater.spec.addresses import address
from headwater.sql.analysis import LIST, ROWS, Analysis, analyse
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.queries import read_query
from headwater.sql.tree import Unclear

_T = TypeVar("_T")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FORMS: Final = ("raw", "token", "coarse", "aggregate", "free")
"""From what tells most to what needs no rule."""
_GRANTS, _EXCHANGES = RELATION_SCHEMAS


class ReadsGrant(Protocol):
    """What a fragment calls ``"granted"."<name>"`` (``connect.runtimes.Granted``)."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as there
    @property
    def source(self) -> str: ...  # noqa: D102 - as there
    @property
    def rule(self) -> str: ...  # noqa: D102 - as there
    @property
    def every(self) -> str: ...  # noqa: D102 - as there
    @property
    def timezone(self) -> str: ...  # noqa: D102 - as there


class Asked(Protocol):
    """A fragment (``connect.runtimes.Fragment``)."""

    @property
    def charter(self) -> str: ...  # noqa: D102 - as there
    @property
    def site(self) -> str: ...  # noqa: D102 - as there
    @property
    def to(self) -> Sequence[str]: ...  # noqa: D102 - as there
    @property
    def query(self) -> str: ...  # noqa: D102 - as there
    @property
    def parameters(self) -> Mapping[str, str]: ...  # noqa: D102 - as there
    @property
    def reads(self) -> Sequence[ReadsGrant]: ...  # noqa: D102 - as there
    @property
    def received(self) -> Mapping[str, Relation]: ...  # noqa: D102 - as there
    @property
    def columns(self) -> Relation: ...  # noqa: D102 - as there
    @property
    def timezone(self) -> str: ...  # noqa: D102 - as there
    @property
    def now(self) -> datetime: ...  # noqa: D102 - as there


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was proved: everything that a certificate says, the grants, and the text that may run."""

    text: str
    """The very text that was proved, with constants in the place of parameters: run this one."""
    grants: Mapping[str, Grant]
    """Name in the fragment → the grant that it reads."""
    rules: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    """(name, type, form)."""
    predicates: tuple[str, ...]
    """What decides about rows, ``?`` in the place of each constant."""
    fragment: str
    """Address of the text with typed placeholders, of the grants, and of what was received."""
    destinations: tuple[str, ...]
    """Jurisdictions that may have the result."""


def prove(
    charter: Charter, site: str, asked: Asked, bind: Bind, bound: Mapping[str, frozenset[str]] | None = None
) -> Proof | Diagnostic:
    """Prove a fragment under a charter that the operator of ``site`` approved, or say why it is refused.

    ``bind`` is a sealed engine that has seen nothing but what this function shows it. ``bound`` says of exchanges that
    were received where their rows may go on to, as far as their senders have said so.
    """
    try:
        return _proved(charter, site, asked, bind, bound or {})
    except Refused as refused:
        return refused.diagnostics[0]
    except RecursionError:
        return _unclear()


def _proved(charter: Charter, site: str, asked: Asked, bind: Bind, bound: Mapping[str, frozenset[str]]) -> Proof:
    _sure(_misdirected(charter, site, asked))
    receivers = _sure(_receivers(charter, asked))
    grants = _sure(_grants(charter, site, asked, receivers, bind))
    for wrong in other_zones(charter, grants.values(), asked.timezone):
        raise Refused(wrong)
    relations = _sure(_relations(asked, grants, bind))
    destinations = _sure(_destinations(grants, bound, receivers))
    text = _sure(bound_text(asked.query, asked.parameters, asked.now, bind))
    analysis, predicates = _understood(text.text, relations, asked, bind)
    return Proof(
        text=text.text,
        grants=grants,
        rules=tuple(sorted({each.rule for each in grants.values() if each.rule})),
        columns=tuple(_forms(analysis, grants)),
        predicates=tuple(predicates),
        fragment=_address(asked, text.types, grants),
        destinations=destinations,
    )


def _sure(found: _T | Diagnostic) -> _T:
    """Go on with what was found, unless it is a reason to refuse."""
    if isinstance(found, Diagnostic):
        raise Refused(found)
    return found


def _misdirected(charter: Charter, site: str, asked: Asked) -> Diagnostic | None:
    if asked.site != site:
        return error("HW1248", f"the fragment is for `{asked.site}`, not for `{site}`", hint="send it there")
    if asked.timezone not in available_timezones():
        message = f"there is no time zone `{asked.timezone}`"
        return error("HW1248", message, hint="names are those of the IANA, such as Europe/Berlin")
    if asked.charter != digest(charter):
        message = f"the fragment was made under another charter than the one that `{site}` approved"
        return error("HW1248", message, hint="`headwater sites approve` shows and approves what has changed")
    return None


def _receivers(charter: Charter, asked: Asked) -> frozenset[str] | Diagnostic:
    """Jurisdictions of those who receive the result."""
    unknown = [each for each in asked.to if charter.places and each not in charter.places]
    if unknown or not asked.to:
        who = f"`{unknown[0]}`" if unknown else "nobody"
        message = f"the fragment is for {who}, and nothing says under whose law that is"
        return error("HW1231", message, hint="give every site a `jurisdiction:`")
    return frozenset(charter.places.get(each, "") for each in asked.to)


def _grants(
    charter: Charter, site: str, asked: Asked, receivers: frozenset[str], bind: Bind
) -> dict[str, Grant] | Diagnostic:
    found: dict[str, Grant] = {}
    for read in asked.reads:
        towards = [source_grants(charter, read.source, site, each, bind).of_rule(read.rule) for each in receivers]
        granted = [each for each in towards if each is not None]
        if len(granted) < len(towards) or not all(receivers <= each.to for each in granted):
            by = f"`{read.rule}`" if read.rule else "no rule"
            message = f"by {by}, `{read.source}` may not leave `{site}` for {_listed(receivers)}"
            return error("HW1246", message, hint="only what the approved charter grants to every receiver may be read")
        is_apart = len(receivers) > 1 and any(each.shape == "aggregate" for each in granted)
        if is_apart or len({each.address for each in granted}) > 1:
            message = f"`{read.source}` leaves `{site}` in another form for each of {_listed(receivers)}"
            return error("HW1246", message, hint="send to one jurisdiction at a time")
        seen = _as_cut(charter, read, asked, granted[0], bind) if read.every else granted[0]
        if isinstance(seen, Diagnostic):
            return seen
        if not receivers <= seen.to:
            message = f"by `{read.rule}`, slots of `{read.source}` may not leave `{site}` for {_listed(receivers)}"
            return error("HW1246", message, hint="the column that cuts time leaves with the slots")
        found[read.name] = seen
    return found


def _as_cut(charter: Charter, read: ReadsGrant, asked: Asked, grant: Grant, bind: Bind) -> Grant | Diagnostic:
    """Give a grant of aggregates in the slots of its reader, whose time zone is also that of the whole fragment."""
    node = charter.source(read.source)
    if node is None or node.time is None or grant.shape != "aggregate" or read.timezone != asked.timezone:
        message = f"`{read.rule}` cannot be read in slots of `{read.every}`"
        return error("HW1248", message, hint="only aggregates are, of a source that has a time, in one time zone")
    try:
        slots = slots_of(node.time, read.every, read.timezone)
    except ValueError:
        return error("HW1248", f"`{read.every}` is no length of slots", hint="such as 15m, 1h, 1d or 1mo")
    return cut_grant(charter, subject_of(node), grant, slots, bind)


def _listed(places: frozenset[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(places)) if any(places) else "another site"


def _relations(asked: Asked, grants: Mapping[str, Grant], bind: Bind) -> dict[str, Relation] | Diagnostic:
    """Everything that the text may name, by schema and name."""
    names = [*(read.name for read in asked.reads), *asked.received]
    odd = next((name for name in names if not _NAME.fullmatch(name)), None)
    if odd is not None or len(grants) != len(asked.reads):
        return error("HW1241", "a relation of the fragment has a name that none can have", hint="names are g1, x1 …")
    types = {type_ for columns in asked.received.values() for _, type_ in columns}
    if not all(is_type(type_, bind) for type_ in types):
        message = "what the fragment says to have received has a column of a type that there is not"
        return error("HW1241", message, hint="types are those of the engine, written as it writes them")
    relations = {f"{_GRANTS}.{name}": grant.columns for name, grant in grants.items()}
    return relations | {f"{_EXCHANGES}.{name}": tuple(columns) for name, columns in asked.received.items()}


def _destinations(
    grants: Mapping[str, Grant], bound: Mapping[str, frozenset[str]], receivers: frozenset[str]
) -> tuple[str, ...] | Diagnostic:
    """Where the result may be: wherever each grant, and each exchange received before, may go."""
    limits = [*(each.to for each in grants.values()), *bound.values()]
    allowed = frozenset.intersection(*limits) if limits else receivers
    if receivers <= allowed:
        return tuple(sorted(allowed))
    beyond = ", ".join(f"`{each}`" for each in sorted(receivers - allowed))
    message = f"what the fragment has received may not go on to {beyond}"
    return error("HW1246", message, hint="rows are bound by the rules under which they came, wherever they are")


def _understood(text: str, relations: Mapping[str, Relation], asked: Asked, bind: Bind) -> tuple[Analysis, list[str]]:
    """Take the text apart, first by itself, then bound over empty tables of the grants' schemas."""
    node = statement_of(bind.parse(text))
    if node is None:
        raise Refused.of("HW1240", "the fragment is not exactly one SELECT", hint="nothing else runs at a site")
    _sure(wrong_text(node, frozenset(relations)))
    folded = {name.casefold(): (name, columns) for name, columns in relations.items()}
    try:
        query, _ = read_query(node, folded)
        predicates = conditions(query)
        return analyse(node, relations, _bound(text, relations, asked, bind)), predicates
    except Unclear as unclear:
        raise Refused(_unclear()) from unclear


def _unclear() -> Diagnostic:
    message = "the fragment holds something whose meaning is not certain"
    return error("HW1243", message, hint="what is not understood is refused: write it in another way")


def _bound(text: str, relations: Mapping[str, Relation], asked: Asked, bind: Bind) -> Relation:
    columns = bind(text, relations, timezone=asked.timezone)
    if isinstance(columns, BindError):
        message = f"the fragment does not bind: {columns.kind}"
        raise Refused.of("HW1249", message, hint="it names only what it is granted")
    if columns != tuple(asked.columns):
        message = "the fragment gives other columns than it says"
        raise Refused.of("HW1244", message, hint="names and types must be the same")
    return columns


def _forms(analysis: Analysis, grants: Mapping[str, Grant]) -> Iterator[tuple[str, str, str]]:
    """(name, type, form) of every column: the form that tells most of all that its values or its rows depend on."""
    rows = [_form(each, grants) for each in analysis.of(analysis.rows)]
    for (name, type_), part in zip(analysis.columns, analysis.parts, strict=True):
        forms = {*rows, *(_form(each, grants) for each in analysis.of(part)), "free"}
        yield name, type_, min(forms, key=_FORMS.index)


def _form(reference: tuple[str, str], grants: Mapping[str, Grant]) -> str:
    """Of what was received nothing is known here: it is legal where it is."""
    relation, column = reference
    schema, _, name = relation.partition(".")
    if schema != _GRANTS or name not in grants or grants[name].shape == "free":
        return "free"
    grant = grants[name]
    if column in (ROWS, LIST):
        return grant.shape
    shapes = {label.shape for label in grant.labels[column] if not is_public(frozenset({label}))}
    return min(shapes, key=_FORMS.index, default="free")


def _address(asked: Asked, types: Mapping[str, str], grants: Mapping[str, Grant]) -> str:
    return address(
        "fragment",
        asked.query,
        *(f"${name} {type_}" for name, type_ in sorted(types.items())),
        *(f"{name} {grant.address}" for name, grant in sorted(grants.items())),
        *(f"{read.name} {read.every} {read.timezone}" for read in asked.reads if read.every),
        *(f"{name} {tuple(columns)}" for name, columns in sorted(asked.received.items())),
        asked.timezone,
    )
