"""Random queries of somebody curious, over random worlds: shipped and hidden columns, in any place where SQL has one."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.policy.adversarial.values import Case, Relation, Rows, World

SITES: Final = {"hub": "us", "fra": "eu", "dub": "eu", "lon": "uk"}
COLUMNS: Final = {
    "k": ("bigint", "internal"),
    "g": ("text", "internal"),
    "v": ("integer", "internal"),
    "h": ("text", "pii.ip"),
    "w": ("integer", "pii.id"),
}
"""Of ``log``; ``h`` and ``w`` are never shipped, and ``v`` decides about rows where the rule has a predicate."""
RULES: Final[tuple[dict[str, Any], ...]] = (
    {"ship": ["k", "g", "v"]},
    {"ship": ["k", "g", "v"], "where": "v >= 2"},
    {"ship": ["k", "g", "v"], "where": "v >= 1 AND g <> 'b'"},
    {"ship": ["g", "v"], "where": "v IN (1, 2, 3)"},
)
_VISIBLE: Final = ("k", "g", "v")
_HIDDEN: Final = ("h", "w")
_rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.none(), st.integers(0, 4)),
        st.one_of(st.none(), st.sampled_from(["x", "y", "z"])),
        st.one_of(st.none(), st.integers(0, 4)),
    ),
    max_size=4,
)


def world(rule: dict[str, Any], *, far_to: tuple[str, ...] = ("us",)) -> World:
    """Give the world of one rule; rows are put in by the test. ``far_to``: who may have what lies in the UK."""
    log = Relation(columns=COLUMNS, rows={"fra": (), "dub": ()})
    hub = Relation(
        columns={name: (type_, "internal") for name, (type_, _) in COLUMNS.items()},
        rows={"hub": ((1, "a", 2, "x", 1), (2, "b", 3, "y", 2), (3, "c", None, None, 3))},
    )
    other = Relation(columns=COLUMNS, rows={"lon": ()})
    shipped = {**rule, "from": "log@eu", "to": ["us"]}
    policies = {"lines": shipped, "others": {"ship": ["k", "g", "v"], "from": "far@uk", "to": list(far_to)}}
    return World(
        name="curious", jurisdictions=SITES, sources={"log": log, "far": other, "here": hub}, policies=policies
    )


def is_granted(row: tuple[Any, ...], rule: dict[str, Any]) -> bool:
    """Whether a rule's predicate is true of a row."""
    _, g, v, _, _ = row
    match rule.get("where"):
        case None:
            return True
        case "v >= 2":
            return v is not None and v >= 2
        case "v IN (1, 2, 3)":
            return v in (1, 2, 3)
        case _:
            return v is not None and v >= 1 and g != "b"


@st.composite
def databases(draw, rule: dict[str, Any]) -> tuple[Rows, Rows]:
    """Rows of a site, and a twin: the same granted columns of the same granted rows, in their order; all else new."""
    rows = draw(_rows)
    others = draw(_rows)
    hidden = st.tuples(st.one_of(st.none(), st.sampled_from(["x", "y", "q"])), st.one_of(st.none(), st.integers(0, 9)))
    kept = [row for row in rows if is_granted(row, rule)]
    ships = rule["ship"]
    twin = [((row[0] if "k" in ships else draw(st.integers(0, 4))), *row[1:3], *draw(hidden)) for row in kept]
    for row in others:
        if not is_granted(row, rule):
            twin.insert(draw(st.integers(0, len(twin))), row)
    return tuple(rows), tuple(twin)


def _column(draw, alias: str) -> str:
    names = _VISIBLE * 6 + _HIDDEN
    return f"{alias}.{draw(st.sampled_from(names))}"


@st.composite
def values(draw, alias: str, depth: int = 1) -> str:
    column = _column(draw, alias)
    if depth == 0:
        return column
    inner = values(alias, depth - 1)
    match draw(st.integers(0, 9)):
        case 0:
            return f"coalesce({draw(inner)}::text, {draw(inner)}::text)"
        case 1:
            return f"CASE WHEN {draw(predicates(alias, 0))} THEN {draw(inner)}::text ELSE {draw(inner)}::text END"
        case 2:
            return f"md5({draw(inner)}::text)"
        case 3:
            return f"({draw(inner)} IS NULL)"
        case 4:
            return f"{{'a': {draw(inner)}}}"
        case _:
            return column


@st.composite
def predicates(draw, alias: str, depth: int = 1) -> str:
    column = draw(st.sampled_from([f"{alias}.v", f"{alias}.v", f"{alias}.k", _column(draw, alias)]))
    constant = draw(st.integers(0, 4))
    plain = f"{column}::text {draw(st.sampled_from(['=', '<>', '<', '>=']))} '{constant}'"
    if column.endswith((".v", ".k", ".w")):
        plain = f"{column} {draw(st.sampled_from(['=', '<>', '<', '>=', '>', '>=']))} {constant}"
    if depth == 0:
        return plain
    inner = predicates(alias, depth - 1)
    match draw(st.integers(0, 9)):
        case 0:
            return f"({draw(inner)} OR {draw(inner)})"
        case 1:
            return f"NOT ({draw(inner)})"
        case 2:
            return f"EXISTS (SELECT 1 FROM here e WHERE e.{draw(st.sampled_from(_VISIBLE))} = {alias}.{draw(st.sampled_from(_VISIBLE))})"
        case 3:
            return f"{alias}.v IN (1, {constant})"
        case 4:
            return f"{alias}.g <> 'b' AND {alias}.v >= {constant}"
        case 5:
            return f"{alias}.v > (SELECT min(q.v) FROM log q WHERE q.v >= {constant} AND q.g <> 'b')"
        case 6:
            return f"{alias}.g IN (SELECT q.g FROM far q WHERE {draw(predicates('q', 0))})"
        case _:
            return plain


@st.composite
def _aggregate(draw, alias: str) -> str:
    column = _column(draw, alias)
    name = draw(st.sampled_from(["count", "min", "max", "count", "list", "any_value", "approx_count_distinct"]))
    call = "count(*)" if draw(st.booleans()) and name == "count" else f"{name}({column})"
    return call + (f" FILTER (WHERE {draw(predicates(alias, 0))})" if draw(st.integers(0, 4)) == 0 else "")


@st.composite
def selects(draw, depth: int = 1) -> str:
    """One SELECT of two columns, both as text so that any two can be united."""
    tables = {"l": "log l", "j": "log l JOIN here j ON j.{0} = l.{0}", "o": "here j LEFT JOIN log l ON j.{0} = l.{0}"}
    tables |= {"s": "log l JOIN log j ON j.{0} = l.{0}", "f": "far f LEFT JOIN log l ON f.{0} = l.{0} AND {1}"}
    shape = draw(st.sampled_from(["l", "l", "l", "j", "o", "s", "f"]))
    source = tables[shape].format(draw(st.sampled_from(_VISIBLE)), draw(predicates("l", 0)))
    if depth and draw(st.integers(0, 4)) == 0:
        source = f"(SELECT * FROM log q WHERE {draw(predicates('q'))}) l"
    where = "" if draw(st.integers(0, 3)) == 0 else f" WHERE {draw(predicates('l'))}"
    if where and draw(st.booleans()):
        where += " AND l.v >= 2 AND l.g <> 'b'"
    grouped = draw(st.integers(0, 3)) == 0
    first = draw(values("l"))
    second = draw(_aggregate("l")) if grouped else draw(values("l"))
    text = f"SELECT ({first})::text AS a, ({second})::text AS b FROM {source}{where}"
    if grouped:
        text += f" GROUP BY {first}" + (f" HAVING {draw(_aggregate('l'))} IS NOT NULL" if draw(st.booleans()) else "")
        return text
    match draw(st.integers(0, 7)):
        case 0:
            return text.replace("SELECT ", "SELECT DISTINCT ", 1)
        case 1:
            return f"{text} ORDER BY {_column(draw, 'l')}, a, b LIMIT {draw(st.integers(0, 2))}"
        case 2:
            return f"{text} QUALIFY row_number() OVER (PARTITION BY {_column(draw, 'l')} ORDER BY {draw(values('l', 0))}) = 1"
        case _:
            return text


@st.composite
def cases(draw) -> tuple[Case, dict[str, Any]]:
    """A query, and the rule under which it is asked."""
    rule = draw(st.sampled_from(RULES))
    query = draw(selects())
    if draw(st.integers(0, 5)) == 0:
        word = draw(st.sampled_from(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]))
        query = f"({query}) {word} ({draw(selects(0))})"
    return Case(name="curious", query=query, about="a random query", world="curious"), rule
