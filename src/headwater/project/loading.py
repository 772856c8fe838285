"""A directory → the project its files declare, and every mistake in them: one pass."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.assembling import Parts, assemble, bad_name
from headwater.project.checks_reading import read_checks
from headwater.project.connector_settings import Connectors
from headwater.project.files import Files, walk
from headwater.project.macros import read_macros
from headwater.project.models import Piece, sql_piece
from headwater.project.names import node_problem, normal
from headwater.project.places import Written
from headwater.project.python.loading import PythonFiles
from headwater.project.python.running import RunFiles
from headwater.project.python_nodes import declared, model_piece
from headwater.project.reading import Reading
from headwater.project.sections import PROJECT_FILE, Declared, ProjectKeys, foreign, read_project_keys, sections_of
from headwater.project.shapes import keys_of
from headwater.project.sql_files import read_sql_file
from headwater.project.yaml_nodes import compose
from headwater.spec.project import Audit, Catalog, Compact, Macro, Project

_LAKE: Final = ".headwater/lake"
_LOAD_TIMEOUT_S: Final = 30.0
_MODEL_PARTS: Final = 3
"""``models/clean/flights.sql``: at most one folder below models/."""


@dataclass(slots=True)
class _Load:
    """What grows while files are read."""

    files: Files
    connectors: Connectors
    python: PythonFiles
    found: list[Diagnostic] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    keys: ProjectKeys | None = None
    pieces: list[Piece] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)

    def reading(self, written: Written) -> Reading:
        return Reading(written, self.found, read_checks=read_checks)


def load(
    root: Path,
    *,
    registry_fields: Callable[[str, str], type | None],
    connector_names: Callable[[str], Iterable[str]] = lambda role: (),  # noqa: ARG005 - no names, no suggestions
    run_files: RunFiles | None = None,
) -> tuple[Project | None, list[Diagnostic]]:
    """Read the project whose ``headwater.yaml`` stands in ``root``.

    ``registry_fields(role, name)`` gives the fields of a ``source`` or ``sink`` connector (a dataclass annotated with
    ``Doc``), None if there is none; ``connector_names(role)`` lists them for suggestions. None: there is no project
    file to start from. A project that comes with errors is partial: good for looking at, not for building.
    ``run_files`` runs the Python files whose nodes cannot be read from their text (None: that is a mistake in them).
    Reads no clock, environment or network and executes nothing itself; references in settings stay text.
    """
    files = Files(root)
    state = _Load(files, Connectors(registry_fields, connector_names), PythonFiles(files.read_if_there))
    if not (root / PROJECT_FILE).is_file() and not (root / PROJECT_FILE).is_symlink():
        hint = "run `headwater init`, or name the directory with --project"
        return None, [error("HW0101", f"there is no {PROJECT_FILE} here", Where(PROJECT_FILE), hint=hint)]
    _read_yaml(PROJECT_FILE, state)
    lake = state.keys.values.get("lake", _LAKE) if state.keys else _LAKE
    paths, problems = walk(root, lake)
    state.found += problems
    for path in paths:
        _read(path, state)
    limit_s = state.keys.values.get("load_timeout", _LOAD_TIMEOUT_S) if state.keys else _LOAD_TIMEOUT_S
    state.python.run(run_files, float(limit_s))
    _take_python(state)
    if state.keys is None:
        return None, _sorted([*state.found, *state.files.found])
    parts = Parts(state.keys, state.declared, state.pieces, state.macros, state.files.texts)
    project = assemble(parts, state.connectors, state.found)
    return project, _sorted([*state.found, *state.files.found])


def read_catalogs(text: str) -> tuple[Mapping[str, Catalog], list[Diagnostic]]:
    """Read what the text of headwater.yaml says of catalogs, and what is wrong with that; all else is passed over."""
    catalogs, found = _read_key(text, "catalogs")
    return catalogs if isinstance(catalogs, Mapping) else {}, found


def read_compact(text: str) -> tuple[Compact, list[Diagnostic]]:
    """Read what the text of headwater.yaml says of packing small files, and what is wrong with that."""
    compact, found = _read_key(text, "compact")
    return compact if isinstance(compact, Compact) else Compact(), found


def read_audit(text: str) -> tuple[Audit, list[Diagnostic]]:
    """Read what the text of headwater.yaml says of the audit, and what is wrong with that."""
    audit, found = _read_key(text, "audit")
    return audit if isinstance(audit, Audit) else Audit(), found


def _read_key(text: str, name: str) -> tuple[object, list[Diagnostic]]:
    node, found = compose(text, PROJECT_FILE)
    if node is None or node.id != "mapping":
        return None, found
    value = next((value for key, value in node.value if key.id == "scalar" and key.value == name), None)
    reading = Reading(Written(PROJECT_FILE, text), found, read_checks=read_checks)
    reading.key = name
    return None if value is None else keys_of(Project)[name].read(value, reading), found


def _sorted(found: list[Diagnostic]) -> list[Diagnostic]:
    """Order by place; the same finding is said once."""
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda d: (d.where or Where(""), d.code))


def _read(path: str, state: _Load) -> None:
    if path.endswith((".yaml", ".yml")):
        if path != PROJECT_FILE:
            _read_yaml(path, state)
    elif path.startswith("functions/"):
        text = state.files.read(path)
        if text is not None:
            state.found += read_macros(path, text, state.macros)
    elif path.endswith(".sql"):
        _read_sql(path, state)
    else:
        _read_python(path, state)


def _read_yaml(path: str, state: _Load) -> None:
    text = state.files.read(path)
    if text is None:
        return
    judged = foreign(text, path)
    if judged is not None:
        state.files.texts.pop(path, None) if not judged else None
        state.found += judged
        return
    reading = state.reading(Written(path, text))
    node, found = compose(text, path)
    state.found += found
    if node is None:
        if path == PROJECT_FILE and not found:
            hint = "it begins with the project's name, such as `project: flights`"
            state.found.append(error("HW0111", f"{PROJECT_FILE} is empty", Where(path, 1, 1), hint=hint))
        return
    if node.id != "mapping":
        reading.wrong(
            "HW0110", node, "the file must hold a map", "such as `sources:`, each from a name to its settings"
        )
        return
    state.declared += sections_of(node, reading)
    if path == PROJECT_FILE:
        state.keys = read_project_keys(node, reading)


def _read_sql(path: str, state: _Load) -> None:
    name = _model_name(path, state)
    text = state.files.read(path)
    if text is None or name is None:
        return
    file, found = read_sql_file(path, text)
    state.found += found
    state.pieces.append(sql_piece(name, file, state.reading(file.written)))


def _model_name(path: str, state: _Load) -> str | None:
    parts = path.removesuffix(".sql").split("/")
    if len(parts) > _MODEL_PARTS:
        hint = f"move it to models/{parts[1]}/{parts[-1]}.sql"
        message = "a model stands at most one folder below models/"
        state.found.append(error("HW0116", message, Where(path, 1, 1), hint=hint))
        return None
    dotted = next((part for part in parts[1:] if "." in part), "")
    name = normal(".".join(parts[1:]))
    problem = "has a dot in a file or folder name" if dotted else node_problem(name)
    if problem:
        state.found.append(bad_name("model", name, problem, Where(path, 1, 1)))
        return None
    return name


def _read_python(path: str, state: _Load) -> None:
    text = state.files.read(path)
    if text is not None:
        state.python.look(path, text)


def _take_python(state: _Load) -> None:
    """Read what Python files have made like what stands in others."""
    state.found += state.python.found
    for making in state.python.made:
        reading = state.reading(Written(making.source.path, root=making.settings))
        if making.kind in {"source", "sink", "pipeline"}:
            entry = declared(making, reading)
            state.declared += [entry] if entry else []
        elif piece := model_piece(making, reading):
            if problem := node_problem(piece.name):
                state.found.append(bad_name("model", piece.name, problem, piece.where))
            else:
                state.pieces.append(piece)
