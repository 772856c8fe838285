"""New projects from templates."""

import gzip

import duckdb
import pytest
import yaml

from headwater.app import flights_data
from headwater.app.initialise import initialise, templates
from headwater.diagnostics import Invalid

pytestmark = pytest.mark.xdist_group("initialise")


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    root = tmp_path_factory.mktemp("flights")
    initialise(root, "flights", name="delays")
    return root


def count(root, relation):
    return duckdb.sql(f"SELECT count(*) FROM {relation.replace('ROOT', str(root))}").fetchall()[0][0]


def refusal(root, template="minimal"):
    with pytest.raises(Invalid) as refused:
        initialise(root, template, name="x")
    return refused.value.diagnostics[0]


def test_every_file_that_is_written_is_reported(tmp_path):
    written = initialise(tmp_path, "minimal", name="first")
    assert [str(path) for path in written] == sorted(
        str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_file()
    )


def test_a_project_has_its_own_name(tmp_path, flights):
    initialise(tmp_path, name="sales")
    assert (tmp_path / "headwater.yaml").read_text().splitlines()[1] == "project: sales"
    assert (flights / "headwater.yaml").read_text().splitlines()[1] == "project: delays"


def test_a_name_that_is_no_plain_word_is_quoted(tmp_path):
    initialise(tmp_path, name='Zürich: "north"')
    assert (tmp_path / "headwater.yaml").read_text().splitlines()[1] == 'project: "Zürich: \\"north\\""'


def test_a_directory_is_made_if_it_does_not_exist(tmp_path):
    initialise(tmp_path / "a" / "b", name="b")
    assert (tmp_path / "a" / "b" / "headwater.yaml").is_file()


def test_a_git_repository_without_files_is_empty_enough(tmp_path):
    (tmp_path / ".git").mkdir()
    initialise(tmp_path, name="x")
    assert ".headwater/" in (tmp_path / ".gitignore").read_text().splitlines()


def test_a_directory_with_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    assert (refusal(tmp_path).code, "thesis.tex" in refusal(tmp_path).message) == ("HW0911", True)
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "x").write_text("")
    assert refusal(tmp_path / "x").code == "HW0911"


def test_an_unknown_template_is_refused_with_those_there_are(tmp_path):
    assert (refusal(tmp_path, "flight").code, refusal(tmp_path, "flight").hint) == (
        "HW0910",
        "templates: minimal, flights, logs",
    )


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    assert refusal(tmp_path, "flights").hint == "pip install 'headwater[demo]'"
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_a_diagnostic(tmp_path):
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file" / "below").code == "HW0913"


def test_three_airports_keep_all_flights_in_monthly_files(flights):
    files = sorted((flights / "data").glob("*/flights/2013-??.csv.gz"))
    assert len(files) == 36
    assert count(flights, "'ROOT/data/*/flights/2013-??.csv.gz'") == 336_776
    assert count(flights, "'ROOT/data/jfk/flights/2013-??.csv.gz' WHERE origin <> 'JFK'") == 0


def test_three_airports_keep_all_weather_in_monthly_files(flights):
    assert count(flights, "'ROOT/data/*/weather/2013-??.jsonl.zst'") == 26_115
    assert count(flights, "'ROOT/data/*/weather/*.jsonl.zst' WHERE wind_speed > 1000") == 1


def test_reference_tables_are_whole_and_know_missing_values(flights):
    assert [count(flights, f"'ROOT/data/reference/{name}.csv'") for name in ("airlines", "airports", "planes")] == [
        16,
        1458,
        3322,
    ]
    assert count(flights, "'ROOT/data/reference/planes.csv' WHERE year IS NULL") > 0


def test_damaged_lines_are_in_one_marked_file(flights):
    header, *lines = gzip.decompress((flights / flights_data.MALFORMED).read_bytes()).decode().splitlines()
    sound = gzip.decompress((flights / "data/ewr/flights/2013-12.csv.gz").read_bytes()).decode().splitlines()
    assert (header, len(lines)) == (sound[0], 6)


def test_a_month_is_a_month_in_new_york(flights):
    in_new_york = "time_hour AT TIME ZONE 'America/New_York'"
    assert count(flights, f"'ROOT/data/*/flights/2013-01.csv.gz' WHERE month({in_new_york}) <> 1") == 0


@pytest.mark.parametrize("template", templates())
def test_any_reader_of_yaml_reads_what_a_template_holds(template, tmp_path):
    initialise(tmp_path, template, name="x")
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.yaml")]
    assert len(found) > 1
    assert all(found)
