"""The few settings that even the quickest command needs, read from headwater.yaml alone."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.app.secrets import is_reference, resolve, resolve_in_url
from headwater.diagnostics import Broken, Invalid, Where
from headwater.spec.units import parse_duration
from headwater.state.places import StatePlace, postgres_place

PROJECT_FILE = "headwater.yaml"
_SERVERS = frozenset({"postgres", "postgresql"})
_KEEP_S = 30 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where state and lake are, and how far back releases keep their rows."""

    root: Path
    project: str
    state_text: str
    """As it is written: a secret is looked up only by who opens the state."""
    lake: Path
    keep_s: float

    @property
    def state(self) -> StatePlace:
        """Where the state is. Raises Invalid if it cannot be anywhere, or if a secret in it has no value here."""
        return _state(self.root, self.state_text)

    @property
    def home(self) -> Path:
        """Directory of what this machine keeps for the project beside its state."""
        place = self.state
        return place.parent if isinstance(place, Path) else self.root / ".headwater"


def find_root(start: Path) -> Path:
    """Give the nearest directory, from ``start`` upwards, that holds headwater.yaml; Invalid if there is none."""
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    hint = "go into a project, name one with `--project`, or make one with `headwater init`"
    raise Invalid.of("HW0531", f"there is no `{PROJECT_FILE}` in `{start}` or above it", hint=hint)


def read_settings(root: Path) -> Settings:
    """Read the settings; Invalid if the file cannot be read as a map (loading the project says it in full)."""
    text = _read(root / PROJECT_FILE)
    values = _top(text)
    keep = values.get("keep")
    try:
        keep_s = float(parse_duration(keep)) if isinstance(keep, str) else _KEEP_S
    except ValueError:
        keep_s = _KEEP_S
    return Settings(
        root=root,
        project=str(values.get("project", root.name)),
        state_text=_known(str(values.get("state", "sqlite:.headwater/state.db"))),
        lake=root / str(values.get("lake", ".headwater/lake")),
        keep_s=keep_s,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid.of("HW0532", "is not UTF-8 text", Where(path.name)) from None
    except OSError as problem:
        raise Broken.of("HW0533", f"`{path.name}` cannot be read: {problem.strerror}") from None


def _top(text: str) -> dict[str, Any]:
    # The keys wanted here stand at the left margin with a plain value: a full YAML parser costs 40 ms to import.
    found = re.findall(r"(?m)^(project|state|lake|keep):[ \t]*([^\s#][^\n#]*?)[ \t]*(?:#[^\n]*)?\r?$", text)
    return {key: value.strip("\"'") for key, value in found}


def _known(text: str) -> str:
    """Refuse a kind of state that there is none of."""
    scheme, separator, _ = text.partition(":")
    if separator and scheme not in {"sqlite", *_SERVERS} and not is_reference(text):
        hint = "`state: sqlite:.headwater/state.db`, or `state: postgres://user:${env:PASSWORD}@host/database`"
        raise Invalid.of("HW0534", f"a state of kind `{scheme}` is not known", Where(PROJECT_FILE), hint=hint)
    return text


def _state(root: Path, text: str) -> StatePlace:
    where = Where(PROJECT_FILE)
    if is_reference(text):
        text = _known(str(resolve(text, root, where)))
    scheme, separator, path = text.partition(":")
    if separator and scheme in _SERVERS:
        try:
            return postgres_place(resolve_in_url(text, root, where))
        except ValueError as problem:
            hint = "write `postgres://user:${env:PASSWORD}@host:5432/database?schema=name`"
            raise Invalid.of("HW1027", f"the URL of the state cannot be read: {problem}", where, hint=hint) from None
    return root / (path if separator else text).removeprefix("//")
