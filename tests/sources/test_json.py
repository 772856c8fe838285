"""JSON lines and JSON documents: exact values, and a place for everything that is none."""

from decimal import Decimal

import pytest

from headwater.diagnostics import Invalid
from tests.sources.reading import Folder, read


def test_objects_become_rows(folder: Folder):
    folder.write("a.jsonl", '{"a": 1, "b": "x", "more": [1]}\n{"b": null}\n')
    found = folder.read("a.jsonl", {"a": "integer", "b": "text"})
    assert (sorted(found.rows, key=str), found.rejects) == ([(1, "x"), (None, None)], [])


@pytest.mark.parametrize(
    ("written", "type_", "value"),
    [
        ("9007199254740993", "bigint", 9007199254740993),
        ("170141183460469231731687303715884105727", "hugeint", 2**127 - 1),
        ("0.1", "decimal(18,3)", Decimal("0.100")),
        ("12345678901234567890.1234567890", "decimal(38,10)", Decimal("12345678901234567890.1234567890")),
        ("0.30000000000000000001", "decimal(38,20)", Decimal("0.30000000000000000001")),
        ('"0.30000000000000000001"', "decimal(38,20)", Decimal("0.30000000000000000001")),
        ("true", "boolean", True),
        ('"é\\u00e9\\n"', "text", "éé\n"),
        ('{"k": [1, 2], "extra": 0}', "struct(k integer[], l text)", {"k": [1, 2], "l": None}),
        ("[[1], []]", "integer[][]", [[1], []]),
        ('{"k":1}', "json", '{"k":1}'),
        ("null", "struct(k integer)", None),
        ("null", "json", None),
    ],
)
def test_values_are_exact(folder: Folder, written: str, type_: str, value: object):
    folder.write("a.jsonl", f'{{"long": 1, "a": {written}}}\n')
    found = folder.read("a.jsonl", {"a": type_})
    assert (found.rows, found.rejects) == ([(value,)], [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("not json", "json"),
        ("[1]", "json"),
        ("5", "json"),
        ("null", "json"),
        ('{"a": 1', "json"),
        ('{"a": 1}{"a": 2}', "json"),
        ('{"a": "x"}', "cast"),
        ('{"a": {}}', "cast"),
        ('{"a": 99999999999}', "cast"),
    ],
)
def test_a_line_that_is_no_row_is_set_aside_with_its_place(folder: Folder, bad: str, reason: str):
    folder.write("a.jsonl", f'{{"a": 1}}\n\n{bad}\n  \n{{"a": 2}}')
    found = folder.read("a.jsonl", {"a": "integer"}, "SELECT count(*) FROM this")
    assert found.rows == [(2,)]
    assert [(r.reason, r.position, r.line, r.payload) for r in found.rejects] == [(reason, 10, 3, bad)]


def test_a_part_of_a_nested_value_that_does_not_cast_sets_the_row_aside(folder: Folder):
    folder.write("a.jsonl", '{"a": {"k": [1]}}\n{"a": {"k": ["x"]}}\n{"a": [1]}\n')
    found = folder.read("a.jsonl", {"a": "struct(k integer[])"})
    assert (found.rows, [r.line for r in found.rejects]) == ([({"k": [1]},)], [2, 3])


def test_bytes_that_are_not_utf8_and_very_long_lines_are_set_aside(folder: Folder):
    folder.write(
        "a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n{"a": "\xff"}\r\n{"b": "' + b"x" * 50_000_000 + b'"}\r\n{"a": 2}\r\n'
    )
    found = folder.read("a.jsonl", {"a": "integer"})
    assert (sorted(found.rows), found.reasons) == ([(1,), (2,)], ["encoding", "too long"])


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_arrays_and_concatenated_objects_are_documents(folder: Folder, compression: str):
    folder.write(f"1.json{compression}", '[{"a": 1},\n {"a": "x"}, 5]')
    folder.write(f"2.json{compression}", '{"a": 2} {"a":\n3}\n')
    folder.write(f"3.json{compression}", "[]")
    folder.write(f"4.json{compression}", "")
    found = folder.read(f"*.json{compression}", {"a": "integer"})
    assert sorted(found.rows) == [(1,), (2,), (3,)]
    assert [(r.reason, r.position, r.line) for r in found.rejects] == [("cast", 12, 2), ("json", 24, 3)]


def test_a_broken_document_is_a_diagnostic_that_names_the_file(folder: Folder):
    folder.write("a.json", '[{"a": 1}, {"a":')
    with pytest.raises(Invalid) as caught:
        folder.read("a.json", {"a": "integer"})
    assert caught.value.diagnostics[0].code == "HW0314"
    assert "`a.json`" in caught.value.diagnostics[0].message


def test_keys_may_hold_any_sign(folder: Folder):
    folder.write("a.jsonl", '{"it\'s a \\"key\\".$": 1.00000000000000000001}\n')
    assert folder.read("a.jsonl", {'it\'s a "key".$': "decimal(30,20)"}).rows == [(Decimal("1.00000000000000000001"),)]


def test_a_lazy_contract_gives_null(folder: Folder):
    folder.write("a.jsonl", '{"a": "x"}\nbroken\n')
    found = folder.read("a.jsonl", {"a": "integer"}, lazy=True)
    assert (found.rows, found.reasons) == ([(None,)], ["json"])


def test_lines_are_judged_in_the_scan_that_reads_them(folder: Folder):
    folder.write("a.jsonl", '{"a": 1}\nbroken {\n{"a": "x"}\n{"a": 2}\n')
    source = folder.source("a.jsonl", {"a": "integer"})
    found = read(source, "SELECT a FROM this WHERE a > 1")
    assert not source.needs_inspection
    assert (found.rows, sorted(found.reasons), found.positions) == ([(2,)], ["cast", "json"], [9, 18])
