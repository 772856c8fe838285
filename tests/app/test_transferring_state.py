"""The state as a whole: exported, imported, backed up, upgraded; from SQLite to Postgres and back."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from zipfile import ZipFile

import pytest

from headwater.app.transferring_state import back_up_state, export_state, import_state, upgrade_state
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError
from headwater.state.connections import Connection
from headwater.state.database import find_schema, make_database, open_database
from headwater.state.health import examine
from headwater.state.migrations import MIGRATIONS, TITLES
from headwater.state.workers import Worker, note_worker
from tests.harness import Project
from tests.postgres import Postgres


@pytest.fixture
def shop(project: Project) -> Project:
    project.source("orders", {"id": "bigint", "price": "double"}, rows=[(1, 2.5), (2, 4.0)])
    project.model("totals", "SELECT count(*) AS orders, sum(price) AS total FROM orders")
    project.apply()
    return project


def everything(workspace: Workspace) -> dict[str, list[str]]:
    """All rows of all tables but those that tell of the database itself."""

    def rows(connection: Connection, table: str, columns: tuple[str, ...]) -> list[str]:
        return sorted(repr(row) for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}"))

    with workspace.db.read() as connection:
        tables = {name: tuple(sorted(columns)) for name, columns in workspace.db.backend.columns(connection).items()}
        return {name: rows(connection, name, columns) for name, columns in tables.items()}


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(HeadwaterError) as caught:
        call()
    return caught.value.diagnostics[0].code


def test_a_state_goes_to_postgres_and_back_and_is_the_same(shop: Project, postgres: Postgres) -> None:
    before = everything(shop.workspace)
    export_state(shop.root, shop.root / "one.zip")
    shop.settings(state=postgres.new_state())
    import_state(shop.root, shop.root / "one.zip")
    assert everything(shop.workspace) == before
    assert shop.query("SELECT * FROM totals") == [(2, 6.5)]
    export_state(shop.root, shop.root / "two.zip")
    shop.settings(state="sqlite:other.db")
    import_state(shop.root, shop.root / "two.zip")
    assert everything(shop.workspace) == before


def test_an_imported_state_goes_on_as_the_old_one_would(shop: Project, postgres: Postgres) -> None:
    export_state(shop.root, shop.root / "one.zip")
    shop.settings(state=postgres.new_state())
    import_state(shop.root, shop.root / "one.zip")
    shop.file("orders", "more.csv", ["id", "price"], [(3, 1.0)])
    shop.run()
    shop.rollback(data=True)
    assert shop.table("totals") == [(2, 6.5)]
    assert examine(shop.workspace.db) == ()


def test_odd_values_survive(tmp_path: Path, postgres: Postgres) -> None:
    """Bytes, numbers that JSON has not, NUL, and the number of a row that was deleted."""
    (tmp_path / "headwater.yaml").write_text("project: odd\n")
    with open_database(tmp_path / ".headwater/state.db") as db, db.write() as connection:
        row = ("f", "rows", float("inf"), "v", "")
        connection.execute("INSERT INTO measurements (fill, metric, value, version, at) VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO graphs (code, body) VALUES (?, ?)", ("nul \0, ü", bytes(range(256))))
        connection.execute("INSERT INTO environments (name, created_at) VALUES ('gone', '')")
        connection.execute("DELETE FROM environments")
    export_state(tmp_path, tmp_path / "one.zip")
    (tmp_path / "headwater.yaml").write_text(f"project: odd\nstate: {postgres.new_state()}\n")
    import_state(tmp_path, tmp_path / "one.zip")
    export_state(tmp_path, tmp_path / "two.zip")
    (tmp_path / "headwater.yaml").write_text("project: odd\nstate: sqlite:third.db\n")
    import_state(tmp_path, tmp_path / "two.zip")
    with open_database(tmp_path / "third.db") as db, db.write() as connection:
        assert connection.execute("SELECT value FROM measurements").fetchall() == [(float("inf"),)]
        assert connection.execute("SELECT code, body FROM graphs").fetchall() == [("nul \0, ü", bytes(range(256)))]
        connection.execute("INSERT INTO environments (name, created_at) VALUES ('new', '')")
        assert connection.execute("SELECT number FROM environments").fetchall() == [(2,)]


def test_a_state_that_is_not_empty_is_replaced_only_if_asked_and_kept(project_on: Project) -> None:
    project_on.source("orders", {"id": "bigint"}, rows=[(1,)])
    project_on.model("totals", "SELECT count(*) AS orders FROM orders")
    project_on.apply()
    project_on.reopen()
    file = project_on.root / "state.zip"
    export_state(project_on.root, file)
    assert code_of(lambda: import_state(project_on.root, file)) == "HW1032"
    found = import_state(project_on.root, file, replace=True, effects=project_on.effects)
    assert "replaced" in found.kept_as
    assert project_on.query("SELECT * FROM totals") == [(1,)]


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_changes_nothing(shop: Project, part: float) -> None:
    file = shop.root / "one.zip"
    export_state(shop.root, file)
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    before = everything(shop.workspace)
    assert code_of(lambda: import_state(shop.root, file, replace=True)) == "HW1030"
    assert everything(shop.workspace) == before
    assert list((shop.root / ".headwater").glob("*rebuilt*")) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_is_found_or_says_nothing_about_rows(shop: Project, seed: int) -> None:
    """Some bits of a zip mean nothing to us, such as the time of day."""
    file, chance = shop.root / "one.zip", random.Random(seed)
    export_state(shop.root, file)
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    before = everything(shop.workspace)
    shop.reopen()
    with suppress(HeadwaterError):
        import_state(shop.root, file, replace=True)
    assert everything(shop.workspace) == before


def changed(file: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    """Write a file again with one part of it changed."""
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name == member else content)


def test_a_row_that_was_changed_in_the_file_is_found(shop: Project) -> None:
    file = shop.root / "one.zip"
    export_state(shop.root, file)
    changed(file, "environments.jsonl", lambda text: text.replace(b'"dev"', b'"evl"'))
    assert code_of(lambda: import_state(shop.root, file, replace=True)) == "HW1030"


def test_a_file_of_a_newer_version_is_refused(shop: Project) -> None:
    file = shop.root / "one.zip"
    export_state(shop.root, file)
    changed(file, "state.json", lambda text: json.dumps({**json.loads(text), "schema": 99}).encode())
    assert code_of(lambda: import_state(shop.root, file, replace=True)) == "HW1033"


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_no_export_is_refused(shop: Project, content: bytes) -> None:
    (shop.root / "one.zip").write_bytes(content)
    assert code_of(lambda: import_state(shop.root, shop.root / "one.zip", replace=True)) == "HW1030"


def test_a_file_is_never_written_over(shop: Project) -> None:
    (shop.root / "one.zip").write_text("mine")
    assert code_of(lambda: export_state(shop.root, shop.root / "one.zip")) == "HW1031"
    assert code_of(lambda: back_up_state(shop.root, shop.root / "one.zip")) == "HW1031"
    assert (shop.root / "one.zip").read_text() == "mine"


def test_an_export_of_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "headwater.yaml").write_text("project: old\n")
    with make_database(tmp_path / "old.db", 7) as db, db.snapshot():
        pass
    (tmp_path / "headwater.yaml").write_text("project: old\nstate: sqlite:new.db\n")
    from headwater.state.archives import open_archive
    from headwater.state.moving_states import write_archive

    with make_database(tmp_path / "older.db", 7) as db, open_archive(tmp_path / "one.zip", "w") as archive:
        write_archive(db, archive, version="0", at="")
    found = import_state(tmp_path, tmp_path / "one.zip")
    assert (found.schema_before, found.schema) == (7, len(MIGRATIONS))
    assert find_schema(tmp_path / "new.db") == len(MIGRATIONS)


def test_a_backup_is_the_state_as_it_was_while_others_write(shop: Project) -> None:
    file = shop.root / "backup.db"
    with shop.workspace.db.write() as connection:
        connection.execute("DELETE FROM runs")
        back_up_state(shop.root, file)
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_on_postgres_is_an_export(project: Project, postgres: Postgres) -> None:
    project.settings(state=postgres.new_state())
    assert project.history() == []
    assert back_up_state(project.root, project.root / "backup.zip").kind == "export"


def test_every_step_of_an_upgrade_has_a_meaning() -> None:
    assert len(TITLES) == len(MIGRATIONS)


def test_an_older_state_on_postgres_is_upgraded_only_when_asked(project: Project, postgres: Postgres) -> None:
    place = postgres.place()
    make_database(place, 7).close()
    project.settings(state=f"{place.url}?schema={place.schema}")
    assert code_of(lambda: project.workspace) == "HW1026"
    assert upgrade_state(project.root, preview=True).steps[0] == (8, TITLES[7])
    assert find_schema(place) == 7
    assert upgrade_state(project.root).after == len(MIGRATIONS)
    assert project.history() == []


def test_nobody_is_upgraded_under_while_at_work(project: Project, postgres: Postgres) -> None:
    place = postgres.place()
    with make_database(place, len(MIGRATIONS) - 1) as db:
        now = project.effects.clock()
        note_worker(db, Worker(id="w", kind="server", host="h", pid=1, version="0", started_at=now, seen_at=now))
    project.settings(state=f"{place.url}?schema={place.schema}")
    assert code_of(lambda: upgrade_state(project.root, effects=project.effects)) == "HW1034"
    project.later(minutes=5)
    assert upgrade_state(project.root, effects=project.effects).after == len(MIGRATIONS)


def test_who_is_older_than_the_state_is_refused_from_then_on(project_on: Project) -> None:
    """As if a newer version had upgraded the state while this one runs."""
    assert project_on.history() == []
    with project_on.workspace.db.write() as connection:
        connection.execute("INSERT INTO migrations (number) VALUES (99)")
    assert code_of(project_on.history) == "HW0606"
    assert code_of(lambda: upgrade_state(project_on.root)) == "HW0606"
