"""Projects written for a test, and what loading them gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from headwater.diagnostics import Diagnostic
from headwater.project.loading import load
from headwater.spec.fields import Doc
from headwater.spec.project import Project

START = "project: shop\n"
SOURCE = "sources:\n  orders:\n    connector: files\n    path: data/*.csv\n    columns: {id: {type: bigint}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFields:
    path: Annotated[str, Doc("Where the files are")]
    format: Annotated[Literal["csv", "json"], Doc("How they are written")] = "csv"
    delimiter: Annotated[str | None, Doc("What separates columns")] = None
    skip: Annotated[int, Doc("Lines to pass over")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFields:
    path: Annotated[str, Doc("The database file")]
    table: Annotated[str, Doc("The table")]
    partition_by: Annotated[tuple[str, ...], Doc("Columns that make folders")] = ()

    def __post_init__(self) -> None:
        if not self.table:
            raise ValueError("a table needs a name")


FIELDS: dict[tuple[str, str], type] = {("source", "files"): FileFields, ("sink", "duckdb"): TableFields}


def names(role: str) -> list[str]:
    return [name for known, name in FIELDS if known == role]


class Files:
    """A project directory that a test fills."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("headwater.yaml", START)

    def write(self, path: str, content: str | bytes) -> "Files":
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def load(self) -> tuple[Project | None, list[Diagnostic]]:
        return load(self.root, registry_fields=lambda role, name: FIELDS.get((role, name)), connector_names=names)

    @property
    def project(self) -> Project:
        project, found = self.load()
        assert project is not None
        assert found == []
        return project

    @property
    def mistakes(self) -> list[str]:
        """``code file:line:column`` of everything found."""
        return [f"{d.code} {d.where}" for d in self.load()[1]]

    @property
    def mistake(self) -> Diagnostic:
        (only,) = self.load()[1]
        return only
