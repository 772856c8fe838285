"""The SQL of each kind of check: a predicate, an aggregate or a query that finds what fails."""

from collections.abc import Iterable, Iterator

from headwater.diagnostics import Where, error, suggest
from headwater.graph.drafts import Draft
from headwater.graph.drift_queries import drift_query
from headwater.graph.resolve_references import parse
from headwater.graph.written_checks import Scope, Subject, Written, WrongCheck, wanted
from headwater.spec import checks as spec
from headwater.spec.units import parse_duration
from headwater.sql.binding import BindError
from headwater.sql.outline import outline
from headwater.sql.text import literal, quote_identifier, quote_literal, quote_relation


def write(check: spec.AnyCheck, subject: Subject, draft: Draft) -> Iterator[Written]:
    """Write a check down as SQL; one of several columns may become several. Raises WrongCheck."""
    match check:
        case spec.Unique():
            yield _unique(check, subject)
        case spec.RowCount():
            yield _row_count(check, subject)
        case spec.Freshness():
            yield _freshness(check)
        case spec.References():
            yield _references(check, draft)
        case spec.Query():
            yield _query(check, draft)
        case spec.Schema():
            yield _schema(check, subject)
        case spec.Drift():
            yield drift_query(check, subject, draft)
        case _:
            for name, predicate, user_sql in _predicates(check):
                yield _row(check, subject, name, predicate, user_sql)


def _kind(check: spec.AnyCheck) -> str:
    return next(word for word, kind in spec.KINDS.items() if isinstance(check, kind))


_Predicate = tuple[str, str, tuple[str, str]]


def _predicates(
    check: spec.NotNull | spec.AcceptedValues | spec.AcceptedRange | spec.Matches | spec.Expression,
) -> Iterator[_Predicate]:
    """(name, condition of a failing row, the user's SQL) of a check on one row."""
    none = (check.where or "", "where" if check.where else "")
    match check:
        case spec.NotNull():
            for column in check.columns:
                yield f"not_null({column})", f"{quote_identifier(column)} IS NULL", none
        case spec.AcceptedValues():
            values = ", ".join(map(literal, check.values))
            column = quote_identifier(check.column)
            condition = f"({column} NOT IN ({values})) IS TRUE" if values else f"{column} IS NOT NULL"
            yield f"accepted_values({check.column})", condition, none
        case spec.AcceptedRange():
            yield f"accepted_range({check.column})", _out_of_range(check), none
        case spec.Matches():
            text = f"regexp_matches({quote_identifier(check.column)}, {quote_literal(check.pattern)})"
            yield f"matches({check.column})", f"(NOT {text}) IS TRUE", none
        case spec.Expression():
            sql = (check.sql, "sql") if not check.where else none
            yield check.name or f"expression({check.sql})", f"({check.sql}) IS NOT TRUE", sql


def _out_of_range(check: spec.AcceptedRange) -> str:
    column = quote_identifier(check.column)
    bounds = [f"{column} < {literal(check.min)}"] if check.min is not None else []
    bounds += [f"{column} > {literal(check.max)}"] if check.max is not None else []
    return f"({' OR '.join(bounds)}) IS TRUE" if bounds else "false"


def _row(check: spec.AnyCheck, subject: Subject, name: str, predicate: str, user_sql: tuple[str, str]) -> Written:
    condition = f"{wanted(check)} AND {predicate}" if check.where else predicate
    if check.on_fail == "quarantine" and subject.kind != "view":
        return Written(kind=_kind(check), name=name, scope="row", failing=condition, user_sql=user_sql)
    if subject.kind == "view":
        failing = f"SELECT * FROM this WHERE {condition}"
        return Written(kind=_kind(check), name=name, scope="map", failing=failing, user_sql=user_sql)
    failing, examples = f"count(*) FILTER (WHERE {condition})", f"SELECT * FROM this WHERE {condition}"
    return Written(kind=_kind(check), name=name, scope="fill", failing=failing, user_sql=user_sql, examples=examples)


def _unique(check: spec.Unique, subject: Subject) -> Written:
    """Two rows without a value are the same: they do not identify themselves."""
    columns = ", ".join(map(quote_identifier, check.columns))
    name = f"unique({', '.join(check.columns)})"
    of_all = () if check.where else check.columns
    in_time = subject.time.casefold() in {column.casefold() for column in check.columns}
    twice = f"SELECT {columns}, count(*) AS rows FROM this WHERE {wanted(check)} GROUP BY {columns} HAVING count(*) > 1"
    if subject.kind == "full" or (subject.kind == "incremental" and in_time):
        condition = f" FILTER (WHERE {wanted(check)})" if check.where else ""
        failing = f"count(*){condition} - count(DISTINCT row({columns})){condition}"
        return Written(kind="unique", name=name, scope="fill", failing=failing, examples=twice, unique=of_all)
    return Written(kind="unique", name=name, scope="map", failing=twice, unique=of_all)


def _row_count(check: spec.RowCount, subject: Subject) -> Written:
    bounds = [f"count(*) < {check.min}"] if check.min is not None else []
    bounds += [f"count(*) > {check.max}"] if check.max is not None else []
    condition = " OR ".join(bounds) or "false"
    if subject.kind == "full":
        counted = f"count(*) FILTER (WHERE {wanted(check)})" if check.where else "count(*)"
        failing = f"CASE WHEN {condition.replace('count(*)', counted)} THEN 1 ELSE 0 END"
        return Written(kind="row_count", name="row_count", scope="fill", failing=failing)
    failing = f"SELECT count(*) AS rows FROM this WHERE {wanted(check)} HAVING {condition}"
    return Written(kind="row_count", name="row_count", scope="map", failing=failing)


def _freshness(check: spec.Freshness) -> Written:
    column = f"CAST(max({quote_identifier(check.column)}) AS TIMESTAMPTZ)"
    try:
        micros = round(parse_duration(check.within) * 1_000_000)
    except ValueError as problem:
        raise WrongCheck(error("HW0242", str(problem), check.at.of("within"))) from None
    failing = (
        f"SELECT {column} AS newest FROM this WHERE {wanted(check)} "
        f"HAVING coalesce({column} < $now - to_microseconds({micros}), true)"
    )
    return Written(kind="freshness", name=f"freshness({check.column})", scope="map", failing=failing)


def _references(check: spec.References, draft: Draft) -> Written:
    node, _, column = check.to.rpartition(".")
    name = draft.names.get(node.casefold())
    where = check.at.of("to")
    if name is None:
        message = f"`{check.to}` is not `node.column` of a node in this project"
        raise WrongCheck(error("HW0243", message, where, hint=suggest(node, draft.names.values())))
    if name in draft.project.models and draft.project.models[name].kind == "inline":
        raise WrongCheck(error("HW0228", f"the inline model `{name}` is served to nobody", where))
    if name not in draft.relations:
        return Written(kind="references", name="references", scope="map", failing="SELECT 1 AS failed WHERE false")
    known = [each for each, _ in draft.relations[name]]
    if column.casefold() not in {each.casefold() for each in known}:
        raise WrongCheck(error("HW0243", f"`{name}` has no column `{column}`", where, hint=suggest(column, known)))
    mine, theirs = quote_identifier(check.column), quote_identifier(column)
    failing = (
        f"SELECT {mine} FROM this WHERE {mine} IS NOT NULL AND {wanted(check)} "
        f"AND NOT EXISTS (SELECT 1 FROM {quote_relation(name)} AS other WHERE other.{theirs} = this.{mine})"
    )
    return Written(
        kind="references",
        name=f"references({check.column} → {name}.{column})",
        scope="map",
        failing=failing,
        reads=(name,),
    )


def _query(check: spec.Query, draft: Draft) -> Written:
    where = check.at.of("sql")
    tree = parse(draft.bind, check.sql)
    if isinstance(tree, BindError):
        message = "a check is one SELECT" if tree.kind == "not a query" else tree.message.splitlines()[0]
        raise WrongCheck(error("HW0242", message, where))
    reads: dict[str, None] = {}
    for table in outline(tree).tables:
        folded = table.name.casefold()
        if folded == "this":
            continue
        if folded not in draft.names:
            hint = suggest(table.name, ["this", *draft.names.values()])
            raise WrongCheck(error("HW0201", f"`{table.name}` is no source or model", where, hint=hint))
        reads[draft.names[folded]] = None
    _check_readable(reads, draft, where)
    name = check.name or "query"
    return Written(
        kind="query", name=name, scope="map", failing=check.sql, reads=tuple(reads), user_sql=(check.sql, "sql")
    )


def _check_readable(names: Iterable[str], draft: Draft, where: Where) -> None:
    for name in names:
        if name in draft.project.models and draft.project.models[name].kind == "inline":
            raise WrongCheck(error("HW0228", f"the inline model `{name}` is served to nobody", where))


def _schema(check: spec.Schema, subject: Subject) -> Written:
    """Names and types are known before any row is: what does not fit is written down as a failure."""
    actual = {name.casefold(): type_ for name, type_ in subject.columns}
    missing = [n for n, type_ in subject.declared.items() if n.casefold() not in actual]
    other = [n for n, t in subject.declared.items() if t and actual.get(n.casefold(), t) != t]
    declared = {name.casefold() for name in subject.declared}
    extra = [n for n in actual if n not in declared] if check.mode == "exact" else []
    count = len({*missing, *other, *extra})
    scope: Scope = "map" if subject.kind == "view" else "fill"
    failing = f"count(*) * 0 + {count}" if scope == "fill" else f"SELECT 1 AS failed FROM range({count})"
    return Written(kind="schema", name=f"schema({check.mode})", scope=scope, failing=failing)
