"""`headwater catalog` and `headwater diff` of rows, as a person sees them."""

import duckdb
import pytest


@pytest.fixture
def shop(applied):
    """prod serves what dev did before a price changed."""
    applied("apply", "--env", "prod")
    text = (applied.root / "data/orders.csv").read_text()
    first = text.splitlines()[1]
    applied.write("data/orders.csv", text.replace(first, first.rsplit(",", 1)[0] + ",99.50"))
    applied("run")
    return applied


def test_a_catalog_is_written_and_says_what_it_shows(applied, tmp_path):
    said = applied("catalog", "--duckdb", tmp_path / "dev.duckdb")
    assert (said.code, "shows dev at release" in said.out, said.err) == (0, True, "")
    with duckdb.connect(str(tmp_path / "dev.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchall() == [(3,)]


def test_files_are_listed_for_machines(applied):
    document = applied("catalog", "--json", "--node", "sales").document
    (node,) = document["nodes"]
    assert (document["environment"], document["base"], node["node"], node["rows"]) == ("dev", None, "sales", 3)
    (file,) = node["files"]
    assert set(file) == {"path", "rows", "bytes", "slots", "site", "slot", "only"}
    assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [file["path"]]).fetchall() == [(3,)]


def test_paths_may_be_relative_to_the_project(applied):
    (node,) = applied("catalog", "--json", "--relative").document["nodes"]
    assert (applied.root / node["files"][0]["path"]).is_file()


def test_a_table_of_nodes_for_people(applied):
    header, row = applied("catalog").out.splitlines()[1:]
    assert (header.split()[:3], row.split()[:3]) == (["node", "kind", "slots"], ["sales", "full", "1"])


def test_rows_that_differ_are_shown(shop):
    said = shop("diff", "--env", "prod", "--env", "dev", "sales")
    assert said.code == 0
    assert "  0 rows only in prod, 0 only in dev, 1 in both that differ (by product)" in said.out.splitlines()
    assert "revenue          1  66.6666 %" in said.out.splitlines()


@pytest.mark.parametrize(("pair", "code"), [(("prod", "dev"), 10), (("dev", "dev"), 0)])
def test_an_exit_code_says_whether_rows_differ(shop, pair, code):
    assert shop("diff", "--env", pair[0], "--env", pair[1], "sales", "--exit-code").code == code


def test_an_exit_code_says_whether_code_differs(shop):
    assert shop("diff", "dev", "prod", "--exit-code").code == 0
    shop.edit("models/sales.sql", "count(*)", "1 + count(*)")
    assert shop("diff", "--exit-code").code == 10


def test_differing_rows_for_machines(shop):
    document = shop("diff", "--env", "prod", "--env", "dev", "sales", "--json").document
    assert (document["same"], document["key"], document["differing"]) == (False, ["product"], 1)
    assert document["slots"] == {"shared": 0, "read": 2}
    (pair,) = document["sample"]["differing"]
    assert (list(pair["columns"]), pair["key"]) == (["revenue"], {"product": "tea"})


def test_two_environments_without_a_node_compare_code(shop):
    assert shop("diff", "--env", "dev", "--env", "prod").out == shop("diff", "dev", "prod").out


def test_releases_are_compared(shop):
    newest, before = [each["release"] for each in shop("history", "--json").document[:2]]
    for arguments in ([before], [before, "--release", newest]):
        assert shop("diff", "--release", *arguments, "sales", "--json").document["differing"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--env", "dev", "--env", "prod", "--env", "dev", "sales"],
        ["--env", "dev", "--env", "prod", "sales", "sales"],
        ["--env", "dev", "--env", "prod", "--release", "x", "sales"],
        ["--release", "x"],
        ["dev", "prod", "--key", "a"],
        ["--env", "dev", "--env", "prod", "sales", "--sample", "-1"],
        ["--env", "dev", "--env", "prod", "sales", "--tolerance", "much"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(shop, arguments):
    assert shop("diff", *arguments).code == 2
