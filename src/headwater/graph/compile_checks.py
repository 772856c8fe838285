"""Assertions → SQL: every check of every node, with its columns known, its SQL bound and its scope decided."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.graph import caching
from headwater.graph.check_queries import write
from headwater.graph.drafts import Draft
from headwater.graph.infer_columns import TIME_TYPES, declared_types
from headwater.graph.mistakes import of_macro
from headwater.graph.values import Check
from headwater.graph.written_checks import Subject, Written, WrongCheck
from headwater.spec import checks as spec
from headwater.spec.addresses import address
from headwater.spec.nodes import Model
from headwater.spec.origin import Origin
from headwater.sql.binding import BindError
from headwater.sql.canonical import FORM
from headwater.sql.text import canonical_tokens, literal, parameters

_NUMBERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UBIGINT",
    "UINTEGER",
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
)
ROW_KINDS: Final = (spec.NotNull, spec.AcceptedValues, spec.AcceptedRange, spec.Matches, spec.Expression)
"""Checks on one row only: those that can set rows aside."""


def compile_checks(draft: Draft) -> Draft:
    """Compile the checks of all nodes that have columns."""
    checks: dict[str, tuple[Check, ...]] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name in draft.order:
        wanted = _wanted(draft, name)
        if not wanted or name in draft.failed or name not in draft.relations:
            continue
        compiler = _Compiler(draft, _subject(draft, name))
        compiled = (each for check in wanted for each in compiler.compile(check))
        checks[name] = tuple({each.address: each for each in compiled}.values())
        found[name] = compiler.found
    return draft.noting(found, checks=checks)


def _wanted(draft: Draft, name: str) -> tuple[spec.AnyCheck, ...]:
    source = draft.project.sources.get(name)
    if source is not None:
        return source.checks
    model = draft.project.models[name]
    return () if model.kind == "inline" else model.checks + tuple(_of_grain(model))


def _of_grain(model: Model) -> Iterator[spec.AnyCheck]:
    """``grain`` says: these columns identify a row, and each has a value."""
    if model.grain:
        at = Origin(model.at.of("grain"))
        yield spec.Unique(columns=model.grain, at=at)
        yield spec.NotNull(columns=model.grain, at=at)


def _subject(draft: Draft, name: str) -> Subject:
    node = draft.project.sources.get(name) or draft.project.models[name]
    time = draft.times.get(name)
    return Subject(
        name=name,
        kind=draft.project.models[name].kind if name in draft.project.models else "source",
        columns=draft.relations[name],
        time=time.column if time else "",
        declared=declared_types(draft, name),
        timezone=node.timezone,
    )


class _Compiler:
    """Compiles the checks of one node; what is wrong gathers in ``found``."""

    def __init__(self, draft: Draft, subject: Subject) -> None:
        self._draft = draft
        self._subject = subject
        self.found: list[Diagnostic] = []

    def compile(self, check: spec.AnyCheck) -> Iterator[Check]:
        before = len(self.found)
        self.found += self._wrong_columns(check)
        self.found += self._wrong_on_fail(check)
        self.found += self._wrong_values(check)
        if len(self.found) > before:
            return
        try:
            written = list(write(check, self._subject, self._draft))
        except WrongCheck as wrong:
            self.found.append(wrong.diagnostic)
            return
        for each in written:
            problem = self._bound(each)
            if problem is not None:
                self.found.append(self._refused(check, each, problem))
                return
            yield self._check(check, each)

    def _check(self, check: spec.AnyCheck, written: Written) -> Check:
        where = check.at.where
        values = self._values(written.failing)
        return Check(
            address=address(
                "check",
                FORM,
                written.kind,
                written.scope,
                self._subject.timezone,
                written.text,
                *values,
                *_judged(written),
            ),
            kind=written.kind,
            name=written.name,
            scope=written.scope,
            failing=written.failing,
            on_fail=check.on_fail,
            reads=written.reads,
            unique=written.unique,
            examples=written.examples,
            drift=replace(written.drift, metric=address("measure", FORM, self._subject.timezone, written.text, *values))
            if written.drift
            else None,
            file=where.file,
            line=where.line,
            column=where.column,
        )

    def _values(self, failing: str) -> list[str]:
        """What else the check's result depends on: variables and macros that it uses."""
        macros = map(canonical_tokens, self._draft.macros.used_by(failing))
        used = {name for name, _ in parameters(failing)}
        variables = self._draft.variables.items()
        return [*macros, *(f"{name}={literal(value)}" for name, value in sorted(variables) if name.lower() in used)]

    def _wrong_columns(self, check: spec.AnyCheck) -> Iterator[Diagnostic]:
        known = [name for name, _ in self._subject.columns]
        folded = {name.casefold() for name in known}
        for name, where in _columns(check):
            if name.casefold() not in folded:
                message = f"`{self._subject.name}` has no column `{name}`"
                yield error("HW0240", message, where, hint=suggest(name, known), length=len(name))

    def _wrong_on_fail(self, check: spec.AnyCheck) -> Iterator[Diagnostic]:
        if check.on_fail != "quarantine":
            return
        if not isinstance(check, ROW_KINDS):
            message = "only a check on one row can set rows aside"
            hint = (
                "on_fail: block or warn; not_null, accepted_values, accepted_range, matches, expression can quarantine"
            )
            yield error("HW0241", message, check.at.of("on_fail"), hint=hint)
        elif self._subject.kind == "view":
            message = f"the view `{self._subject.name}` keeps no rows that could be set aside"
            yield error("HW0241", message, check.at.of("on_fail"), hint="set them aside where the rows are made")
        elif self._subject.kind == "source":
            message = f"a check of the source `{self._subject.name}` judges whole files and sets no rows aside"
            hint = "put it on the model that reads them; the contract (`type`, `required: true`) sets rows aside here"
            yield error("HW0241", message, check.at.of("on_fail"), hint=hint)

    def _wrong_values(self, check: spec.AnyCheck) -> Iterator[Diagnostic]:
        """Words for values of a time or number column: the engine would only stumble over them among rows."""
        values = check.values if isinstance(check, spec.AcceptedValues) else ()
        if isinstance(check, spec.AcceptedRange):
            values = tuple(each for each in (check.min, check.max) if each is not None)
        column = check.column if isinstance(check, spec.AcceptedValues | spec.AcceptedRange) else ""
        type_ = next((type_ for name, type_ in self._subject.columns if name.casefold() == column.casefold()), "")
        for value in values:
            if isinstance(value, str) and not _reads_as(value, type_):
                message = f"`{value}` is no value of `{column}`, which is {type_}"
                yield error("HW0242", message, check.at.where)

    def _bound(self, written: Written) -> BindError | None:
        """Let the engine judge the SQL; what it once accepted is remembered."""
        draft = self._draft
        relations = {"this": self._subject.columns} | {name: draft.relations[name] for name in written.reads}
        key = address(
            "check", FORM, written.probe, str(relations), self._subject.timezone, *self._values(written.probe)
        )
        if caching.read(draft.cache, key, bool):
            return None
        values = {name.lower(): literal(value) for name, value in draft.variables.items()}
        bound = draft.bind(
            written.probe,
            relations,
            macros=draft.macros.used_by(written.probe),
            parameters=values | {"now": "CAST('2000-01-01 00:00:00+00' AS TIMESTAMPTZ)"},
            timezone=self._subject.timezone,
        )
        if isinstance(bound, BindError):
            return bound
        caching.write(draft.cache, key, value=True)
        return None

    def _refused(self, check: spec.AnyCheck, written: Written, problem: BindError) -> Diagnostic:
        if problem.kind == "macro":
            return of_macro(self._draft.macros, problem)
        where = _place(self._draft, check, written, problem)
        columns = [name for name, _ in self._subject.columns]
        missing = problem.kind == "missing column"
        message = problem.message.splitlines()[0]
        if missing:
            message = f"`{self._subject.name}` has no column `{problem.name}`"
        code = "HW0240" if missing else "HW0242"
        return error(code, message, where, hint=suggest(problem.name, columns) if missing else "")


def _columns(check: spec.AnyCheck) -> Iterable[tuple[str, Where]]:
    match check:
        case spec.NotNull() | spec.Unique():
            return [(name, check.at.of(f"columns.{at}")) for at, name in enumerate(check.columns)]
        case spec.AcceptedValues() | spec.AcceptedRange() | spec.Matches() | spec.Freshness() | spec.References():
            return [(check.column, check.at.of("column"))]
        case spec.Drift():
            column = check.metric.strip().partition(".")[2]
            return [(column, check.at.of("metric"))] if column else []
        case spec.RowCount() | spec.Expression() | spec.Query() | spec.Schema():
            return []


def _judged(written: Written) -> list[str]:
    """What makes one drift check another: not only what is measured, but how it is judged."""
    rule = written.drift
    return [str((rule.unit, rule.within, rule.over, rule.season))] if rule else []


def _place(draft: Draft, check: spec.AnyCheck, written: Written, problem: BindError) -> Where:
    """The very character in the user's SQL, where it is written on one line of the file."""
    sql, key = written.user_sql
    where = check.at.of(key) if key else check.at.where
    if problem.offset is None or not sql:
        return where
    lines = draft.project.files.get(where.file, "").splitlines()
    line = lines[where.line - 1] if 0 < where.line <= len(lines) else ""
    begins = line.find(sql, max(where.column - 1, 0))
    offset = problem.offset - written.probe.find(sql)
    if begins < 0 or not 0 <= offset <= len(sql):
        return where
    return replace(where, column=begins + offset + 1)


def _reads_as(text: str, type_: str) -> bool:
    """Whether a text is a value of a type, as far as that is easy to say."""
    try:
        if type_ in TIME_TYPES:
            datetime.fromisoformat(text)
        elif type_.startswith(_NUMBERS):
            Decimal(text)
    except (ValueError, ArithmeticError):
        return False
    return True
