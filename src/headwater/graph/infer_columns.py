"""Names and types of every node's columns, top-down: declared ones normalised by the engine, queries bound by it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph import caching, mistakes
from headwater.graph.drafts import Draft, Mentions, place
from headwater.graph.fold_chains import fold_query
from headwater.graph.split_chains import CHANGES, reserved_names
from headwater.graph.unnamed_columns import unnamed_columns
from headwater.spec.addresses import address
from headwater.spec.checks import Schema
from headwater.spec.nodes import Column, Model
from headwater.spec.origin import Origin
from headwater.sql.analysis import Analysis
from headwater.sql.binding import BindError, Relation
from headwater.sql.canonical import FORM
from headwater.sql.text import literal, parameters, quote_identifier, time_literal

TIME_TYPES: Final = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
"""Types of columns that can cut time."""
BOUNDS: Final = frozenset({"start", "end"})
_UNREADABLE: Final = frozenset({"HW0218", "HW0268"})
"""Mistakes that leave nobody a way to read the node."""
_SAMPLE: Final = datetime(2000, 1, 1, tzinfo=UTC)


def infer_columns(draft: Draft) -> Draft:
    """Bind all that can be bound; what reads a failed node is left out."""
    relations: dict[str, Relation] = {}
    keys: dict[str, str] = {}
    analyses: dict[str, Analysis] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name in draft.order:
        if name in draft.failed or any(each not in relations for each in draft.inputs.get(name, ())):
            continue
        if _folds_without_time(draft, name, relations):  # `cut_time` says so, of what came
            continue
        draft, found[name] = _with_fold(draft, name, relations)
        if found[name]:
            continue
        binder = _Binder(draft, relations)
        relation, found[name] = binder.bind(name)
        found[name] = [*_reserved(draft, name, relation)] or found[name]
        if relation is not None and not any(each.code in _UNREADABLE for each in found[name]):
            relations[name] = relation
        if binder.key:
            keys[name] = binder.key
        if binder.known is not None:
            analyses[name] = binder.known
    found[""] = list(_wrong_macros(draft, relations))
    return draft.noting(found, relations=relations, keys=keys, analyses=analyses)


def _reserved(draft: Draft, name: str, relation: Relation | None) -> Iterator[Diagnostic]:
    model = draft.project.models.get(name)
    if model is not None and relation is not None:
        yield from reserved_names(model, [column for column, _ in relation])


def _folds_without_time(draft: Draft, name: str, relations: Mapping[str, Relation]) -> bool:
    changes = draft.project.models.get(name + CHANGES)
    return bool(changes and changes.time and not _type_of(relations[changes.name], changes.time))


def _with_fold(draft: Draft, name: str, relations: Mapping[str, Relation]) -> tuple[Draft, list[Diagnostic]]:
    """Complete the query of a fold, now that the columns of what came are known."""
    model = draft.project.models.get(name)
    if model is None or model.chain is None or model.chain.role != "fold":
        return draft, []
    changes = draft.project.models[name + CHANGES]
    query, wrong = fold_query(model, relations[changes.name], changes.time)
    models = {**draft.project.models, name: replace(model, query=query)}
    draft.parses.pop(name, None)
    return replace(draft, project=replace(draft.project, models=models)), wrong


def _wrong_macros(draft: Draft, relations: Mapping[str, Relation]) -> Iterator[Diagnostic]:
    """Macros that no model uses must be right, too."""
    used = {statement for model in draft.project.models.values() for statement in draft.macros.used_by(model.query)}
    for statement in draft.macros.statements.values():
        if statement in used:
            continue
        read = {node: relations[node] for node in draft.names.values() if node in relations and node in statement}
        macros = draft.macros.used_by(statement)
        key = address("macro", FORM, *macros, str(read))
        if caching.read(draft.cache, key, bool):
            continue
        bound = draft.bind("SELECT 1", read, macros=macros)
        if isinstance(bound, BindError):
            yield mistakes.of_macro(draft.macros, bound)
        else:
            caching.write(draft.cache, key, value=True)


class _Binder:
    """Finds one node's columns; remembers the cache key and what was kept under it."""

    def __init__(self, draft: Draft, relations: Mapping[str, Relation]) -> None:
        self._draft = draft
        self._relations = relations
        self.key = ""
        self.known: Analysis | None = None

    def bind(self, name: str) -> tuple[Relation | None, list[Diagnostic]]:
        source = self._draft.project.sources.get(name)
        if source is not None:
            return declared(self._draft, source.columns, source.at)
        model = self._draft.project.models[name]
        if model.code is not None:
            return declared(self._draft, model.columns, model.at)
        wrong = list(_wrong_parameters(self._draft, model))
        if wrong:
            return None, wrong
        return self._query(model)

    def _query(self, model: Model) -> tuple[Relation | None, list[Diagnostic]]:
        inputs = as_read(self._draft, model, self._relations)
        self.key = analysis_key(self._draft, model, inputs)
        self.known = caching.read(self._draft.cache, self.key, Analysis)
        if self.known is not None:
            return self.known.columns, self._judged(model, self.known.columns, inputs)
        bound = _bound(self._draft, model, inputs)
        if isinstance(bound, BindError) and (wrong := _wrong_condition(model, bound)):
            return None, [wrong]
        if isinstance(bound, BindError):
            mentions = self._draft.mentions.get(model.name, Mentions())
            return None, [mistakes.of_binding(model, mentions, inputs, self._draft.macros, bound)]
        return bound, [*_same_name(model, bound), *self._judged(model, bound, inputs)]

    def _judged(self, model: Model, columns: Relation, inputs: Mapping[str, Relation]) -> list[Diagnostic]:
        return [*_declared_otherwise(self._draft, model, columns), *unnamed_columns(model, columns, inputs)]


def as_read(draft: Draft, model: Model, relations: Mapping[str, Relation]) -> dict[str, Relation]:
    """Give a model's inputs as it reads them: behind a policy that it names, columns may have other types."""
    rules = {name.casefold(): rule for name, rule in model.through.items()}
    found: dict[str, Relation] = {}
    for each in draft.inputs[model.name]:
        policy = draft.project.policies.get(rules.get(each.casefold(), ""))
        form = policy.as_ if policy else None
        found[each] = draft.behind(form, relations[each]) if form and form.transform else relations[each]
    return found


def _wrong_condition(model: Model, problem: BindError) -> Diagnostic | None:
    """The condition for deleted rows stands in queries of ours, where nobody could find it."""
    part = model.chain
    if part is None or not part.deleted:
        return None
    ours = model.query.find("FROM (") if part.role == "links" else len(model.query) if part.role == "fold" else 0
    if problem.offset is None or problem.offset >= ours:
        return None
    message = f"`deleted` cannot be computed: {problem.message.splitlines()[0]}"
    return error("HW0266", message, model.at.of("deleted"), hint="a condition over the columns of the query")


def analysis_key(draft: Draft, model: Model, inputs: Mapping[str, Relation]) -> str:
    """Everything that names, types and structure of a query depend on; not what its inputs are made of."""
    return address(
        "analysis",
        FORM,
        model.query,
        model.timezone,
        model.time or "",
        *draft.macros.used_by(model.query),
        *(f"{name}={literal(draft.variables[name])}" for name in variables_used(draft, model)),
        *(f"{name}{columns}" for name, columns in inputs.items()),
    )


def variables_used(draft: Draft, model: Model) -> list[str]:
    """Names of the variables that a model's text uses, sorted."""
    folded = {name.lower(): name for name in draft.variables}
    return sorted({folded[name] for name, _ in parameters(model.query) if name in folded})


def parameter_literals(draft: Draft, model: Model, time_type: str) -> dict[str, str]:
    """Literals that stand for the parameters of a query while it is bound."""
    values = {name.lower(): literal(value) for name, value in draft.variables.items()}
    values["now"] = literal(_SAMPLE)
    if is_cut(model):  # an incremental model that forgot its time is told so later, by `cut_time`
        values |= dict.fromkeys(BOUNDS, time_literal(_SAMPLE, time_type, "UTC"))
    return values


def _bound(draft: Draft, model: Model, inputs: Mapping[str, Relation]) -> Relation | BindError:
    """``$start`` has the type of the time column, which binding gives: take the first type that bears itself out."""
    first: Relation | BindError = BindError("other", "nothing was tried")
    for assumed in _likely_types(model, inputs):
        bound = draft.bind(
            model.query,
            inputs,
            macros=draft.macros.used_by(model.query),
            parameters=parameter_literals(draft, model, assumed),
            timezone=model.timezone,
        )
        if not model.time or (not isinstance(bound, BindError) and _type_of(bound, model.time) == assumed):
            return bound
        first = bound if isinstance(first, BindError) else first
    return first


def _likely_types(model: Model, inputs: Mapping[str, Relation]) -> Iterator[str]:
    if not model.time or not BOUNDS & {name for name, _ in parameters(model.query)}:
        yield TIME_TYPES[0]
        return
    types = [_type_of(columns, model.time) for columns in inputs.values()]
    yield from dict.fromkeys([each for each in types if each in TIME_TYPES] + list(TIME_TYPES))


def _type_of(columns: Relation, name: str) -> str:
    return next((type_ for column, type_ in columns if column.casefold() == name.casefold()), "")


def _wrong_parameters(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    known = {name.lower() for name in draft.variables}
    for name, offset in parameters(model.query):
        where, length = place(model, offset), len(name) + 1
        if name in known or name == "now" or (name in BOUNDS and is_cut(model)):
            continue
        if name in BOUNDS:
            message = f"`${name}` is known only where time is cut"
            hint = "give the model `kind: incremental`, `time:` and `every:`"
            yield error("HW0209", message, where, hint=hint, length=length)
        else:
            hint = (
                suggest(name, [*draft.variables, "now", *BOUNDS]) or "declare it under `variables:` in headwater.yaml"
            )
            yield error("HW0208", f"nobody defines the parameter `${name}`", where, hint=hint, length=length)


def is_cut(model: Model) -> bool:
    """Whether a model means to be cut by time."""
    return model.kind == "incremental" or (model.kind in {"view", "inline"} and model.time is not None)


def _same_name(model: Model, columns: Relation) -> Iterator[Diagnostic]:
    for name in _repeated(columns):
        hint = "give one of them another name with AS"
        yield error("HW0218", f"two output columns are called `{name}`", place(model, 0), hint=hint)


def _repeated(columns: Relation) -> list[str]:
    """Names that SQL, which does not tell case apart, has seen before."""
    folded = [name.casefold() for name, _ in columns]
    return [name for at, (name, _) in enumerate(columns) if folded[at] in folded[:at]]


def declared_types(draft: Draft, name: str) -> dict[str, str]:
    """Give what a node says of its columns' types, in the engine's words; empty where it says nothing."""
    node = draft.project.sources.get(name) or draft.project.models[name]
    typed = {column: said for column, said in node.columns.items() if said.type}
    relation = declared(draft, typed, node.at)[0] if typed else ()
    return dict.fromkeys(node.columns, "") | dict(relation or ())


def _declared_otherwise(draft: Draft, model: Model, columns: Relation) -> Iterator[Diagnostic]:
    """What is said of columns must be true of them (types: unless a check of the schema judges them)."""
    if not model.columns:
        return
    actual = {name.casefold(): type_ for name, type_ in columns}
    typed = {name: said for name, said in model.columns.items() if said.type}
    yield from declared(draft, typed, model.at)[1] if typed else ()
    judged = any(isinstance(check, Schema) for check in model.checks)
    for name, type_ in declared_types(draft, model.name).items():
        where = model.at.of(f"columns.{name}")
        if name.casefold() not in actual:
            if not judged:
                hint = suggest(name, [column for column, _ in columns])
                yield error("HW0224", f"`{model.name}` has no column `{name}`", where, hint=hint)
        elif type_ and type_ != actual[name.casefold()] and not judged:
            message = f"`{name}` is declared as {type_}, but the query gives {actual[name.casefold()]}"
            yield error("HW0224", message, where, hint=f"cast it: CAST(… AS {type_})")


def declared(draft: Draft, columns: Mapping[str, Column], at: Origin) -> tuple[Relation | None, list[Diagnostic]]:
    """Give declared columns with the engine's names for their types."""
    types = tuple((name, column.type or "") for name, column in columns.items())
    key = address("types", FORM, *(part for pair in types for part in pair))
    known = caching.read(draft.cache, key, Relation)
    if known is not None:
        return known, []
    bound, found = _normalised(draft, types, at)
    found += [
        error(
            "HW0218", f"two columns are called `{name}`", at.of(f"columns.{name}"), hint="SQL does not tell case apart"
        )
        for name in _repeated(types)
    ]
    if bound is not None and not found:
        caching.write(draft.cache, key, bound)
    return bound, found


def _normalised(draft: Draft, types: Relation, at: Origin) -> tuple[Relation | None, list[Diagnostic]]:
    select = ", ".join(f"CAST(NULL AS {type_}) AS {quote_identifier(name)}" for name, type_ in types)
    bound = draft.bind(f"SELECT {select}", {})
    if not isinstance(bound, BindError) and tuple(name for name, _ in bound) == tuple(name for name, _ in types):
        return bound, []
    one_by_one = {name: draft.bind(f"SELECT CAST(NULL AS {type_}) AS c", {}) for name, type_ in types}
    found = [
        error(
            "HW0220",
            f"`{dict(types)[name]}` is no type" if dict(types)[name] else f"the column `{name}` needs a `type`",
            at.of(f"columns.{name}.type"),
            hint="types are DuckDB's: text, bigint, double, boolean, date, timestamptz, decimal(12,2), …",
        )
        for name, one in one_by_one.items()
        if isinstance(one, BindError) or len(one) != 1
    ]
    if not found:
        found.append(error("HW0220", "the declared columns have no valid types", at.of("columns")))
    return None, found
