"""The tools that build the same models: how each does each step, and how its project is put back before a trial."""

import json
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar

from bench.commands import HEADWATER, dbt, headwater, remove, sqlmesh
from bench.dag import Model, designed, generate, leaf, with_another_column, with_another_filter
from bench.dag_peers import dbt_query, generate_dbt, generate_sqlmesh, sqlmesh_query
from bench.measure import Trial

TOTALS = "SELECT count(*) AS n, sum(id) AS ids, sum(c1) AS c1, round(sum(c6), 3) AS c6, max(c7) AS c7 FROM {}"
numbers = count(1)
"""No two changes are the same: nothing that was built before can be taken."""


class Contender(ABC):
    """A tool with a project of its own."""

    steps: ClassVar[Mapping[str, str]]
    """Step → the command, as people write it."""

    def __init__(self, root: Path, models: int) -> None:
        root.mkdir(parents=True)
        self.root = root
        self.models = designed(models)
        self.kept = root.with_name(f"{root.name}-kept")

    def says(self, step: str) -> str:
        """Give the command of a step."""
        return self.steps[step]

    @abstractmethod
    def trial(self, step: str) -> Trial | None:
        """Give the trial of a step; None if the tool has no such thing."""

    @abstractmethod
    def totals(self, model: str) -> dict[str, object]:
        """Give the totals of a model's table."""

    def query(self, sql: str) -> str:
        """Write a model's query in the tool's words."""
        return sql

    def write(self, model: Model, sql: str) -> None:
        """Replace a model's query."""
        path = self.root / "models" / f"{model.name}.sql"
        head = path.read_text()
        path.write_text(head[: head.index("WITH kept AS")] + self.query(sql) + "\n")

    def change_leaf(self) -> None:
        """Change one column of a model that nobody reads."""
        model = leaf(self.models)
        self.write(model, with_another_column(model, next(numbers)))

    def change_root(self) -> None:
        """Change the rows of a model of the first layer."""
        self.write(self.models[0], with_another_filter(self.models[0], next(numbers)))

    def keep(self, names: Sequence[str]) -> Callable[[], None]:
        """Copy files of the project; the function given puts them back."""
        remove(self.kept)
        self.kept.mkdir()
        for name in names:
            shutil.copy2(self.root / name, self.kept / Path(name).name)

        def back() -> None:
            for name in names:
                shutil.copy2(self.kept / Path(name).name, self.root / name)

        return back


class Headwater(Contender):
    """Headwater: environments are heads over shared fills."""

    steps: ClassVar = {
        "first apply": "headwater apply",
        "plan, nothing changed, warm": "headwater plan",
        "plan, nothing changed, cold": "headwater plan, cache deleted",
        "promotion to prod": "headwater apply --env prod",
        "one column of a leaf changed, applied": "headwater apply",
        "filter of a root changed, applied": "headwater apply",
        "rollback": "headwater rollback, after all models changed",
    }

    def __init__(self, root: Path, models: int) -> None:
        super().__init__(root, models)
        generate(root, models)
        (root / ".gitignore").write_text(".headwater/\n.measured\n")
        commit(root)

    def trial(self, step: str) -> Trial | None:
        own = self.root / ".headwater"
        match step:
            case "first apply":
                return headwater(self.root, "apply", before=lambda: remove(own))
            case "plan, nothing changed, warm":
                return headwater(self.root, "plan")
            case "plan, nothing changed, cold":
                return headwater(self.root, "plan", before=lambda: remove(own / "cache"))
            case "promotion to prod":
                return headwater(self.root, "apply", "--env", "prod", "--yes", before=self._keep_state())
            case "one column of a leaf changed, applied":
                return headwater(self.root, "apply", before=self.change_leaf)
            case "filter of a root changed, applied":
                return headwater(self.root, "apply", before=self.change_root)
            case _:
                for model in self.models:
                    self.write(model, with_another_filter(model, next(numbers)))
                headwater(self.root, "apply")()
                return headwater(self.root, "rollback", "--yes", before=self._keep_state())

    def _keep_state(self) -> Callable[[], None]:
        put_back = self.keep([".headwater/state.db"])

        def back() -> None:
            remove(*(self.root / ".headwater" / f"state.db-{part}" for part in ("wal", "shm")))
            put_back()

        return back

    def totals(self, model: str) -> dict[str, object]:
        command = [HEADWATER, "query", "--json", TOTALS.format(model)]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True)
        return {name: float(value) if name != "c7" else value for name, value in json.loads(done.stdout)[0].items()}


class DuckdbContender(Contender):
    """A tool whose tables stand in a DuckDB file."""

    schema: str

    def totals(self, model: str) -> dict[str, object]:
        import duckdb

        with duckdb.connect(str(self.root / "dag.duckdb"), read_only=True) as connection:
            cursor = connection.execute(TOTALS.format(f"{self.schema}.{model}"))
            names = [column[0] for column in cursor.description]
            found = zip(names, cursor.fetchone(), strict=True)
            return {name: float(value) if name != "c7" else value for name, value in found}


class Sqlmesh(DuckdbContender):
    """SQLMesh: environments are views over versioned tables; a rollback is a plan of the files of before."""

    schema = "dag__dev"
    steps: ClassVar = {
        "first apply": "sqlmesh plan dev --auto-apply",
        "plan, nothing changed, warm": "sqlmesh plan dev",
        "plan, nothing changed, cold": "sqlmesh plan dev, cache deleted",
        "promotion to prod": "sqlmesh plan --auto-apply",
        "one column of a leaf changed, applied": "sqlmesh plan dev --auto-apply",
        "filter of a root changed, applied": "sqlmesh plan dev --auto-apply",
        "rollback": "sqlmesh plan dev --auto-apply, the root as before",
    }

    def __init__(self, root: Path, models: int) -> None:
        super().__init__(root, models)
        generate_sqlmesh(root, models)

    def query(self, sql: str) -> str:
        return sqlmesh_query(sql)

    def trial(self, step: str) -> Trial | None:
        quiet = ("--no-prompts",)
        apply = ("--auto-apply", "--no-prompts")
        match step:
            case "first apply":
                return sqlmesh(self.root, "plan", "dev", *apply, before=self._begin())
            case "plan, nothing changed, warm":
                return sqlmesh(self.root, "plan", "dev", *quiet)
            case "plan, nothing changed, cold":
                return sqlmesh(self.root, "plan", "dev", *quiet, before=lambda: remove(self.root / ".cache"))
            case "promotion to prod":
                put_back = self.keep(["dag.duckdb", "state.duckdb"])
                return sqlmesh(self.root, "plan", *apply, before=put_back)
            case "one column of a leaf changed, applied":
                return sqlmesh(self.root, "plan", "dev", *apply, before=self.change_leaf)
            case "filter of a root changed, applied":
                return sqlmesh(self.root, "plan", "dev", *apply, before=self.change_root)
            case _:
                root = self.models[0]
                self.write(root, root.sql)
                put_back = self.keep(["dag.duckdb", "state.duckdb"])
                return sqlmesh(self.root, "plan", "dev", *apply, before=put_back)

    def _begin(self) -> Callable[[], None]:
        put_back = self.keep(["dag.duckdb"])

        def back() -> None:
            remove(self.root / ".cache", self.root / "state.duckdb")
            put_back()

        return back


class Dbt(DuckdbContender):
    """dbt: builds tables in place; it has neither promotion nor rollback but building again."""

    schema = "dev"
    steps: ClassVar = {
        "first apply": "dbt run",
        "plan, nothing changed, warm": "dbt parse",
        "plan, nothing changed, cold": "dbt parse --no-partial-parse",
        "promotion to prod": "dbt run --target prod (builds again)",
        "one column of a leaf changed, applied": "dbt run --select state:modified+",
        "filter of a root changed, applied": "dbt run --select state:modified+",
        "rollback": "",
    }

    def __init__(self, root: Path, models: int) -> None:
        super().__init__(root, models)
        generate_dbt(root, models)

    def query(self, sql: str) -> str:
        return dbt_query(sql)

    def trial(self, step: str) -> Trial | None:
        modified = ("run", "--select", "state:modified+", "--state", "before")
        match step:
            case "first apply":
                return dbt(self.root, "run", before=self._begin())
            case "plan, nothing changed, warm":
                return dbt(self.root, "parse")
            case "plan, nothing changed, cold":
                return dbt(self.root, "parse", "--no-partial-parse", before=lambda: remove(self.root / "target"))
            case "promotion to prod":
                return dbt(self.root, "run", "--target", "prod")
            case "one column of a leaf changed, applied":
                return dbt(self.root, *modified, before=lambda: self._after(self.change_leaf))
            case "filter of a root changed, applied":
                return dbt(self.root, *modified, before=lambda: self._after(self.change_root))
            case _:
                return None

    def _after(self, change: Callable[[], None]) -> None:
        """Remember the project as it was, then change it."""
        dbt(self.root, "parse")()
        (self.root / "before").mkdir(exist_ok=True)
        shutil.copy2(self.root / "target" / "manifest.json", self.root / "before" / "manifest.json")
        change()

    def _begin(self) -> Callable[[], None]:
        put_back = self.keep(["dag.duckdb"])

        def back() -> None:
            remove(self.root / "target")
            put_back()

        return back


def commit(root: Path) -> None:
    """Make a project a Git repository, as a real one is."""
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=b", "-c", "user.email=b@x", "commit", "-qm", "b")):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
