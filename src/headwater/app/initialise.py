"""A new project from a template: plain files, and the data that `flights` and `logs` read."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from headwater.app import flights_data, logs_data
from headwater.app.editor import editor_files, schema_line
from headwater.app.runtimes import SITES
from headwater.diagnostics import Invalid

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_NAME: Final = 255
"""In bytes, as file systems count."""
_SHOWN: Final = 40
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Template:
    """What a project can start from."""

    summary: str
    ignored: tuple[str, ...]
    """What Git does not keep."""
    look: str
    """A query that shows what it is about, once it is applied."""
    has_borders: bool = False
    """Its sites stand under several laws, and answer once their operators approved the rules."""
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Secret → sites that have it, in the environment of their homes; each project gets one of its own."""


TEMPLATES: Final[Mapping[str, Template]] = {
    "minimal": Template("one source, one model, one test", (".headwater/", "out/"), "SELECT * FROM sales"),
    "flights": Template(
        "336,776 real flights at three airports, with weather",
        (".headwater/", "data/", "out/"),
        "SELECT * FROM routes ORDER BY place LIMIT 5",
    ),
    "logs": Template(
        "access logs of three web servers whose addresses stay there: traffic, visitors, sessions",
        (".headwater/", "data/", "out/"),
        "SELECT * FROM top_pages ORDER BY place LIMIT 5",
        has_borders=True,
        secrets={"VISITORS_KEY": logs_data.SERVERS},
    ),
}
"""All templates by name, the default one first."""


def templates() -> tuple[str, ...]:
    """Give the names of all templates, the default one first.

    >>> templates()
    ('minimal', 'flights', 'logs')
    """
    return tuple(TEMPLATES)


def initialise(root: Path, template: str = "minimal", *, name: str) -> tuple[Path, ...]:
    """Write a template's files (and data, if it has some) below ``root``; give their paths, relative to it, in order.

    ``root`` is made if it does not exist. Raises Invalid, before anything is written, for an unknown template, for a
    directory that holds more than a Git repository, for names that cannot be, and if the package with the template's
    data is not installed.
    """
    if template not in templates():
        hint = f"templates: {', '.join(templates())}"
        raise Invalid.of("HW0910", f"there is no template `{template}`", hint=hint)
    if not name.strip() or not name.isprintable():
        raise Invalid.of("HW0691", f"no project can be called {json.dumps(name, ensure_ascii=False)}")
    require_room(root)
    package = flights_data.locate() if template == "flights" else None
    try:
        written = [_write(root, path, text) for path, text in _files(template, name)]
        if package:
            written += flights_data.lay_out(package, root)
        if template == "logs":
            written += logs_data.lay_out(root)
        for secret, sites in TEMPLATES[template].secrets.items():
            written += _hand_out(root, secret, sites)
    except OSError as problem:
        raise Invalid.of("HW0913", f"the project cannot be written: {problem.strerror} ({problem.filename})") from None
    return tuple(sorted(written))


def require_room(root: Path) -> None:
    """Raise Invalid unless a project could be made there: a name that can be, an empty directory or none."""
    for path in (root, *root.parents):
        if not _exists(path) and not _can_be_called(path.name):
            shown = path.name if len(path.name) <= _SHOWN else f"{path.name[:_SHOWN]}…"
            raise Invalid.of("HW0690", f"no directory can be called {json.dumps(shown, ensure_ascii=False)}")
    _require_empty(root)


def name_for(root: Path) -> str:
    """Give the name of a project that says none: that of its directory; raises Invalid as ``require_room``."""
    require_room(root)
    return root.absolute().resolve().name or "project"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _can_be_called(name: str) -> bool:
    """File systems take it and people can type it."""
    return name.isprintable() and bool(name.strip()) and len(name.encode()) <= _LONGEST_NAME


def _require_empty(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise Invalid.of("HW0911", f"`{root}` is a file", hint="give a directory that is empty or does not exist")
    found = sorted(entry.name for entry in root.iterdir() if entry.name != ".git") if root.exists() else []
    if found:
        raise Invalid.of(
            "HW0911",
            f"`{root}` is not empty: it holds {', '.join(found[:3])}{' …' if len(found) > 3 else ''}",  # noqa: PLR2004 - how many names fit a line
            hint="give a directory that is empty, or holds only a Git repository",
        )


def _files(template: str, name: str) -> Iterator[tuple[str, str]]:
    yield ".gitignore", "".join(f"{pattern}\n" for pattern in TEMPLATES[template].ignored)
    for path, text in _texts(files("headwater.app") / "templates" / template):
        own = _named(text, template, name) if path == "headwater.yaml" else text
        yield path, f"{schema_line(path)}\n{own}" if path.endswith(".yaml") else own
    yield from editor_files()


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_file():
            yield prefix + entry.name, entry.read_text(encoding="utf-8")
        elif entry.name not in {"__pycache__", ".headwater"}:
            yield from _texts(entry, f"{prefix}{entry.name}/")


def _named(text: str, template: str, name: str) -> str:
    """Put the project's name where the template's own stands, quoted where YAML asks for it."""
    written = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return text.replace(f"project: {template}\n", f"project: {written}\n", 1)


def _write(root: Path, path: str, text: str) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def _hand_out(root: Path, secret: str, sites: tuple[str, ...]) -> Iterator[Path]:
    """Give sites a secret that nobody else has: into their homes, as their operators would."""
    value = secrets.token_hex(_SECRET_BYTES)
    for site in sites:
        home = root / SITES / site
        home.mkdir(parents=True, mode=0o700)
        path = home / "environment"
        path.touch(mode=0o600)
        path.write_text(f"{secret}={value}\n", encoding="utf-8")
        yield path.relative_to(root)
