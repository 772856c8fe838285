"""How the rows of two tables differ, computed by the engine: a multiset difference, paired by key where there is one.

What is compared are the rows that stand in fills of one side only. Rows of a table are the sum (as multisets) of the
rows of its fills, and subtracting the same rows from both sides does not change how often a row is more on one side
than on the other. So fills that both sides share need not be read, and what is said of rows is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from headwater.run.engine import Session
from headwater.sql.stored_types import typed_null
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import pyarrow as pa

MASK: Final = "•••"
"""What is shown of a value of personal data."""
_INEXACT: Final = ("FLOAT", "DOUBLE", "DECIMAL")
_TEXT: Final = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Compared:
    """A column that both sides have, under the name that each gives it, and the type in which it is compared."""

    name: str
    name_b: str
    type: str
    is_cast: bool = False
    """The sides have other types: values are cast to ``type``."""
    is_key: bool = False
    is_masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Two relations to compare: SQL names, columns that both have, how close is the same, how many rows to show."""

    a: str
    b: str
    columns: tuple[Compared, ...]
    tolerance: float = 0.0
    sample: int = 0
    is_unique: bool = False
    """Whether the key is known to identify rows of both."""

    @property
    def keys(self) -> list[int]:
        """Positions of the key columns."""
        return [i for i, column in enumerate(self.columns) if column.is_key]

    @property
    def others(self) -> list[int]:
        """Positions of all other columns."""
        return [i for i, column in enumerate(self.columns) if not column.is_key]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows as Arrow, and the DuckDB types of the columns."""

    table: "pa.Table"
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found in the rows that were read. Rows are counted as often as they occur."""

    only_a: int
    only_b: int
    differing: int | None = None
    """Pairs of one key that differ; None without a key."""
    by_column: tuple[int, ...] = ()
    """For each column that is no key: in how many pairs it differs."""
    repeated_keys: int | None = None
    """Keys that occur more than once; None where that was not looked for."""
    sample_a: Sample | None = None
    sample_b: Sample | None = None
    sample_pairs: Sample | None = None
    """Keys, then for each other column: the values of both sides and whether they are the same."""


def common_type(session: Session, one: str, other: str) -> str:
    """Give the type in which values of two types are compared: what UNION makes of them, or text."""
    import duckdb

    if one == other:
        return one
    try:
        nulls = f"SELECT {typed_null(one)} AS v UNION ALL SELECT {typed_null(other)}"
        return str(session.rows(f"DESCRIBE {nulls}")[0][1])
    except duckdb.Error:
        return _TEXT


def compare(session: Session, question: Question) -> Answer:
    """Compare; everything that is made on the way goes with the session.

    Where the sides have other types and a value does not fit the common one, these columns are compared as text.
    """
    import duckdb

    try:
        return _compare(session, question)
    except duckdb.ConversionException:
        as_text = tuple(replace(c, type=_TEXT) if c.is_cast else c for c in question.columns)
        if as_text == question.columns:
            raise
        return _compare(session, replace(question, columns=as_text))


def _compare(session: Session, question: Question) -> Answer:
    session.run(f"CREATE OR REPLACE TABLE hw_difference AS {_multiset_difference(question)}")
    if not question.keys:
        return _without_key(session, question)
    session.run(f"CREATE OR REPLACE TABLE hw_pairs AS {_pairs(question)}")
    only_a, only_b, differing, *by_column = session.rows(_totals(question))[0]
    return Answer(
        only_a=only_a,
        only_b=only_b,
        differing=differing,
        by_column=tuple(by_column),
        repeated_keys=None if question.is_unique else session.rows(_repeated(question))[0][0],
        sample_a=_sample(session, question, _one_sided(question, "a", "hw_pairs WHERE NOT in_b")),
        sample_b=_sample(session, question, _one_sided(question, "b", "hw_pairs WHERE NOT in_a")),
        sample_pairs=_sample(session, question, _changed(question)),
    )


def _without_key(session: Session, question: Question) -> Answer:
    more_a, more_b = session.rows(
        "SELECT coalesce(sum(n) FILTER (WHERE n > 0), 0)::BIGINT, coalesce(-sum(n) FILTER (WHERE n < 0), 0)::BIGINT"
        " FROM hw_difference"
    )[0]
    return Answer(
        only_a=more_a,
        only_b=more_b,
        sample_a=_sample(session, question, _one_sided(question, "c", _unfolded("n"))),
        sample_b=_sample(session, question, _one_sided(question, "c", _unfolded("-n"))),
    )


def _multiset_difference(question: Question) -> str:
    """Each row with how much more often A has it than B (``n``); NULL equals NULL, NaN equals NaN, -0.0 equals 0.0."""
    names = ", ".join(f"c{i}" for i in range(len(question.columns)))
    sides = " UNION ALL ".join(
        f"SELECT {', '.join([*_values(question, is_b=is_b), f'{sign} AS side'])} FROM {relation}"
        for relation, sign, is_b in ((question.a, 1, False), (question.b, -1, True))
    )
    return f"SELECT {names}, sum(side)::BIGINT AS n FROM ({sides}) GROUP BY {names} HAVING sum(side) <> 0"


def _values(question: Question, *, is_b: bool) -> Iterator[str]:
    for i, column in enumerate(question.columns):
        name = quote_identifier(column.name_b if is_b else column.name)
        yield f"{_cast(name, column)} AS c{i}"


def _cast(value: str, column: Compared) -> str:
    return f"CAST({value} AS {column.type})" if column.is_cast else value


def _unfolded(times: str) -> str:
    """Rows as often as they are more: ``n`` for A, ``-n`` for B."""
    return f"(SELECT *, unnest(range({times})) AS copy FROM hw_difference WHERE {times} > 0)"


def _pairs(question: Question) -> str:
    """Rows of one key side by side; where a key has several rows, the first with the first, in the order of texts."""
    keys = ", ".join(f"c{i}" for i in question.keys)
    everything = ", ".join(f"c{i}" for i in range(len(question.columns)))
    order = f"row_number() OVER (PARTITION BY {keys} ORDER BY CAST(row({everything}) AS VARCHAR)) AS i"
    sides = [f"(SELECT {everything}, {order} FROM {_unfolded(times)})" for times in ("n", "-n")]
    outputs = ", ".join(f"a.c{i} AS a{i}, b.c{i} AS b{i}" for i in range(len(question.columns)))
    same_key = " AND ".join(f"a.c{i} IS NOT DISTINCT FROM b.c{i}" for i in question.keys)
    pairs = (
        f"SELECT {outputs}, a.i IS NOT NULL AS in_a, b.i IS NOT NULL AS in_b"
        f" FROM {sides[0]} AS a FULL JOIN {sides[1]} AS b ON a.i = b.i AND {same_key}"
    )
    same = ", ".join(f"{_same(question, i)} AS s{i}" for i in question.others)
    every = " AND ".join(["in_a", "in_b", *(f"s{i}" for i in question.others)])
    return f"SELECT *, {every} AS is_same FROM (SELECT *{', ' + same if same else ''} FROM ({pairs}))"


def _same(question: Question, i: int) -> str:
    same = f"(a{i} IS NOT DISTINCT FROM b{i})"
    if question.tolerance > 0 and question.columns[i].type.startswith(_INEXACT):
        near = f"abs(CAST(a{i} AS DOUBLE) - CAST(b{i} AS DOUBLE)) <= CAST('{question.tolerance!r}' AS DOUBLE)"
        return f"({same} OR coalesce({near}, false))"
    return same


def _totals(question: Question) -> str:
    counts = ["NOT in_b", "NOT in_a", "in_a AND in_b AND NOT is_same"]
    counts += [f"in_a AND in_b AND NOT s{i}" for i in question.others]
    return f"SELECT {', '.join(f'count(*) FILTER (WHERE {each})' for each in counts)} FROM hw_pairs"


def _repeated(question: Question) -> str:
    """Keys that stand in more than one row of what was read."""
    keys = [question.columns[i] for i in question.keys]
    sides = (
        f"SELECT {', '.join(_cast(quote_identifier(name), key) for key, name in zip(keys, names, strict=True))}"
        f" FROM {relation} GROUP BY ALL HAVING count(*) > 1"
        for relation, names in ((question.a, [k.name for k in keys]), (question.b, [k.name_b for k in keys]))
    )
    return f"SELECT count(*) FROM ({' UNION '.join(sides)})"


def _one_sided(question: Question, prefix: str, origin: str) -> str:
    """Some rows of one side, whole."""
    outputs = [_shown(column, f"{prefix}{i}", f"c{i}") for i, column in enumerate(question.columns)]
    order = ", ".join(f"{prefix}{i}" for i in question.keys or range(len(question.columns)))
    return f"SELECT {', '.join(outputs)} FROM {origin} ORDER BY {order} LIMIT {question.sample}"


def _changed(question: Question) -> str:
    """Some pairs that differ: keys, then both values of each column and whether they are the same."""
    outputs = [_shown(question.columns[i], f"a{i}", f"k{i}") for i in question.keys]
    for i in question.others:
        column = question.columns[i]
        outputs += [_shown(column, f"a{i}", f"va{i}"), _shown(column, f"b{i}", f"vb{i}"), f"s{i} AS same{i}"]
    order = ", ".join(f"a{i}" for i in question.keys)
    where = "in_a AND in_b AND NOT is_same"
    return f"SELECT {', '.join(outputs)} FROM hw_pairs WHERE {where} ORDER BY {order} LIMIT {question.sample}"


def _shown(column: Compared, value: str, name: str) -> str:
    """Personal data does not leave the engine: whether there is a value is all that is shown."""
    shown = f"CASE WHEN {value} IS NOT NULL THEN {quote_literal(MASK)} END" if column.is_masked else value
    return f"{shown} AS {quote_identifier(name)}"


def _sample(session: Session, question: Question, query: str) -> Sample | None:
    if not question.sample:
        return None
    relation = session.connection.sql(query)
    return Sample(relation.to_arrow_table(), tuple(map(str, relation.types)))
