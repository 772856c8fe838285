"""A query over relations at several sites, taken apart: what sites compute, what moves, what is computed at the end."""

from collections.abc import Iterable, Mapping, Sequence

from headwater.placement.costing import Costing
from headwater.placement.distributing import Distribution
from headwater.placement.gathering import gathered
from headwater.placement.homing import Homing
from headwater.placement.moving import Moving
from headwater.placement.rewriting import Rewriter
from headwater.placement.unfolding import unfolded
from headwater.placement.values import Exchange, Occurrence, Placed
from headwater.placement.writing import Bound, Writer
from headwater.policy.values import Places
from headwater.sql.binding import Relation
from headwater.sql.faithful import Parse
from headwater.sql.plain import plain
from headwater.sql.text import quote_identifier
from headwater.sql.tree import Query, Table, Unclear


def place(
    query: Query,
    columns: Relation,
    occurrences: Sequence[Occurrence],
    *,
    at: str,
    places: Places,
    bind: Bound,
    parse: Parse,
) -> Placed:
    """Take a query apart; ``columns`` are the names and types that it gives on one machine.

    Occurrences that are not named lie at ``at``. What is not understood runs at ``at`` over gathered rows. Raises
    Unclear if the query cannot be written as SQL again.
    """
    found = {each.table: each for each in occurrences}
    clear = Rewriter().query(plain(query))

    def moving() -> Moving:
        costing = Costing(found)
        writer = Writer(at=at, places=places, occurrences=found, bind=bind, parse=parse, costing=costing)
        return Moving(Distribution(found, at), writer, costing, at)

    try:
        return _placed(clear, columns, moving())
    except Unclear as why:
        return _gathered(clear, columns, found, moving(), str(why))


def _gathered(query: Query, columns: Relation, found: Mapping[Table, Occurrence], moving: Moving, why: str) -> Placed:
    text, needs = _finished(moving.writer, gathered(query, found, moving), columns)
    return Placed(
        at=moving.at,
        exchanges=_needed(moving.writer.exchanges, needs),
        final=text,
        columns=columns,
        explained=(f"all rows are gathered: {why}",),
    )


def _placed(query: Query, columns: Relation, moving: Moving) -> Placed:
    homing = Homing(distribution=moving.distribution, writer=moving.writer, moving=moving, at=moving.at)
    text, needs = _finished(moving.writer, homing.whole(unfolded(query)), columns)
    explained = tuple(dict.fromkeys(homing.explained))
    exchanges = _needed(moving.writer.exchanges, needs)
    return Placed(at=moving.at, exchanges=exchanges, final=text, columns=columns, explained=explained)


def _finished(writer: Writer, query: Query, columns: Relation) -> tuple[str, tuple[str, ...]]:
    """Write the end, with the very names and types of one machine; say which exchanges it reads."""
    written = writer.write(query, (writer.at,))
    if written.columns == columns:
        return written.text, written.needs
    if len(written.columns) != len(columns):
        raise Unclear("another number of columns")
    given = [
        f'"end"."{at}"' if type_ == wanted else f'CAST("end"."{at}" AS {wanted})'
        for at, ((_, type_), (_, wanted)) in enumerate(zip(written.columns, columns, strict=True))
    ]
    names = ", ".join(f'"{at}"' for at in range(len(columns)))
    outputs = ", ".join(f"{value} AS {quote_identifier(name)}" for value, (name, _) in zip(given, columns, strict=True))
    return f'SELECT {outputs} FROM ({written.text}) AS "end"({names})', written.needs


def _needed(exchanges: Sequence[Exchange], names: Iterable[str]) -> tuple[Exchange, ...]:
    """Leave out what was written on a way that was not taken."""
    needed = set(names)
    for each in reversed(exchanges):
        if each.name in needed:
            needed |= set(each.needs)
    return tuple(each for each in exchanges if each.name in needed)
