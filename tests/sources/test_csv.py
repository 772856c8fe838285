"""CSV and TSV: every line is a row of the source or set aside with its reason and its place."""

import pytest

from headwater.diagnostics import Invalid
from tests.sources.reading import Folder

AB = {"a": "integer", "b": "text"}


def test_rows_come_with_the_declared_types(folder: Folder):
    folder.write("a.csv", "a,b\n1,x\n2,\n")
    assert folder.read("a.csv", AB).rows == [(1, "x"), (2, None)]


def test_a_row_that_does_not_cast_is_set_aside_with_its_place_and_text(folder: Folder):
    folder.write("a.csv", "a,b\n1,x\nzz,y\n3,z\n")
    found = folder.read("a.csv", AB, "SELECT count(*) FROM this")
    assert found.rows == [(2,)]
    (bad,) = found.rejects
    assert (bad.reason, bad.column, bad.position, bad.line, bad.payload) == ("cast", "a", 8, 3, "zz,y")


@pytest.mark.parametrize("query", ["*", "a", "b", "a, b", "1", "c"])
def test_what_a_query_reads_does_not_decide_which_rows_there_are(folder: Folder, query: str):
    folder.write("a.csv", b"a,b,c\n1,x,1\nzz,y,2\n3,\xff,3\n4,z,zz\n5,v,5\n")
    columns = {"a": "integer", "b": "text", "c": "integer"}
    assert folder.read("a.csv", columns, f"SELECT count(*) FROM (SELECT {query} FROM this)").rows == [(2,)]


def test_columns_are_found_by_name_and_others_are_ignored(folder: Folder):
    folder.write("1.csv", "b,more,a\nx,?,1\n")
    folder.write("2.csv", "A,B\n2,y\n")
    assert sorted(folder.read("*.csv", AB).rows) == [(1, "x"), (2, "y")]


def test_ragged_lines_are_set_aside(folder: Folder):
    folder.write("a.csv", "a,b\n1\n2,y\n3,z,z\n")
    found = folder.read("a.csv", AB)
    assert (found.rows, found.reasons, found.positions) == ([(2, "y")], ["columns", "columns"], [4, 10])


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa,b\n1,x\n",
        b"a,b\r\n1,x\r\n",
        b"a,b\n1,x",
        b"a,b\n\n1,x\n\n\n",
        b'"a","b"\n"1","x"\n',
        b"a,b\r1,x\r",
    ],
    ids=["byte order mark", "CRLF", "no line end", "blank lines", "quoted", "CR"],
)
def test_files_of_all_habits_are_read(folder: Folder, content: bytes):
    folder.write("a.csv", content)
    found = folder.read("a.csv", AB)
    assert (found.rows, found.rejects) == ([(1, "x")], [])


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a,b", b"\xef\xbb\xbf"])
def test_a_file_without_rows_has_no_rows(folder: Folder, content: bytes):
    folder.write("a.csv", content)
    found = folder.read("a.csv", AB)
    assert (found.rows, found.rejects) == ([], [])


def test_compressed_files_are_read(folder: Folder):
    folder.write("1.csv.gz", "a,b\n1,x\n")
    folder.write("2.csv.zst", "a,b\n2,y\nzz,\n")
    folder.write("3.csv.gz", b"")
    found = folder.read("*.csv.*", AB, format="csv")
    assert (sorted(found.rows), found.positions) == ([(1, "x"), (2, "y")], [8])


def test_quoted_line_ends_belong_to_a_value(folder: Folder):
    folder.write("a.csv", 'a,b\n1,"x\ny"\nzz,"p\nq"\n3,z\n')
    found = folder.read("a.csv", AB)
    assert (found.rows, found.positions) == ([(1, "x\ny"), (3, "z")], [12])


def test_a_quote_that_is_never_closed_is_set_aside(folder: Folder):
    folder.write("a.csv", 'a,b\n1,x\n2,"open\n3,y\n')
    found = folder.read("a.csv", AB)
    assert (found.rows, found.reasons) == ([(1, "x")], ["quotes"])


def test_nul_bytes_and_quotes_in_names_do_no_harm(folder: Folder):
    folder.write("a.csv", b'"it\'s ""a""","b c"\n1,x\x00y\n')
    assert folder.read("a.csv", {'it\'s "a"': "integer", "b c": "text"}).rows == [(1, "x\x00y")]


def test_text_that_is_not_utf8_is_set_aside_unless_the_encoding_is_declared(folder: Folder):
    folder.write("a.csv", "a,b\n1,é\n2,x\n".encode("latin-1"))
    assert folder.read("a.csv", AB).reasons == ["encoding"]
    found = folder.read("a.csv", AB, encoding="latin-1")
    assert (found.rows, found.rejects) == ([(1, "é"), (2, "x")], [])


def test_dialects(folder: Folder):
    folder.write("a.tsv", "a\tb\n1\t'x\ty'\n2\tNA\n3\t'it\\'s'\n")
    found = folder.read("a.tsv", AB, quote="'", escape="\\", null=["", "NA"])
    assert (found.rows, found.rejects) == ([(1, "x\ty"), (2, None), (3, "it's")], [])


def test_without_a_header_columns_go_by_their_place(folder: Folder):
    folder.write("a.csv", "1|x\n2|y\n3\n")
    found = folder.read("a.csv", AB, header=False, delimiter="|")
    assert (found.rows, found.positions) == ([(1, "x"), (2, "y")], [8])


def test_a_line_of_fifty_megabytes_is_set_aside(folder: Folder):
    folder.write("a.csv", b"a,b\n1,x\n2," + b"y" * 50_000_000 + b"\n3,z\n")
    found = folder.read("a.csv", AB)
    assert (sorted(found.rows), found.reasons, found.positions) == ([(1, "x"), (3, "z")], ["too long"], [8])
    assert len(found.rejects[0].payload) < 10_000


def test_types_that_only_sql_can_cast_are_judged_too(folder: Folder):
    folder.write("a.csv", 'a,b,c\n"[1, 2]",2024-01-01 10:00:00,1\n"[x]",2024-01-01 10:00:00,2\n,nonsense,3\n')
    found = folder.read("a.csv", {"a": "integer[]", "b": "timestamp", "c": "integer"}, "SELECT a FROM this")
    assert found.rows == [([1, 2],)]
    assert [(r.reason, r.column, r.line) for r in found.rejects] == [("cast", "a", 3), ("cast", "b", 4)]


def test_a_required_value_that_is_missing_sets_the_row_aside(folder: Folder):
    folder.write("a.csv", "a,b\n1,x\n,y\n3,\n")
    found = folder.read("a.csv", {"a": "integer!", "b": "text"}, "SELECT b FROM this")
    assert sorted(found.rows, key=str) == [("x",), (None,)]
    assert [(r.reason, r.column, r.position, r.payload) for r in found.rejects] == [("missing", "a", 8, ",y")]


def test_a_lazy_contract_gives_null_for_bad_values_and_still_sets_broken_lines_aside(folder: Folder):
    folder.write("a.csv", "a,b\nzz,x\n2\n3,y\n")
    found = folder.read("a.csv", AB, lazy=True)
    assert (sorted(found.rows, key=str), found.reasons) == ([(3, "y"), (None, "x")], ["columns"])


def test_a_bad_row_can_be_an_error_that_names_it(folder: Folder):
    folder.write("a.csv", "a,b\n1,x\nzz,y\n")
    with pytest.raises(Invalid) as caught:
        folder.read("a.csv", AB, fail_on_bad_row=True)
    assert caught.value.diagnostics[0].code == "HW0312"
    assert "`a.csv`, line 3" in caught.value.diagnostics[0].message


def test_a_file_with_other_columns_is_an_error_that_names_file_and_columns(folder: Folder):
    folder.write("1.csv", "a,b\n1,x\n")
    folder.write("2.csv", "a,c\n1,x\n")
    with pytest.raises(Invalid) as caught:
        folder.read("*.csv", AB)
    (found,) = caught.value.diagnostics
    assert (found.code, found.where.line) == ("HW0311", 3)
    assert found.message == "`2.csv` does not have the column `b`; it has a, c"


def test_a_column_that_stands_twice_in_a_header_is_said_to(folder: Folder):
    folder.write("1.csv", "a,b,A\n1,x,2\n")
    with pytest.raises(Invalid, match="has the column `a` more than once"):
        folder.read("1.csv", AB)


def test_a_file_with_other_columns_can_be_set_aside_whole(folder: Folder):
    folder.write("1.csv", "a,b\n1,x\n")
    folder.write("2.csv", "a,c\n1,x\n2,y\n")
    found = folder.read("*.csv", AB, fail_on_schema_change=False)
    assert (found.rows, [(r.reason, r.path, r.payload) for r in found.rejects]) == (
        [(1, "x")],
        [("schema", "2.csv", "a,c")],
    )


def test_different_line_ends_in_one_file_are_a_diagnostic(folder: Folder):
    folder.write("a.csv", b"t,b\n2024-01-01,x\r\n2024-01-02,y\n")
    with pytest.raises(Invalid) as caught:
        folder.read("a.csv", {"t": "date", "b": "text"}, time="t")
    assert caught.value.diagnostics[0].code == "HW0313"
    assert "`a.csv`" in caught.value.diagnostics[0].message


@pytest.mark.parametrize("size", [20, 200])
def test_a_truncated_archive_is_a_diagnostic_that_names_the_file(folder: Folder, size: int):
    whole = folder.write("a.csv.gz", "t,b\n" + "".join(f"2024-01-01,{n * 7919 % 10007}\n" for n in range(5000)))
    whole.write_bytes(whole.read_bytes()[:-size])
    with pytest.raises(Invalid) as caught:
        folder.read("a.csv.gz", {"t": "date", "b": "text"}, time="t")
    assert caught.value.diagnostics[0].code == "HW0314"
    assert "`a.csv.gz`" in caught.value.diagnostics[0].message


def test_a_file_that_is_no_archive_is_a_diagnostic(folder: Folder):
    (folder.root / "a.csv.gz").write_bytes(b"plain text")
    with pytest.raises(Invalid) as caught:
        folder.read("a.csv.gz", AB)
    assert caught.value.diagnostics[0].code in {"HW0306", "HW0314"}
