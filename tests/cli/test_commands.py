"""What people read: each command's own words, from the first plan to the last rollback."""

import json
import os
import shutil

import pytest

from headwater.cli.main import SECTIONS


def lines(said):
    assert said.code == 0, said.everything
    return said.out.splitlines()


def test_init_says_what_it_made_and_what_comes_next(tmp_path):
    from tests.cli.conftest import CommandLine

    said = CommandLine(tmp_path)("init", "shop")
    assert "  models/                 1 file    tables, each a query with its settings above it" in lines(said)
    assert "  headwater plan    what would be computed, and why; nothing changes" in lines(said)
    assert "\nproject: shop\n" in (tmp_path / "shop/headwater.yaml").read_text()


def test_check_counts_what_is_there(headwater):
    assert lines(headwater("check")) == ["✓ 1 source, 1 model, 1 test: no mistakes"]


def test_a_mistake_is_shown_where_it_stands(headwater):
    headwater.edit("models/sales.sql", "o.price", "o.prise")
    said = headwater("check")
    assert said.code == 1
    place = next(i for i, line in enumerate(said.out.splitlines()) if "┌─ models/sales.sql:" in line)
    code, carets = said.out.splitlines()[place + 1 : place + 3]
    assert code[carets.index("^") :].startswith("o.prise"[-len(code[carets.index("^") :]) :]) or "prise" in code
    assert "did you mean `price`?" in said.out


def test_a_plan_says_what_and_why_and_changes_nothing(headwater):
    said = headwater("plan")
    assert "  + build sales  all  new" in lines(said)
    assert said.out.endswith("Nothing has changed yet.\n")
    assert headwater("history", "--json").document == []


def test_the_audit_chain_tells_who_did_what(applied):
    said = applied("audit", "--kind", "release")
    assert "environment dev" in said.out
    (entry,) = applied("audit", "--kind", "release", "--json").document
    assert (entry["kind"], entry["details"]["environment"]) == ("release", "dev")


def test_a_plan_can_tell_scripts_whether_there_is_something_to_do(headwater):
    assert headwater("plan", "--exit-code").code == 10
    headwater("apply")
    assert headwater("plan", "--exit-code").code == 0


def test_an_apply_says_what_it_did(headwater):
    *steps, last = lines(headwater("apply"))
    assert any(step.startswith("  + build sales") and "3 rows" in step for step in steps)
    assert last.startswith("✓ dev is at release ")


def test_a_second_apply_has_nothing_to_do(applied):
    assert lines(applied("apply")) == ["✓ dev is up to date: nothing to do."]


def test_quiet_prints_the_result_only(applied):
    assert lines(applied("--quiet", "run")) == ["✓ dev is up to date: nothing to do."]


def test_a_failed_check_exits_with_6_and_changes_nothing(applied):
    applied.edit("models/sales.sql", "checks:", "checks:\n  - row_count: {min: 9}")
    said = applied("apply")
    assert (said.code, "nothing became visible" in said.out) == (6, True)
    assert "row_count" in said.err
    assert len(applied("history", "--json").document) == 1


def test_a_saved_plan_is_applied_as_it_is(headwater, tmp_path):
    file = tmp_path / "first.plan"
    assert str(file) in headwater("plan", "--out", file).out
    headwater.edit("models/sales.sql", "count(*)", "count(DISTINCT o.order_id)")
    assert headwater("apply", file).code == 0
    assert "changed (orders)" in headwater("diff").out


def test_a_saved_plan_is_refused_once_its_base_has_moved(headwater, tmp_path):
    headwater("plan", "--out", tmp_path / "first.plan")
    headwater("apply")
    said = headwater("apply", tmp_path / "first.plan")
    assert (said.code, "HW0545" in said.err) == (4, True)


def test_a_plan_for_one_environment_is_not_applied_to_another(headwater, tmp_path):
    headwater("plan", "--out", tmp_path / "first.plan")
    assert headwater("apply", tmp_path / "first.plan", "--env", "prod").code == 2


def test_a_protected_environment_takes_saved_plans_only(headwater):
    headwater.edit("headwater.yaml", "prod: {", "prod: {protected: true, ")
    said = headwater("apply", "--env", "prod", "--yes")
    assert (said.code, "HW0547" in said.err) == (3, True)


def test_an_environment_that_nobody_declared_is_a_mistake(headwater):
    for command in ["plan", "apply", "run", "status", "history", "rollback"]:
        said = headwater(command, "--env", "prd")
        assert (said.code, "did you mean `prod`?" in said.err) == (1, True), command


def test_rows_are_a_table_csv_or_objects(shop):
    sql = "SELECT product, orders FROM sales ORDER BY product LIMIT 1"
    assert lines(shop("query", sql)) == ["product  orders", "cocoa         1", "(1 row)"]
    assert lines(shop("query", sql, "--format", "csv")) == ["product,orders", "cocoa,1"]
    assert json.loads(shop("query", sql, "--format", "json").out) == [{"product": "cocoa", "orders": 1}]


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("SELECT * FROM sale", "HW0563", "did you mean `sales`?"),
        ("SELECT orders FROM nowhere", "HW0563", "it serves sales"),
        ("SELECT * FROM orders", "HW0562", "a source and is not served"),
        ("SELECT * FROM sales JOIN orders USING (product)", "HW0562", "a source and is not served"),
    ],
)
def test_a_table_that_is_not_served_is_named_with_those_that_are(applied, sql, code, words):
    said = applied("query", sql)
    assert (said.code, code in said.err, words in said.err) == (1, True, True), said.err


def test_csv_tells_nothing_from_empty_text(shop):
    said = shop("query", """SELECT NULL AS a, '' AS b, 'x,"y"' AS c""", "--format", "csv")
    assert lines(said) == ["a,b,c", ',"","x,""y"""']


def test_a_question_can_come_from_stdin(shop):
    assert lines(shop("query", "-", "--format", "csv", stdin="SELECT 7 AS n")) == ["n", "7"]


def test_a_table_stops_at_its_limit_and_says_so(shop):
    assert lines(shop("query", "SELECT * FROM range(300)"))[-1] == "(100 rows shown; `--limit` shows more)"
    assert lines(shop("query", "SELECT * FROM range(300)", "--limit", 2))[1:3] == ["    0", "    1"]
    assert len(lines(shop("query", "SELECT * FROM range(300)", "--format", "csv"))) == 301


def test_show_shows_some_rows(shop):
    assert lines(shop("show", "sales", "--limit", 1))[-1] == "(1 row shown; `--limit` shows more)"


def test_what_moves_the_cursor_is_shown_as_text(shop):
    said = shop("query", "SELECT chr(27) || '[31mred' || chr(10) AS \"a\x1b\"")
    assert "\x1b" not in said.out
    assert r"\x1b[31mred\n" in said.out


@pytest.mark.parametrize("name", ['it\'s "quoted"', "日本", "a.b.c", "x" * 200, "'; DROP TABLE sales; --", "../..", ""])
def test_odd_names_get_an_answer(shop, name):
    for arguments in (["show", name], ["lineage", name], ["quarantine", "show", name], ["status", "--env", name]):
        said = shop(*arguments)
        assert said.code in {1, 2, 4}, arguments
        assert said.err.startswith("error[HW"), arguments


def test_wide_characters_keep_a_table_straight(shop):
    header, first, second, _ = lines(shop("query", "SELECT * FROM (VALUES ('日本', 'x'), ('abc', 'y')) AS t(name, v)"))
    assert (header, first, second) == ("name  v", "日本  x", "abc   y")


def test_status_names_what_stands_there(shop):
    first, header, row, *_ = lines(shop("status"))
    assert first.startswith("dev is at release ")
    assert (header.split()[0], row.split()[0]) == ("node", "sales")


def test_diff_of_three_names_says_how_rows_are_compared(shop):
    said = shop("diff", "dev", "prod", "sales")
    assert (said.code, "headwater diff --env dev --env prod sales" in said.err) == (2, True)


def test_diff_shows_the_lines_that_changed(applied):
    assert lines(applied("diff")) == ["dev and the files have the same code."]
    applied.edit("models/sales.sql", "count(*)", "count(DISTINCT o.order_id)")
    assert "    +    count(DISTINCT o.order_id) AS orders," in lines(applied("diff"))


def test_lineage_names_values_and_what_decides_about_rows(shop):
    said = lines(shop("lineage", "sales", "revenue"))
    assert "  orders.price → sales.revenue" in said
    assert "  orders.product decides which rows of sales" in said


def test_lineage_names_whoever_only_counts_rows(shop):
    shop.write("models/counted.sql", "SELECT count(*) AS n FROM sales\n")
    assert "  sales → counted  rows only" in lines(shop("lineage", "sales"))
    assert "  the rows of sales → counted" in lines(shop("lineage", "counted", "n"))


def test_a_copy_of_a_model_is_a_model_of_its_own(applied):
    shutil.copy(applied.root / "models/sales.sql", applied.root / "models/twin.sql")
    assert applied("apply").code == 0
    assert applied("show", "twin", "--json").document == applied("show", "sales", "--json").document


def test_a_model_can_be_given_another_name(applied):
    (applied.root / "models/sales.sql").rename(applied.root / "models/revenue.sql")
    applied.edit("tests/sales.yaml", "model: sales", "model: revenue")
    assert applied("apply").code == 0
    assert (applied("show", "revenue").code, applied("show", "sales").code) == (0, 1)


def test_a_rollback_says_what_it_does_before_it_does_it(applied):
    applied.edit("models/sales.sql", "count(*)", "count(DISTINCT o.order_id)")
    applied("apply")
    said = lines(applied("rollback", "--dry-run"))
    assert "  < sales gets its old code (1 slot)" in said
    assert len(applied("history", "--json").document) == 2


def test_a_rollback_can_name_its_release_by_its_beginning(applied):
    first = applied("history", "--json").document[0]["release"]
    applied.edit("models/sales.sql", "count(*)", "count(DISTINCT o.order_id)")
    applied("apply")
    back = applied("--json", "rollback", first[:6], "--yes").document
    assert (back["to"], [node["node"] for node in back["nodes"]]) == (first, ["sales"])


def test_environments_are_made_listed_compared_and_deleted(applied):
    assert "from dev with 2 nodes" in applied("env", "create", "try", "--from", "dev").out
    assert [each["environment"] for each in applied("env", "list", "--json").document] == ["dev", "prod", "try"]
    assert lines(applied("env", "diff", "dev", "try")) == ["dev and try serve the same."]
    assert applied("env", "delete", "try", "--yes").code == 0


def test_rows_set_aside_are_counted_and_shown(headwater):
    with (headwater.root / "data/orders.csv").open("a") as file:
        file.write("9,2026-01-03,tea,many,3.50\n")
    headwater("apply")
    assert "orders" in lines(headwater("quarantine", "list"))[1]
    shown = headwater("quarantine", "show", "orders").out
    assert "9,2026-01-03,tea,many,3.50" in shown
    assert "data/orders.csv:" in shown


def test_the_schema_can_be_written_to_a_file(headwater, tmp_path):
    headwater("schema", "--out", tmp_path / "deep" / "schema.json")
    assert json.loads((tmp_path / "deep" / "schema.json").read_text()) == headwater("schema", "--json").document


def test_a_file_that_cannot_be_written_is_a_diagnostic(headwater, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in (["schema", "--out", tmp_path / "file" / "x"], ["plan", "--out", tmp_path / "file" / "x"]):
        assert headwater(*arguments).code == 5


def test_doctor_finds_a_lost_state_and_repairs_it(applied):
    for file in (applied.root / ".headwater").glob("state.db*"):
        file.unlink()
    assert applied("doctor").code == 5
    assert applied("doctor", "--repair").code == 0
    assert len(applied("history", "--json").document) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_both_names_of_the_command(headwater, shell):
    script = headwater("completion", shell).out
    assert "_HEADWATER_COMPLETE" in script
    assert "_HW_COMPLETE" in script


def completed(project, words, monkeypatch):
    from click.testing import CliRunner

    from headwater.cli.main import cli

    monkeypatch.chdir(project.root)
    words = ["headwater", *words]
    asked = {"_HEADWATER_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    result = CliRunner().invoke(cli, [], prog_name="headwater", env={**os.environ, **asked})
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_names_are_completed(shop, monkeypatch):
    assert completed(shop, ["pl"], monkeypatch) == ["plan"]
    assert completed(shop, ["show", "sa"], monkeypatch) == ["sales"]
    assert completed(shop, ["status", "--env", "d"], monkeypatch) == ["dev"]
    assert completed(shop, ["env", "cr"], monkeypatch) == ["create"]
    assert completed(shop, ["rollback", "z"], monkeypatch) == []


def test_sections_name_each_command_once():
    names = [name for section in SECTIONS.values() for name in section]
    assert len(names) == len(set(names))


def test_a_stale_schema_is_warned_of_and_renewed(headwater):
    assert headwater("schema", "--check").code == 0
    headwater.edit("headwater.schema.json", "Headwater project files", "files")
    assert "HW0678" in headwater("check").out
    assert headwater("schema", "--check").code == 1
    assert headwater("schema", "--write").code == 0
    assert "HW0678" not in headwater("check").out


def test_the_schema_goes_to_one_place(headwater):
    assert headwater("schema", "--check", "--write").code == 2


def test_check_counts_the_models_that_somebody_wrote(headwater):
    headwater.write("models/latest.sql", "/* headwater\nkind: merge\nkey: [product]\n*/\nSELECT product FROM sales\n")
    assert headwater("check").out.startswith("✓ 1 source, 2 models, ")
