"""Resolves references to secrets (`${env:X}`, `${file:…}`, `${keyring:…}`), at the last moment."""

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from headwater.diagnostics import Invalid, Where, conceal

_REFERENCE = re.compile(r"\$\{(env|file|keyring):([^}]+)\}")

_TELLING = re.compile(
    r"(?i)(^|_)(password|passwd|(?<=_)pwd|secret|token|credentials?|api_?key|(access|private|secret)_key)(_|$)"
)


def resolve(value: Any, root: Path, where: Where | None = None) -> Any:
    """Replace references in a value and in everything inside it; Invalid names a reference that has no value."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _find(match[1], match[2], root, where), value)
    if isinstance(value, Mapping):
        return {key: resolve(each, root, where) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(each, root, where) for each in value]
    return value


def is_reference(text: str) -> bool:
    """Whether a text is one reference and nothing else."""
    return _REFERENCE.fullmatch(text) is not None


def resolve_in_url(url: str, root: Path, where: Where | None = None) -> str:
    """Replace references in a URL; what they stand for is plain text, and is written as a URL must write it."""
    return _REFERENCE.sub(lambda match: quote(_find(match[1], match[2], root, where), safe=""), url)


def secrets_in(value: Any, root: Path, where: Where | None = None) -> dict[str, str]:
    """Give what the references in a value and in everything inside it stand for: secret → reference."""
    if isinstance(value, str):
        return {_find(match[1], match[2], root, where): match[0] for match in _REFERENCE.finditer(value)}
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return {secret: said for each in parts for secret, said in secrets_in(each, root, where).items()}


def learn_quietly(value: Any, root: Path) -> None:
    """Have what a value refers to concealed from now on, without asking a keyring; what has no value is left out."""
    if isinstance(value, str):
        for kind, name in _REFERENCE.findall(value):
            found = _of_environment(name) if kind == "env" else _of_file(root / name) if kind == "file" else None
            if found is not None:
                conceal.learn(found, f"${{{kind}:{name}}}")
        return
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ():
        learn_quietly(each, root)


def learn_environment() -> None:
    """Have environment variables concealed whose names say that they hold secrets, referred to or not."""
    for name, value in os.environ.items():
        if _TELLING.search(name):
            conceal.learn(value, f"${{env:{name}}}")


def _find(kind: str, name: str, root: Path, where: Where | None) -> str:
    found = {"env": _of_environment, "file": lambda n: _of_file(root / n), "keyring": _of_keyring}[kind](name)
    if found is None:
        hint = {"env": f"set the environment variable {name}", "file": "write that file", "keyring": "store it there"}
        message = f"the secret `${{{kind}:{name}}}` has no value here"
        raise Invalid.of("HW0530", message, where, hint=hint[kind])
    conceal.learn(found, f"${{{kind}:{name}}}")
    return found


def _of_environment(name: str) -> str | None:
    return os.environ.get(name)


def _of_file(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _of_keyring(name: str) -> str | None:
    service, _, user = name.partition("/")
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    found: str | None = keyring.get_password(service, user)
    return found
