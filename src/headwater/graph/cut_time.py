"""How nodes are cut by time: column, type, slot length, where time begins and ends; and who reads whom by slots."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.drafts import Draft, Named, place
from headwater.graph.infer_columns import TIME_TYPES, is_cut
from headwater.graph.values import TimeCut
from headwater.spec.nodes import Model, Source
from headwater.spec.origin import Origin
from headwater.sql.binding import Relation


def cut_time(draft: Draft) -> Draft:
    """Find the time cut of every node, and every setting about time or kind that cannot be."""
    times: dict[str, TimeCut] = {}
    volatile: dict[str, bool] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name in draft.order:
        if name in draft.failed or name not in draft.relations:
            continue
        source = draft.project.sources.get(name)
        if source is not None:
            cut, found[name] = _source_cut(source, draft.relations[name])
        else:
            cut, found[name] = _model_cut(draft, draft.project.models[name], times)
            volatile[name] = is_volatile(draft, name, volatile)
            found[name] += _wrong_kind(draft, draft.project.models[name], volatile)
            found[name] += _other_zones(draft, draft.project.models[name])
        if cut is not None:
            times[name] = cut
    return draft.noting(found, times=times)


def is_volatile(draft: Draft, name: str, known: Mapping[str, bool]) -> bool:
    """Whether a model gives something else at another time; what it reads through views and inline models counts."""
    mentions = draft.mentions.get(name)
    through = (each for each in draft.inputs.get(name, ()) if known.get(each))
    folded = any(draft.project.models[each].kind in {"view", "inline"} for each in through)
    return folded or bool(mentions and mentions.volatile)


def _source_cut(source: Source, columns: Relation) -> tuple[TimeCut | None, list[Diagnostic]]:
    if source.time is None:
        return None, []
    column, found = _time_column(source.time, columns, source.at)
    if column is None:
        return None, found
    cut = TimeCut(
        column=column[0], type=column[1], timezone=source.timezone, start=source.start, end=source.end, every=""
    )
    return cut, []


def _model_cut(draft: Draft, model: Model, times: Mapping[str, TimeCut]) -> tuple[TimeCut | None, list[Diagnostic]]:
    found = list(_missing(model)) + list(_no_inputs(draft, model, times))
    if not is_cut(model) or model.time is None:
        return None, found
    column, wrong = _time_column(model.time, draft.relations[model.name], model.at)
    if column is None:
        return None, [*found, *wrong]
    inputs = [times[each] for each in draft.inputs[model.name] if each in times]
    cut = TimeCut(
        column=column[0],
        type=column[1],
        timezone=model.timezone,
        every=str(model.every or ""),
        start=model.start or min((each.start for each in inputs if each.start), default=None),
        end=model.end or _latest(each.end for each in inputs),
        complete=model.complete,
    )
    return cut, [*found, *_wrong_cut(draft, model, cut)]


def _latest(ends: Iterable[datetime | None]) -> datetime | None:
    known = list(ends)
    return max((each for each in known if each), default=None) if all(known) else None


def _time_column(name: str, columns: Relation, at: Origin) -> tuple[tuple[str, str] | None, list[Diagnostic]]:
    where = at.of("time")
    found = next((each for each in columns if each[0].casefold() == name.casefold()), None)
    if found is None:
        hint = suggest(name, [column for column, _ in columns])
        return None, [error("HW0222", f"the time column `{name}` is not among the columns", where, hint=hint)]
    if found[1] not in TIME_TYPES:
        hint = "cast it to DATE, TIMESTAMP or TIMESTAMPTZ"
        return None, [error("HW0222", f"`{name}` is of type {found[1]}, which cannot cut time", where, hint=hint)]
    return found, []


def _missing(model: Model) -> Iterator[Diagnostic]:
    if model.kind != "incremental":
        return
    kind = f"{model.chain.kind} model by time" if model.chain else "incremental model"
    for key, value, example in (("time", model.time, "time: flight_date"), ("every", model.every, "every: 1d")):
        if value is None:
            message = f"an {kind} needs `{key}`" if kind[0] in "ai" else f"a {kind} needs `{key}`"
            yield error("HW0221", message, model.at.of("kind"), hint=f"such as `{example}`")


def _wrong_cut(draft: Draft, model: Model, cut: TimeCut) -> Iterator[Diagnostic]:
    if model.every is not None and cut.type == "DATE" and not model.every.is_calendar:
        message = f"`{cut.column}` is a DATE: it cannot tell slots of {model.every} apart"
        yield error("HW0223", message, model.at.of("every"), hint="make the slot a day or longer, or cut a timestamp")
    if model.kind == "incremental" and cut.start is None:
        message = f"nobody says where the time of `{model.name}` begins"
        yield error("HW0225", message, model.at.of("time"), hint=_where_it_could_begin(draft, model))


def _where_it_could_begin(draft: Draft, model: Model) -> str:
    """A view or inline model passes the time of what it reads on only if it says which column has it."""
    models = draft.project.models
    folded = [each for each in draft.inputs[model.name] if each in models and not is_cut(models[each])]
    through = [each for each in folded if models[each].kind in {"view", "inline"}]
    if through:
        return f"give `start:` to the model; or `time:` to `{through[0]}`, if it passes the time of its inputs on"
    return "give `start:` to the model, or to a source it reads"


def _no_inputs(draft: Draft, model: Model, times: Mapping[str, TimeCut]) -> Iterator[Diagnostic]:
    """``reads`` and ``restate_on`` name inputs."""
    inputs = draft.inputs[model.name]
    for key, names in (("reads", tuple(model.reads)), ("restate_on", model.restate_on)):
        for at, name in enumerate(names):
            where = model.at.of(f"{key}.{name}" if key == "reads" else f"{key}.{at}")
            if name not in inputs:
                message = f"`{name}` is not among what `{model.name}` reads"
                yield error("HW0226", message, where, hint=suggest(name, inputs))
            elif key == "reads" and model.reads[name].rows is not None:
                continue  # see `read_once`
            elif key == "reads" and not (is_cut(model) and name in times):
                message = f"`{name}` is not read by slots"
                yield error(
                    "HW0226", message, where, hint="`reads` is for inputs that are cut by time, as the model is"
                )


def _wrong_kind(draft: Draft, model: Model, volatile: Mapping[str, bool]) -> Iterator[Diagnostic]:
    mentions = draft.mentions.get(model.name)
    for each in mentions.clocks if mentions else ():
        yield error(
            "HW0211",
            f"`{each.name}` reads the engine's clock, not the run's time",
            place(model, each.offset),
            hint="age($now, x) and $now - INTERVAL … do the same with the run's time",
            length=len(each.name),
        )
    if model.kind == "incremental" and volatile[model.name] and "volatile" not in model.allow:
        yield _refused_volatile(model, mentions.volatile if mentions else ())
    if model.code is not None and model.kind in {"view", "inline"}:
        message = f"a Python model cannot be of kind `{model.kind}`"
        yield error("HW0232", message, model.at.of("kind"), hint="its kind is full or incremental")
    if model.kind == "view" and (source := _source_below(draft, model.name)):
        message = f"the view `{model.name}` stands on the source `{source}`, which is read in place"
        hint = "make it `inline` (it is then part of the models that use it) or `full`"
        yield error("HW0227", message, model.at.of("kind"), hint=hint)
    if model.kind == "inline" and model.checks:
        message = f"the inline model `{model.name}` keeps no rows that could be checked"
        yield error("HW0228", message, model.checks[0].at.where, hint="check the models that use it")


def _other_zones(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    """A view is computed where it is read: in another time zone its days and hours would be others."""
    for name in draft.inputs[model.name]:
        view = draft.project.models.get(name)
        if view is not None and view.kind in {"view", "inline"} and view.timezone != model.timezone:
            message = f"`{model.name}` is computed in {model.timezone}, but reads `{name}`, which is in {view.timezone}"
            hint = f"give both the same `timezone:`, or make `{name}` a table (`kind: full`)"
            yield error("HW0233", message, model.at.of("timezone"), hint=hint)


def _refused_volatile(model: Model, mentions: tuple[Named, ...]) -> Diagnostic:
    hint = "`allow: volatile` permits it: a slot then keeps what it got when it was filled"
    if not mentions:
        return error("HW0210", f"`{model.name}` reads something volatile", model.at.of("kind"), hint=hint)
    name = mentions[0].name
    message = f"`{name}` gives something else each time, and slots are filled once"
    return error("HW0210", message, place(model, mentions[0].offset), hint=hint, length=len(name))


def _source_below(draft: Draft, name: str) -> str:
    """A source that a view stands on, directly or through inline models."""
    for each in draft.inputs[name]:
        if each in draft.project.sources:
            return each
        if draft.project.models[each].kind == "inline" and (found := _source_below(draft, each)):
            return found
    return ""
