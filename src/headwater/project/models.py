"""Models put together from SQL files, Python functions and the ``models:`` maps of YAML files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.project.names import shown
from headwater.project.places import Places, mark_of
from headwater.project.python.files import RUN
from headwater.project.reading import Reading
from headwater.project.sections import Declared
from headwater.project.shapes import keys_of, read_values, reader_of
from headwater.project.sql_files import SqlFile, one_statement
from headwater.project.yaml_nodes import Node
from headwater.spec.checks import NotNull, Unique
from headwater.spec.nodes import Model, PythonCode
from headwater.spec.origin import Origin

_TEXT: Final = {"sql": reader_of(str)}
_PYTHON: Final = {"name": reader_of(str), "inputs": reader_of(dict[str, str])}


@dataclass(slots=True)
class Piece:
    """What one place says of a model: its settings by field, and the query if it stands there."""

    name: str
    where: Where
    values: dict[str, Any]
    places: Places = field(default_factory=Places)
    query: tuple[str, int, int] | None = None
    is_exact: bool = True
    """Whether the query stands in its file letter by letter."""
    code: PythonCode | None = None
    keys: dict[str, Where] = field(default_factory=dict)
    """Field → where its key stands, to tell who says the same thing twice."""

    @property
    def is_whole(self) -> bool:
        """Whether the model's query or code stands here, not only settings."""
        return self.query is not None or self.code is not None


def sql_piece(name: str, file: SqlFile, reading: Reading) -> Piece:
    """Read what a SQL model file says."""
    values: dict[str, Any] = {}
    places, keys = Places(), {}
    if file.header is not None:
        values = read_values(Model, file.header, reading)
        places = _places(file.header, reading)
        keys = _key_places(file.header, values, reading) if "grain" in values else {}
    query = (file.query, file.query_line, file.query_column)
    return Piece(name, Where(file.path, 1, 1), values, places, query=query, keys=keys)


def python_piece(code: PythonCode, settings: Node, where: Where, reading: Reading) -> Piece:
    """Read what a Python function's decorator says; the piece has no name if it says none."""
    values = read_values(Model, settings, reading, others=_PYTHON)
    inputs = values.pop("inputs", {})
    for argument in inputs:
        if argument not in code.inputs:
            hint = suggest(argument, code.inputs) or f"its arguments: {', '.join(code.arguments) or 'none'}"
            message = f"`{code.function}` has no argument `{shown(argument)}`" + (" for an input" * (argument == RUN))
            node = next(v for k, v in settings.value if k.value == "inputs")
            reading.wrong("HW0804", node, message, hint)
    known = {argument: inputs.get(argument, node) for argument, node in code.inputs.items()}
    name = values.pop("name", "")
    places, keys = _places(settings, reading), _key_places(settings, values, reading)
    return Piece(name, where, values, places, keys=keys, code=replace(code, inputs=known))


def query_piece(
    name: str, where: Where, settings: Node, query: tuple[str, int, int], reading: Reading, *, is_exact: bool
) -> Piece:
    """Read what a Python call says of a SQL model."""
    values = read_values(Model, settings, reading)
    places, keys = _places(settings, reading), _key_places(settings, values, reading)
    return Piece(name, where, values, places, query=query, is_exact=is_exact, keys=keys)


def yaml_piece(declared: Declared) -> Piece:
    """Read an entry of a ``models:`` map: settings, and ``sql:`` if the query stands there."""
    node, reading = declared.node, declared.reading
    reading.key = declared.name
    values = read_values(Model, node, reading, others=_TEXT)
    pairs = node.value if node.id == "mapping" else []
    keys = {key.value: (key, value) for key, value in pairs if key.id == "scalar"}
    query = None
    if "sql" in values:
        query = _inline(values.pop("sql"), keys["sql"][1], reading)
    places, key_places = _places(node, reading), _key_places(node, values, reading)
    return Piece(declared.name, declared.where, values, places, query=query, keys=key_places)


def _places(node: Node, reading: Reading) -> Places:
    return Places((reading.written, "", mark_of(node)))


def _key_places(node: Node, values: Mapping[str, Any], reading: Reading) -> dict[str, Where]:
    """Give the places of the keys of fields that were read."""
    pairs = node.value if node.id == "mapping" else []
    keys = {key.value: key for key, _ in pairs if key.id == "scalar"}
    return {
        key.field: reading.where(keys[key.name])
        for key in keys_of(Model).values()
        if key.field in values and key.name in keys
    }


def _inline(sql: str, node: Node, reading: Reading) -> tuple[str, int, int]:
    """Give a query in YAML with the place of its first character, and later lines pushed to their true columns."""
    where = reading.where(node)
    line, column = where.line, where.column + (1 if node.style in {'"', "'"} else 0)
    if node.style == "|":
        lines = reading.written.text.split("\n")
        line = next((n for n in range(line, len(lines)) if lines[n].strip()), line) + 1
        first = lines[line - 1] if line <= len(lines) else ""
        indent = len(first) - len(first.lstrip(" "))
        column = indent + 1
        body = sql.lstrip("\n")
        sql = body if _has_long_literal(body) else body.replace("\n", "\n" + " " * indent)
    query, found = one_statement(sql.strip(), reading.written.file, line, column)
    reading.found += found
    return query, line, column


def _has_long_literal(sql: str) -> bool:
    """Whether indentation could change a value: a quoted piece may run over a line's end."""
    return any(line.count("'") % 2 or line.count('"') % 2 or line.count("$") > 1 for line in sql.split("\n"))


def put_together(pieces: Iterable[Piece], defaults: Mapping[str, Any]) -> tuple[dict[str, Model], list[Diagnostic]]:
    """Make one model of all pieces of the same name (names that differ only in case are the same).

    ``defaults`` are the fields that a model takes where it says nothing.
    """
    groups: dict[str, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(piece.name.casefold(), []).append(piece)
    models: dict[str, Model] = {}
    found: list[Diagnostic] = []
    for group in groups.values():
        whole = [piece for piece in group if piece.is_whole]
        found += _conflicts(group, whole)
        if whole:
            model = _model(whole[0], group, defaults)
            models[model.name] = model
            found += _python_problems(model)
    return models, found


def _conflicts(group: list[Piece], whole: list[Piece]) -> Iterator[Diagnostic]:
    if not whole:
        name = group[0].name
        hint = f"write models/{name.replace('.', '/')}.sql, or `sql:` here"
        yield error("HW0122", f"the model `{shown(name)}` has settings but no query", group[0].where, hint=hint)
        return
    for piece in whole[1:]:
        message = f"`{shown(piece.name)}` is declared twice; first at {whole[0].where}"
        yield error("HW0115", message, piece.where, hint="a node has one name and one place")
    first = whole[0]
    for piece in group:
        if piece is first or piece.is_whole:
            continue
        for name in piece.values.keys() & first.values.keys():
            where = piece.keys.get(name, piece.where)
            message = f"`{name}` of `{shown(piece.name)}` is also said at {first.where}"
            yield error("HW0121", message, where, hint="say it in one of the two places")


def _model(first: Piece, group: list[Piece], defaults: Mapping[str, Any]) -> Model:
    others = [piece for piece in group if piece is not first]
    values = dict(defaults)
    for piece in (*others, first):
        values |= piece.values
    at = Origin(first.where, Places(*(part for piece in (first, *others) for part in piece.places.parts)))
    if values.get("grain"):
        grain = next((piece.keys["grain"] for piece in group if "grain" in piece.keys), first.where)
        values["checks"] = (*values.get("checks", ()), *_grain_checks(values, Origin(grain)))
    query, line, column = first.query or ("", 1, 1)
    values |= {"query_line": line, "query_column": column, "query_is_exact": first.is_exact}
    return Model(name=first.name, query=query, code=first.code, at=at, **values)


def _grain_checks(values: dict[str, Any], at: Origin) -> Iterator[NotNull | Unique]:
    """``grain`` implies unique together and not_null each, unless the user says so in the same words."""
    for check in (Unique(columns=values["grain"], at=at), NotNull(columns=values["grain"], at=at)):
        if check not in values.get("checks", ()):
            yield check


def _python_problems(model: Model) -> Iterator[Diagnostic]:
    if model.code is None:
        return
    if not model.columns:
        hint = 'such as columns={"carrier": "text", "score": "double"}'
        yield error("HW0803", f"the Python model `{shown(model.name)}` declares no columns", model.at.where, hint=hint)
    for name, column in model.columns.items():
        if column.type is None:
            message = f"the column `{shown(name)}` of a Python model needs a type"
            yield error("HW0803", message, model.at.of(f"columns.{name}"))
