"""Writes what the functions of ``hw`` take, as types that editors complete and type checkers know, from the shapes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from headwater.app.registry import registry
from headwater.project.python.literals import CHECK_CALLS, LISTED, POSITIONS
from headwater.project.shapes import CHECKS, Key, keys_of
from headwater.spec.checks import KINDS, Check
from headwater.spec.nodes import Model, Sink, Source
from headwater.spec.project import Pipeline
from headwater.spec.units import Bytes, Every, Seconds

SETTINGS_FILE: Final = Path("src/headwater/spec/settings.py")
_WIDTH: Final = 120
_WORDS: Final[dict[Any, str]] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    Any: "Any",
    object: "Any",
    type(None): "None",
    Seconds: "str | timedelta",
    Bytes: "str | int",
    Every: "str | timedelta",
    datetime: "str | date",
}
_HEAD: Final = '''"""What the functions that make nodes take: made by `make docs`, do not edit."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, Required, TypedDict

from headwater.spec.checks import Check
'''
_NAME: Final = ("name", "str", "its name; by default that of the function")


def settings_module() -> str:
    """Give the text of ``headwater.spec.settings``."""
    known = registry()
    pipeline = _class("PipelineSettings", "What ``hw.pipeline`` takes.", _own(Pipeline), needs={"name"})
    sql = [("sql", "str", "its query, one SELECT")]
    inputs = [("inputs", "Mapping[str, str]", "the node of each argument that is not called as its node is")]
    pieces = [
        _HEAD,
        _class("ModelKeys", "What every model takes.", _own(Model), name=False),
        _class("ModelSettings", "What ``hw.model`` takes.", inputs, parent="ModelKeys"),
        _class("SqlModelSettings", "What ``hw.sql_model`` takes.", sql, needs={"name", "sql"}, parent="ModelKeys"),
        _class(
            "SourceSettings", "What ``hw.source`` takes, with all connectors' settings.", _all(Source, known.sources)
        ),
        _class("SinkSettings", "What ``hw.sink`` takes, with all connectors' settings.", _all(Sink, known.sinks)),
        pipeline,
        *_checks(),
    ]
    return "\n\n".join(pieces)


_Row = tuple[str, str, str]


def _checks() -> Iterator[str]:
    """What a check takes by name is what it does not take by place; most take what all checks share."""
    shared = _own(Check)
    yield _class("CheckSettings", "What every check takes by name.", shared, name=False)
    for kind in sorted(CHECK_CALLS):
        shape = KINDS[kind]
        by_place = {*(("columns",) if kind in LISTED else POSITIONS.get(kind, ())), *(row[0] for row in shared)}
        if rows := [row for row in _own(shape) if row[0] not in by_place]:
            text = f"What ``hw.{kind}`` takes by name."
            yield _class(f"{shape.__name__}Settings", text, rows, name=False, parent="CheckSettings")


def _class(
    title: str,
    text: str,
    rows: Iterable[_Row],
    needs: Iterable[str] = (),
    *,
    name: bool = True,
    parent: str = "TypedDict",
) -> str:
    lines = [f"class {title}({parent}, total=False):", f'    """{text}"""', ""]
    for key, kind, said in [*([_NAME] if name else []), *rows]:
        wanted = f"Required[{kind}]" if key in set(needs) else kind
        lines += [*_field(key, wanted), *_docstring(f"{said[:1].upper()}{said[1:].rstrip('.')}.")]
    return "\n".join(lines) + "\n"


def _docstring(said: str) -> Iterator[str]:
    text = f'    """{said}"""'
    if len(text) <= _WIDTH:
        yield text
        return
    first, *rest = wrap(f'"""{said}', _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    yield from (f"    {line}" for line in (first, *rest))
    yield '    """'


def _field(key: str, kind: str) -> Iterator[str]:
    line = f"    {key}: {kind}"
    if len(line) <= _WIDTH:
        yield line
        return
    opening, _, rest = kind.partition("[")
    yield f"    {key}: {opening}["
    yield f"        {rest.removesuffix(']')}"
    yield "    ]"


def _own(shape: Any) -> list[_Row]:
    return [_row(key) for key in keys_of(shape).values()]


def _all(shape: Any, components: Mapping[str, Any]) -> list[_Row]:
    """Give the keys of a shape and of every connector; one that several have is any of their types."""
    rows = {row[0]: row for row in _own(shape)}
    for component in components.values():
        for key in keys_of(component.fields).values():
            name, kind, said = _row(key)
            before = rows.get(name)
            if before is None:
                rows[name] = (name, kind, said)
            elif name not in keys_of(shape):
                both = " | ".join(dict.fromkeys([*before[1].split(" | "), *kind.split(" | ")]))
                rows[name] = (name, both if "[" not in both else before[1], before[2])
    return list(rows.values())


def _row(key: Key) -> _Row:
    name = f"{key.name}_" if key.name in {"from", "in"} else key.name
    text = " ".join((key.doc.text if key.doc else "").split()).replace("\\", "\\\\")
    return name, _type(key.type), text


def _type(kind: Any) -> str:
    """Give the type of the argument for the type of a field: what a reader turns into it."""
    if kind == CHECKS:
        return "Sequence[Check | Mapping[str, Any]]"
    if kind in _WORDS:
        return _WORDS[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"Literal[{', '.join(map(_quoted, parts))}]"
    return _compound(origin, parts)


def _compound(origin: Any, parts: tuple[Any, ...]) -> str:
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(word for part in parts for word in [_type(part)]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        below = _type(parts[1])
        return f"Mapping[str, {below}]"
    if origin in (tuple, list):
        below = _type(parts[0])
        return f"{below} | Sequence[{below}]" if not below.startswith("Mapping") else f"Sequence[{below}]"
    return "str | Mapping[str, Any]"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
