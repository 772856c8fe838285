"""What editors need of a project: the JSON Schema of its files, kept beside them, and settings that find it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, warning

SCHEMA_FILE: Final = "headwater.schema.json"
"""Beside headwater.yaml and kept in Git: a fresh clone needs no command before an editor understands it."""
_FOLDERS: Final = ("environments", "models", "pipelines", "sinks", "sites", "sources", "tests")
_SETTINGS: Final = {
    "yaml.schemas": {f"./{SCHEMA_FILE}": ["/headwater.yaml", *(f"/{folder}/**/*.yaml" for folder in _FOLDERS)]},
    "python.analysis.extraPaths": ["."],
    "files.exclude": {".headwater": True},
}
_EXTENSIONS: Final = {"recommendations": ["redhat.vscode-yaml", "ms-python.python"]}


def project_schema() -> dict[str, Any]:
    """Give the JSON Schema with the fields of every connector."""
    from headwater.app.registry import registry
    from headwater.project.schema import schema

    known = registry()
    return schema(
        sources={name: each.fields for name, each in known.sources.items()},
        sinks={name: each.fields for name, each in known.sinks.items()},
    )


def schema_text() -> str:
    """Give the JSON Schema as the file holds it."""
    return json.dumps(project_schema(), indent=1, ensure_ascii=False) + "\n"


def stale_schema(root: Path) -> Diagnostic | None:
    """Warn of a project's JSON Schema that is not this version's; a project without one needs none."""
    try:
        found = (root / SCHEMA_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        found = ""
    if found == schema_text():
        return None
    message = f"`{SCHEMA_FILE}` is not that of this version: editors complete and refuse what another one reads"
    return warning("HW0678", message, Where(SCHEMA_FILE))


def schema_line(path: str) -> str:
    """Give the comment by which editors find the schema of a YAML file, by its path in the project.

    >>> schema_line("tests/sales.yaml")
    '# yaml-language-server: $schema=../headwater.schema.json'
    """
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMA_FILE}"


def editor_files() -> Iterator[tuple[str, str]]:
    """Give the files of a new project that only editors read: (path, text)."""
    yield SCHEMA_FILE, schema_text()
    yield ".vscode/settings.json", json.dumps(_SETTINGS, indent=2) + "\n"
    yield ".vscode/extensions.json", json.dumps(_EXTENSIONS, indent=2) + "\n"
