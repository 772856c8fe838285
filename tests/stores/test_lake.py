"""The lake: fills that are sealed once, found again, verified, and deleted; any number of processes at once."""

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from headwater.connectors.stores import Lake
from headwater.diagnostics import Broken
from tests.stores.filling import VERSION, rows_of, stage

NOW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def test_a_sealed_fill_is_found_as_it_was(lake):
    fill = stage(lake, "SELECT 1 AS id, 2::HUGEINT AS total")
    assert lake.seal(fill) == fill
    assert lake.find(fill.node, VERSION, fill.id) == fill
    assert rows_of(lake, fill) == [(1, 2)]
    assert lake.sealed(fill.node, VERSION) == {fill.id}
    assert list(lake.every_fill()) == [fill]


def test_before_it_is_sealed_a_fill_is_nowhere(lake):
    fill = stage(lake)
    assert lake.find(fill.node, VERSION, fill.id) is None
    assert lake.sealed(fill.node, VERSION) == frozenset()
    assert list(lake.every_fill()) == []


def test_the_first_attempt_wins(lake):
    first, second = stage(lake, attempt="a"), stage(lake, attempt="b")
    assert lake.seal(first) == first
    assert lake.seal(second) == first
    assert [path.name for path in lake.orphans(NOW)] == ["f1-b-0.parquet"]


def test_many_fills_are_sealed_at_once(lake):
    fills = [stage(lake, fill=f"f{i}", node=f"n{i % 3}") for i in range(20)]
    assert [lake.seal(fill) for fill in [*fills, fills[0]]] == [*fills, fills[0]]
    lake.make_durable(fills)
    assert set(lake.every_fill()) == set(fills)
    lake.make_durable([])


def test_an_empty_fill_has_rows_of_the_right_types(lake):
    fill = replace(stage(lake, "SELECT 1::HUGEINT AS total"), files=())
    lake.seal(fill)
    assert rows_of(lake, fill) == []


def test_files_of_several_fills_are_one_relation(lake):
    fills = [stage(lake, f"SELECT {i} AS id", fill=f"f{i}") for i in range(3)]
    paths = [path for fill in fills for path in lake.paths(fill)]
    assert sorted(duckdb.sql(lake.relation(fills[0].columns, paths)).fetchall()) == [(0,), (1,), (2,)]


def test_a_file_is_measured(lake):
    fill = stage(lake, "SELECT * FROM range(1000)")
    path = lake.paths(fill)[0]
    assert fill.files[0].rows == 1000 == lake.stored_file(path).rows
    assert fill.files[0].bytes == Path(path).stat().st_size


@pytest.mark.parametrize(
    "node",
    ["daily", "clean.flights", "../../etc/passwd", "..", ".", "a/b", "a.b.c", "Ä.ö ü", "*?[", "it's \"q\"", "_releases.x",
     "x" * 200, "ß" * 200, "a\nb", "%2E", "CON"],
)  # fmt: skip
def test_a_node_may_have_any_name_and_stays_in_the_lake(lake, node):
    fill = stage(lake, "SELECT 7 AS id", node=node)
    lake.seal(fill)
    path = Path(lake.paths(fill)[0])
    assert len(path.relative_to(lake.root).parts) == 4
    assert path.resolve().is_relative_to(lake.root.resolve())
    assert rows_of(lake, fill) == [(7,)]
    assert list(lake.every_fill()) == [fill]


def test_different_nodes_lie_in_different_directories(lake):
    nodes = ["a.b", "a.b.c", "a/b", "a%2Fb", "A.b", "..a", ".a", "x" * 200, "x" * 201]
    assert len({lake.path(node, VERSION, "f") for node in nodes}) == len(nodes)


@pytest.mark.parametrize("file", ["", "../x", "a/b", ".hidden", "a\0b", "a\\b"])
def test_a_file_name_cannot_leave_the_directory(lake, file):
    with pytest.raises(ValueError, match="not a file name"):
        lake.path("a", VERSION, file)


def test_a_path_of_the_lake_with_pattern_characters_is_no_pattern(tmp_path):
    odd, even = Lake(tmp_path / "l[ab]*?"), Lake(tmp_path / "la*?")
    fills = [stage(lake, f"SELECT {number} AS id") for number, lake in enumerate((odd, even))]
    assert rows_of(odd, fills[0]) == [(0,)]
    assert rows_of(even, fills[1]) == [(1,)]


def test_reading_makes_nothing(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert lake.find("a", VERSION, "f") is None
    assert (list(lake.every_fill()), list(lake.releases()), lake.orphans(NOW), lake.problems()) == ([], [], [], [])
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("text", ['{"format": 3}', '{"format": "x"}', "{}", "[]", "not json", ""])
def test_a_lake_of_a_newer_headwater_or_a_damaged_marker_is_refused(tmp_path, text):
    (tmp_path / "lake.json").write_text(text)
    with pytest.raises(Broken) as broken:
        Lake(tmp_path)
    assert broken.value.diagnostics[0].code == ("HW0650" if "3" in text else "HW0653")


def test_a_manifest_of_a_newer_headwater_is_refused(lake):
    fill = lake.seal(stage(lake))
    lake.seal(replace(stage(lake, fill="f2"), format=99))
    with pytest.raises(Broken) as broken:
        lake.find(fill.node, VERSION, "f2")
    assert broken.value.diagnostics[0].code == "HW0650"
    with pytest.raises(Broken):
        list(lake.every_fill())


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 1, "columns": [[1]], "files": []}', '{"format": "1"}']
)
def test_a_damaged_manifest_is_named_and_does_not_hide_the_others(lake, text):
    fill = lake.seal(stage(lake))
    broken = lake.root / "clean" / "flights" / VERSION / "f2.json"
    broken.write_text(text)
    assert list(lake.every_fill()) == [fill]
    assert [(p.code, str(broken) in p.message) for p in lake.problems()] == [("HW0653", True)]
    with pytest.raises(Broken):
        lake.find(fill.node, VERSION, "f2")
    stage(lake, fill="f3")
    assert lake.orphans(NOW) == []  # they may be named in the damaged one


def test_unknown_fields_of_a_manifest_are_left_alone(lake):
    fill = lake.seal(stage(lake))
    path = lake.root / "clean" / "flights" / VERSION / "f1.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert lake.find(fill.node, VERSION, fill.id) == fill


def test_verification_finds_missing_cut_and_changed_files(lake):
    fill = lake.seal(stage(lake))
    path = Path(lake.paths(fill)[0])
    content = path.read_bytes()
    assert lake.verify(fill) == []
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert [p.code for p in lake.verify(fill)] == ["HW0655"]
    assert lake.verify(fill, hashes=False) == []
    path.write_bytes(content[:-1])
    assert [p.code for p in lake.verify(fill, hashes=False)] == ["HW0655"]
    path.unlink()
    assert [p.code for p in lake.verify(fill)] == ["HW0654"]


@pytest.mark.parametrize(("change", "code"), [(Path.unlink, "HW0654"), (lambda p: p.write_bytes(b"x" * 100), "HW0655")])
def test_a_file_lost_or_damaged_under_a_reader_is_explained(lake, change, code):
    fill = lake.seal(stage(lake))
    change(Path(lake.paths(fill)[0]))
    with pytest.raises(duckdb.Error) as failure:
        rows_of(lake, fill)
    assert lake.explain(failure.value).code == code


def test_an_error_of_the_query_is_not_explained_by_the_lake(lake):
    with pytest.raises(duckdb.Error) as failure:
        duckdb.sql("SELECT nothing").fetchall()
    assert lake.explain(failure.value) is None


def test_a_deleted_fill_is_gone_and_its_bytes_are_counted(lake):
    fill, other = lake.seal(stage(lake)), lake.seal(stage(lake, fill="f2"))
    assert lake.delete([fill]) > fill.bytes
    assert list(lake.every_fill()) == [other]
    assert not Path(lake.paths(fill)[0]).exists()
    assert lake.delete([fill]) == 0


def test_deleting_a_lost_attempt_leaves_the_one_that_won(lake):
    first, second = stage(lake, attempt="a"), stage(lake, attempt="b")
    lake.seal(first)
    lake.delete([second])
    assert lake.find(first.node, VERSION, first.id) == first
    assert rows_of(lake, first) == [(1,)]
    assert lake.orphans(NOW) == []


def test_young_files_are_no_orphans_and_rejects_belong_to_their_fill(lake):
    fill = stage(lake)
    rejects = Path(lake.path(fill.node, VERSION, "f1-a-rejects.parquet"))
    rejects.write_bytes(b"x")
    assert len(lake.orphans(NOW)) == 2
    assert lake.orphans(datetime.fromtimestamp(0, UTC)) == []
    sealed = lake.seal(replace(fill, rejects=1, rejects_file=rejects.name))
    assert lake.orphans(NOW) == []
    assert lake.rejects_path(sealed) == str(rejects)
    lake.delete([sealed])
    assert not rejects.exists()


def test_releases_are_kept_and_can_be_written_again(lake):
    lake.put_release("prod", "2", {"id": "2", "note": "ü"})
    lake.put_release("prod", "1", {"id": "1"})
    lake.put_release("../dev", "1", {"id": "x"})
    lake.put_release("prod", "2", {"id": "2", "note": "again"})
    found = list(lake.releases())
    assert {"id": "2", "note": "again"} in found
    assert len(found) == 3
    (lake.root / "_releases" / "prod" / "1.json").write_text("{")
    assert len(list(lake.releases())) == 2
    assert [p.code for p in lake.problems()] == ["HW0653"]


def test_a_lake_that_cannot_be_written_is_a_diagnostic(tmp_path):
    (tmp_path / "file").write_text("")
    lake = Lake(tmp_path / "file")
    for write in (lambda: lake.path("a", VERSION, "f"), lambda: lake.put_release("a", "1", {})):
        with pytest.raises(Broken) as broken:
            write()
        assert broken.value.diagnostics[0].code in {"HW0652", "HW0653"}


FULL_DISK = """
import resource, sys
from pathlib import Path
from headwater.connectors.stores import Lake
from headwater.diagnostics import Broken
lake = Lake(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    lake.put_release("prod", "1", {"text": "x" * 1000})
except Broken as broken:
    print(broken.diagnostics[0].code, [p.name for p in lake.root.rglob("*.json")])
"""


def test_a_full_disk_is_a_diagnostic_and_leaves_nothing_half(tmp_path):
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "lake")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "HW0652 ['lake.json']"


def test_what_a_full_disk_makes_duckdb_say_is_explained(lake):
    failure = duckdb.IOException('IO Error: Could not write file "x.parquet": No space left on device')
    assert lake.explain(failure).code == "HW0652"


def _race(root, process):
    lake = Lake(Path(root))
    fills = [stage(lake, f"SELECT {process} AS id", fill=f"f{i}", attempt=str(process)) for i in range(10)]
    return [fill.attempt for fill in map(lake.seal, fills)] + [str(os.getpid())]


def test_eight_processes_agree_on_the_winners(tmp_path):
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as processes:
        results = list(processes.map(_race, [str(tmp_path / "lake")] * 8, range(8)))
    lake = Lake(tmp_path / "lake")
    won = [fill.attempt for fill in sorted(lake.every_fill(), key=lambda fill: fill.id)]
    assert all(result[:-1] == won for result in results)
    assert all(rows_of(lake, fill) == [(int(fill.attempt),)] for fill in lake.every_fill())
    assert len(lake.orphans(NOW)) == 70


@pytest.mark.parametrize("cut", [b"", b"\0" * 300])
def test_a_manifest_that_a_loss_of_power_cut_never_counted_and_is_replaced(lake, cut):
    first, second = lake.seal(stage(lake, attempt="a")), stage(lake, attempt="b")
    (lake.root / "clean" / "flights" / VERSION / "f1.json").write_bytes(cut)
    assert lake.find(first.node, VERSION, first.id) is None
    assert (list(lake.every_fill()), lake.problems()) == ([], [])
    assert lake.seal(second) == second == lake.find(first.node, VERSION, first.id)


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_fill_whose_files_a_loss_of_power_cut_is_replaced_by_the_next_attempt(lake, change):
    first, second = lake.seal(stage(lake, attempt="a")), stage(lake, "SELECT 1 AS id", attempt="b")
    change(Path(lake.paths(first)[0]))
    assert not lake.is_whole(first)
    assert lake.seal(second) == second == lake.find(first.node, VERSION, first.id)
    assert lake.seal(stage(lake, attempt="c")) == second


def test_what_an_attempt_left_while_it_cut_slots_is_orphaned(tmp_path):
    lake = Lake(tmp_path)
    left = Path(lake.path("clean.flights", VERSION, "hw-attempt")) / "hw_slot=3" / "data_0.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert lake.orphans(datetime.now(UTC) + timedelta(days=1)) == [left]
