"""`show --quality`: a chart for a person, a document for a machine."""


def test_the_chart_needs_no_terminal_and_no_colour(shop):
    said = shop("--no-color", "show", "sales", "--quality")
    first, score, rows, *_ = said.out.split("\n")
    assert (said.code, first) == (0, "sales in dev: quality 100 of 100")
    assert score.startswith("score  █  1 release, ")
    assert rows.startswith("rows   ")
    assert "\x1b" not in said.out


def test_every_check_is_listed(shop):
    assert "not_null(product)" in shop("show", "sales", "--quality").out


def test_the_document_has_the_published_shape(shop):
    found = shop("--json", "show", "sales", "--quality").document
    assert set(found) == {"environment", "node", "quality", "blocked", "releases", "slots", "checks", "failing"}
    assert (found["quality"], found["failing"], len(found["releases"])) == (100.0, [], 1)


def test_rows_that_fail_stand_in_both(headwater):
    headwater.edit("models/sales.sql", "checks:", "checks:\n  - expression: {sql: revenue < 0, on_fail: warn}")
    headwater("apply")
    (failing,) = headwater("--json", "show", "sales", "--quality").document["failing"]
    assert (failing["served"], failing["rows"][0].keys()) == (True, {"product", "orders", "revenue"})
    assert '    {"product":' in headwater("show", "sales", "--quality").out


def test_quality_is_no_table(shop):
    said = shop("show", "sales", "--quality", "--format", "csv")
    assert (said.code, "--format" in said.everything) == (2, True)


def test_an_unknown_node_is_said(shop):
    said = shop("show", "sale", "--quality")
    assert (said.code, "did you mean `sales`?" in said.everything) == (1, True)


def test_an_empty_quarantine_says_whose_rows_it_lists(applied):
    applied.edit("models/sales.sql", "min: 0", "min: 1000")
    applied.write("data/orders.csv", (applied.root / "data/orders.csv").read_text() + "x,2026-01-02,tea,1,1.00\n")
    assert "1 set aside" in applied("apply").out
    assert "a refused apply or run set aside are listed once" in applied("quarantine", "list").out
