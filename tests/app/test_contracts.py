"""A contract that no row fits is said loudly: more likely it is wrong than every row."""

WRONG = {"id": "bigint", "sku": "integer"}
ROWS = [(1, "tea"), (2, "coffee")]


def test_a_file_none_of_whose_rows_fits_is_warned_of(project):
    project.source("raw", {**WRONG, "at": "timestamp"}, time="at", start="2024-01-01")
    project.file("raw", "1.csv", ["id", "sku", "at"], [(1, "tea", "2024-01-02 00:00:00")])
    project.model("n", "SELECT count(*) AS n FROM raw")
    assert "HW0315" in [d.code for d in project.apply().diagnostics]


def test_rows_that_a_scan_sets_aside_are_counted(project):
    project.source("raw", WRONG, rows=[*ROWS, (3, 7)])
    project.model("n", "SELECT count(*) AS n FROM raw")
    [found] = project.apply().diagnostics
    assert (found.code, found.message) == ("HW0316", "2 rows of source `raw` set aside: outside its contract")


def test_a_clean_source_says_nothing(project):
    project.source("raw", {"id": "bigint", "sku": "text"}, rows=ROWS)
    project.model("n", "SELECT count(*) AS n FROM raw")
    assert project.apply().diagnostics == ()
