"""Headwater: data pipelines as code, run where the data lives.

``import headwater as hw`` offers what a project's own Python needs (``hw.model``, ``hw.source``, …, ``hw.Run``, the
checks) and the reading side (``hw.Project``, ``hw.query``, ``hw.table``). Everything is loaded on first use, so that
importing costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headwater.app.reading import Project, query, table
    from headwater.spec.authoring import (
        Run,
        Slot,
        accepted_range,
        accepted_values,
        drift,
        expression,
        freshness,
        matches,
        model,
        not_null,
        pipeline,
        references,
        row_count,
        sink,
        source,
        sql_model,
        unique,
    )

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {
    "Project": "headwater.app.reading",
    "query": "headwater.app.reading",
    "table": "headwater.app.reading",
} | dict.fromkeys(
    (
        "Run",
        "Slot",
        "accepted_range",
        "accepted_values",
        "drift",
        "expression",
        "freshness",
        "matches",
        "model",
        "not_null",
        "pipeline",
        "references",
        "row_count",
        "sink",
        "source",
        "sql_model",
        "unique",
    ),
    "headwater.spec.authoring",
)

__all__ = [
    "Project",
    "Run",
    "Slot",
    "__version__",
    "accepted_range",
    "accepted_values",
    "drift",
    "expression",
    "freshness",
    "matches",
    "model",
    "not_null",
    "pipeline",
    "query",
    "references",
    "row_count",
    "sink",
    "source",
    "sql_model",
    "table",
    "unique",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home the first time it is asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'headwater' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion and ``dir(headwater)`` show: the public names, loaded or not."""
    return __all__
