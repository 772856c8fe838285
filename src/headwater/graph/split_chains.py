"""Merge, append and history models → plain models: one for what came, slot by slot, and one for what it comes to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph import mistakes
from headwater.graph.deleted_rows import is_gone, wrong_deleted
from headwater.graph.drafts import Draft
from headwater.graph.resolve_references import parse
from headwater.spec.nodes import ChainPart, Column, Model
from headwater.sql.binding import BindError
from headwater.sql.text import quote_relation

CHANGES: Final = "@changes"
"""Added to the name of a merge or history model, it names the table of what came (no user's node can be called so)."""
LINK, AT, DELETED = "hw_link", "hw_at", "hw_deleted"
"""Columns of links: the number of the link, the run's logical time, whether the key is gone."""
SLOT: Final = "hw_slot"
"""Column of rows that are being cut into slots or buckets."""
_OURS: Final = frozenset({LINK, AT, DELETED, SLOT, "hw_known", "hw_gone", "hw_nth", "hw_order", "hw_changes"})
"""Names that columns of merge and history models cannot have, because queries of ours add them."""
_LINK_TYPES: Final = ((LINK, "BIGINT"), (AT, "TIMESTAMP WITH TIME ZONE"), (DELETED, "BOOLEAN"))
_ONLY_CHAINS: Final = ("key", "track", "deleted", "on_missing")


def split_chains(draft: Draft) -> Draft:
    """Replace every chain by the plain models that it means.

    - ``append`` by time is an incremental model; without time it holds *links*, one each time its inputs move;
    - ``merge`` and ``history`` become ``x@changes`` (incremental by time, else links) and ``x``, a fold of it.
    """
    models: dict[str, Model] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name, model in draft.project.models.items():
        found[name] = [*_wrong(model), *wrong_deleted(draft, model), *_no_query(draft, model)]
        failed = bool(found[name])
        models |= {name: model} if failed or model.kind not in {"merge", "append", "history"} else _parts(model)
    return draft.noting(found, project=replace(draft.project, models=models))


def _no_query(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    """What is put between brackets must be a whole query by itself."""
    if model.kind in {"merge", "history"} and model.code is None and not _is_by_time(model):
        problem = parse(draft.bind, model.query)
        if isinstance(problem, BindError):
            yield mistakes.of_parse(model, problem)


def reserved_names(model: Model, columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Find columns that cannot be told from those that are added where a model is filled piece by piece."""
    part = model.chain
    if part is None or part.kind == "append":
        names = frozenset({SLOT} if model.kind == "incremental" else ())
    else:
        names = frozenset() if part.role == "fold" else _OURS
    yield from _taken(model, columns[: -len(_LINK_TYPES)] if _is_link(model) else columns, names)


def _is_link(model: Model) -> bool:
    return model.chain is not None and model.chain.role == "links" and model.chain.kind != "append"


def _taken(model: Model, columns: Iterable[str], names: frozenset[str]) -> Iterator[Diagnostic]:
    for name in columns:
        if name.casefold() in names:
            hint = "give the column another name"
            yield error("HW0268", f"`{name}` is a name that Headwater uses itself", model.at.of("kind"), hint=hint)


def _wrong(model: Model) -> Iterator[Diagnostic]:
    if model.on_change == "forward" and model.kind in {"view", "inline"}:
        hint = "a view keeps no rows: it is what its query says"
        yield error("HW0260", "`on_change: forward` is for tables", model.at.of("on_change"), hint=hint)
    if model.kind not in {"merge", "history"}:
        for name in _ONLY_CHAINS:
            if getattr(model, name):
                hint = "leave it out, or say `kind: merge` or `kind: history`"
                yield error("HW0260", f"`{name}` is for merge and history models", model.at.of(name), hint=hint)
        if model.kind != "append" and model.on_restate != "rebuild":
            where, hint = model.at.of("on_restate"), "the slots of an incremental model always follow their inputs"
            yield error("HW0260", "`on_restate` is for merge, append and history models", where, hint=hint)
        return
    yield from _taken(model, model.columns if model.code is not None else (), _OURS)
    if model.bucket_rows < 1:
        message = f"`bucket_rows` is a number of rows, not {model.bucket_rows}"
        yield error("HW0269", message, model.at.of("bucket_rows"), hint="65536 is the default")
    if not model.key:
        hint = "such as `key: [id]`: the columns that say what a row is about"
        yield error("HW0261", f"a {model.kind} model needs `key`", model.at.of("kind"), hint=hint)
    if model.track and model.kind == "merge":
        hint = "a merge model keeps the last row of each key whatever changed"
        yield error("HW0260", "`track` is for history models", model.at.of("track"), hint=hint)
    if model.on_missing and _is_by_time(model):
        hint = "a slot holds what changed in it, so a missing key says nothing; use `deleted:`"
        yield error("HW0260", "`on_missing` is for models without `time`", model.at.of("on_missing"), hint=hint)


def _is_by_time(model: Model) -> bool:
    return model.time is not None or model.every is not None


def _reads_new(model: Model) -> bool:
    return any(reads.rows == "new" for reads in model.reads.values())


def _parts(model: Model) -> dict[str, Model]:
    kind = model.kind
    assert kind in {"merge", "append", "history"}  # noqa: S101 - asked by the caller
    part = ChainPart(
        role="changes" if _is_by_time(model) else "links",
        kind=kind,
        key=model.key,
        track=model.track,
        deleted=model.deleted,
        on_missing=model.on_missing or ("delete" if kind == "history" and not _reads_new(model) else "keep"),
        ignores_restated=model.on_restate == "ignore",
        bucket_rows=model.bucket_rows,
    )
    if kind == "append":
        by_time = _is_by_time(model)
        return {model.name: replace(model, kind="incremental" if by_time else "append", chain=part)}
    changes = _changes(model, part)
    return {changes.name: changes, model.name: _fold(model, part)}


def _changes(model: Model, part: ChainPart) -> Model:
    """What came: the user's query, with the checks that set single rows aside."""
    name = model.name + CHANGES
    checks = tuple(check for check in model.checks if check.on_fail == "quarantine")
    changes = replace(model, name=name, chain=part, checks=checks, grain=(), description="", columns=_typed(model))
    if part.role == "changes":
        return replace(changes, kind="incremental")
    if model.code is not None:
        technical = {column: Column(type=type_) for column, type_ in _LINK_TYPES}
        own = {column: said for column, said in changes.columns.items() if column not in technical}
        return replace(changes, kind="append", columns=own | technical)
    query, column = _with_link(model, part)
    return replace(changes, kind="append", query=query, query_column=column)


def _typed(model: Model) -> Mapping[str, Column]:
    """A Python model's columns are its contract; those that a history adds are not its own."""
    if model.code is None:
        return {}
    return {name: said for name, said in model.columns.items() if name not in {"valid_from", "valid_to"}}


def _with_link(model: Model, part: ChainPart) -> tuple[str, int]:
    """Give the query with the columns of a link, and its column: what the user wrote keeps its place in the file."""
    empty = ", ".join(f"CAST(NULL AS {type_}) AS {column}" for column, type_ in _LINK_TYPES[:-1])
    before = f"SELECT *, {empty}, {is_gone(part.deleted)} AS {DELETED} FROM ("
    return f"{before}{model.query}\n) AS rows_of_link", model.query_column - len(before)


def _fold(model: Model, part: ChainPart) -> Model:
    """What it comes to: the query is completed once the columns are known (``fold_chains``)."""
    return replace(
        model,
        kind="full",
        chain=replace(part, role="fold", ignores_restated=False),  # what came ignores it: a fold follows what came
        checks=tuple(check for check in model.checks if check.on_fail != "quarantine"),
        query=f"SELECT * FROM {quote_relation(model.name + CHANGES)}",
        query_line=model.at.where.line,
        query_column=1,
        code=None,
        time=None,
        every=None,
        start=None,
        end=None,
        lookback=None,
        complete=False,
        reads={},
        through={},
        restate_on=(),
        batch=None,
        allow=(),
    )
