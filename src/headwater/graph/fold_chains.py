"""What came → what it comes to, as one query: the last row of each key, or each key's history."""

from collections.abc import Iterator, Sequence

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.deleted_rows import is_gone
from headwater.graph.split_chains import AT, CHANGES, DELETED, LINK
from headwater.spec.nodes import ChainPart, Model
from headwater.sql.binding import Relation
from headwater.sql.text import quote_identifier, quote_relation

VALID_FROM, VALID_TO = "valid_from", "valid_to"
_TECHNICAL = frozenset({LINK, AT, DELETED})


def fold_query(model: Model, changes: Relation, time: str | None) -> tuple[str, list[Diagnostic]]:
    """Give the query of a fold over the columns of its changes; ``time`` is their time column (None: links)."""
    part = model.chain
    assert part is not None  # noqa: S101 - asked for folds only
    columns = [name for name, _ in changes if name not in _TECHNICAL]
    wrong = list(_wrong(model, part, columns))
    if wrong:
        return "", wrong
    fold = _Fold(model.name, part, columns, time)
    return (fold.merge() if part.kind == "merge" else fold.history()), []


def _wrong(model: Model, part: ChainPart, columns: Sequence[str]) -> Iterator[Diagnostic]:
    known = {name.casefold() for name in columns}
    for setting in ("key", "track"):
        for at, name in enumerate(getattr(part, setting)):
            if name.casefold() not in known:
                hint, where = suggest(name, columns), model.at.of(f"{setting}.{at}")
                yield error("HW0262", f"`{setting}` names `{name}`, which the query does not give", where, hint=hint)
    taken = [n for n in columns if n.casefold() in {VALID_FROM, VALID_TO}] if part.kind == "history" else []
    for name in taken:
        hint = "give it another name with AS: a history says itself from when to when its rows are valid"
        yield error("HW0263", f"`{name}` is a column that a history model adds", model.at.of("kind"), hint=hint)


class _Fold:
    """Writes the SQL of one fold."""

    def __init__(self, name: str, part: ChainPart, columns: Sequence[str], time: str | None) -> None:
        self._part, self._time = part, time
        self._source = quote_relation(name + CHANGES)
        self._columns = [quote_identifier(each) for each in columns]
        self._key = ", ".join(quote_identifier(each) for each in part.key)
        folded = {each.casefold() for each in (*part.key, time or "")}
        tracked = part.track or [each for each in columns if each.casefold() not in folded]
        self._tracked = [quote_identifier(each) for each in tracked]
        self._order = quote_identifier(time) if time else LINK
        self._from = quote_identifier(time) if time else AT
        self._gone = DELETED if time is None else is_gone(part.deleted)

    def merge(self) -> str:
        """The last row of each key, unless that says that the key is gone."""
        listed = ", ".join(self._columns)
        return (
            f"SELECT {listed} FROM (SELECT {listed}, {self._gone} AS hw_gone,"
            f" row_number() OVER (PARTITION BY {self._key} ORDER BY {self._order} DESC) AS hw_nth"
            f" FROM {self._source}) AS changes WHERE hw_nth = 1 AND NOT hw_gone"
        )

    def history(self) -> str:
        """Each row with the time from which and to which it was valid: a new one where something tracked changed."""
        listed, over = ", ".join(self._columns), f"OVER (PARTITION BY {self._key} ORDER BY hw_order)"
        differs = " OR ".join(f"lag({each}) {over} IS DISTINCT FROM {each}" for each in self._tracked) or "false"
        changes = (
            f"SELECT {listed}, {self._order} AS hw_order, {self._from} AS {VALID_FROM}, {self._gone} AS hw_gone"
            f" FROM {self._source}"
        )
        seen = (
            f"SELECT *, row_number() {over} = 1 OR hw_gone <> lag(hw_gone) {over} OR (NOT hw_gone AND ({differs}))"
            f" AS hw_changes FROM ({changes}) AS changes"
        )
        steps = (
            f"SELECT {listed}, {VALID_FROM}, lead({VALID_FROM}) {over} AS {VALID_TO}, hw_gone"
            f" FROM ({seen}) AS seen WHERE hw_changes"
        )
        return f"SELECT {listed}, {VALID_FROM}, {VALID_TO} FROM ({steps}) AS steps WHERE NOT hw_gone"
