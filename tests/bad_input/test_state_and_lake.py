"""State, lake and disk in every bad condition: said with a way out, and never made worse."""

import json
import os
import resource
import sqlite3
import subprocess
import sys

import pytest

SALES = {"tea": 2, "coffee": 2, "cocoa": 1}
NEW = "SELECT 1 AS x\n"


def state(shop):
    return shop.root / ".headwater/state.db"


def manifest(shop):
    return next((shop.root / ".headwater/lake/main/sales").rglob("*.json"))


def rows(shop):
    return next((shop.root / ".headwater/lake/main/sales").rglob("*.parquet"))


@pytest.mark.parametrize("content", [None, b"", b"x", b"no database" * 1000], ids=["lost", "empty", "short", "damaged"])
def test_a_state_that_is_lost_or_corrupt_is_rebuilt_by_doctor_alone(shop, content):
    state(shop).unlink() if content is None else state(shop).write_bytes(content)
    code = "HW0602" if content else "HW0601"
    for command in (
        ["apply"],
        ["run"],
        ["plan"],
        ["status"],
        ["query", "FROM sales"],
        ["janitor", "--yes"],
        ["doctor"],
    ):
        assert shop.fails(*command, code=5)["code"] == code
    assert (state(shop).read_bytes() if state(shop).exists() else None) == content
    assert shop("doctor", "--repair").code == 0
    assert shop.sales() == SALES
    assert [each["kind"] for each in shop("--json", "history").document] == ["apply"]


def test_a_project_that_never_ran_needs_no_repair(shop, tmp_path):
    for path in (".headwater/lake", ".headwater/state.db"):
        (shop.root / path).rename(tmp_path / path.replace("/", "_"))
    assert shop("status").code == 0
    assert shop("apply").code == 0


def test_a_state_of_a_newer_version(shop):
    with sqlite3.connect(state(shop)) as connection:
        connection.execute("INSERT INTO migrations (number) VALUES (9999)")
    connection.close()
    for command in (["apply"], ["status"], ["doctor", "--repair"]):
        assert shop.fails(*command, code=5)["code"] == "HW0606"


def test_a_lake_of_a_newer_version(shop):
    (shop.root / ".headwater/lake/lake.json").write_text('{"format": 99}')
    for command in (["apply"], ["query", "FROM sales"], ["doctor", "--repair"]):
        assert shop.fails(*command, code=5)["code"] == "HW0650"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": "x"}', '{"format": 1}', '{"format": 99}', "\0" * 9, '{"format":1,"columns":5}'],
)
def test_a_damaged_manifest_is_found_and_mended(shop, content):
    manifest(shop).write_text(content)
    assert {each["code"] for each in shop.refuses("doctor", code=5)} <= {"HW0653", "HW0650", "HW0580"}
    assert shop.sales() == SALES
    assert shop("doctor", "--repair").code in {0, 5}
    assert shop.sales() == SALES


@pytest.mark.parametrize(("content", "code"), [(None, "HW0654"), (b"x", "HW0655"), (b"PAR1" * 200, "HW0655")])
def test_rows_that_are_lost_or_damaged_are_computed_again(shop, content, code):
    rows(shop).unlink() if content is None else rows(shop).write_bytes(content)
    said = shop("--json", "query", "FROM sales")
    assert (said.code, said.document["diagnostics"][0]["code"]) == (5, code)
    assert shop("doctor", "--repair").code == 0
    assert shop("run").code == 0
    assert shop.sales() == SALES


@pytest.mark.parametrize("path", [".headwater/lake", ".headwater/lake/main/new"])
def test_a_file_where_the_lake_needs_a_directory(shop, path, tmp_path):
    shop.write("models/new.sql", NEW)
    if (shop.root / path).exists():
        (shop.root / path).rename(tmp_path / "lake")
    shop.write(path, b"")
    assert shop.refuses("apply", code=5)[0]["code"] in {"HW0652", "HW0653", "HW0654"}


@pytest.mark.parametrize("setting", ["state: sqlite:data/orders.csv/state.db", "lake: data/orders.csv/lake"])
def test_a_place_below_a_file(shop, setting):
    shop.edit("headwater.yaml", "timezone:", f"{setting}\ntimezone:")
    [found] = shop.refuses("apply", code=5)
    assert found["code"] in {"HW0601", "HW0603", "HW0652", "HW0653"}


def limited(shop, size, *arguments):
    """Run a command that may write no file beyond some bytes: how a disk that is full, or a quota, shows itself."""
    done = subprocess.run(
        [sys.executable, "-m", "headwater", "--json", *arguments],
        cwd=shop.root, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("size", [0, 1000, 400_000])
def test_a_full_disk(shop, size):
    shop.write("models/big.sql", "SELECT i, hash(i) AS h, hash(i + 1) AS k FROM range(100000) AS t(i)\n")
    code, document, printed = limited(shop, size, "apply")
    assert code == 5
    assert document["diagnostics"][0]["code"] in {"HW0600", "HW0603", "HW0604", "HW0652"}
    assert all(each["hint"] for each in document["diagnostics"])
    assert "Traceback" not in printed
    assert shop.sales() == SALES
    assert len(shop("--json", "history").document) == 1
    assert shop("apply").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_directory_that_is_read_only(shop):
    folder = shop.root / ".headwater/lake/main"
    shop.write("models/new.sql", NEW)
    folder.chmod(0o500)
    try:
        assert shop.fails("apply", code=5)["code"] == "HW0652"
    finally:
        folder.chmod(0o700)
