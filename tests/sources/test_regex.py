"""Lines by a pattern: each named group is a column; RE2 matches, in time linear in the line."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.sources.files.named_groups import groups_of
from headwater.diagnostics import Invalid
from tests.sources.reading import Folder

PATTERN = r"\[(?P<at>[^\]]+)\] (?P<level>[A-Z]+)(?: (?P<n>\d+))?: (?P<message>.*)"
COLUMNS = {"at": "timestamp", "level": "text", "n": "integer", "message": "text"}
GOOD = "[2026-01-02 03:04:05] INFO 7: hello"


def lines(
    folder: Folder, content: str | bytes, pattern: str = PATTERN, columns: dict[str, str] = COLUMNS, **said: object
):
    folder.write("a.txt", content)
    return folder.read("a.txt", columns, format="regex", pattern=pattern, **said)


def test_each_group_is_a_column(folder: Folder):
    assert lines(folder, GOOD + "\n").rows == [(datetime(2026, 1, 2, 3, 4, 5), "INFO", 7, "hello")]


def test_a_group_without_text_has_no_value(folder: Folder):
    assert lines(folder, "[2026-01-02 03:04:05] INFO: \n").rows == [(datetime(2026, 1, 2, 3, 4, 5), "INFO", None, None)]


def test_columns_come_in_the_order_of_the_contract_and_groups_without_a_column_are_not_read(folder: Folder):
    found = lines(folder, "a b c\n", r"(?P<x>\w) (\w) (?P<y>\w)", {"y": "text", "x": "text"})
    assert found.rows == [("c", "a")]


@pytest.mark.parametrize("bad", ["INFO: x", GOOD.replace("] ", "]"), " " + GOOD, GOOD.replace("2026", "x"), "\0"])
def test_a_line_that_does_not_match_or_cast_is_set_aside_with_its_place(folder: Folder, bad: str):
    found = lines(folder, f"{GOOD}\n{bad}\n{GOOD}\n", query="SELECT level FROM this")
    assert found.rows == [("INFO",)] * 2
    assert [(r.position, r.line, r.payload) for r in found.rejects] == [(len(GOOD) + 1, 2, bad)]


def test_a_pattern_matches_whole_lines(folder: Folder):
    found = lines(folder, "a\naa\nb\nab\n", "(?P<x>a|b)", {"x": "text"})
    assert (sorted(found.rows), [r.payload for r in found.rejects]) == ([("a",), ("b",)], ["aa", "ab"])


@pytest.mark.parametrize("pattern", ["(?i)(?P<x>A+)", "^(?P<x>a+)$", r"(?P<x>\Qa\E+)", "(?P<x>[^]b]+)", "(?P<x>a+)\n"])
def test_flags_anchors_quotes_and_classes(folder: Folder, pattern: str):
    assert lines(folder, "aaa\n", pattern, {"x": "text"}).rows == [("aaa",)]


def test_other_line_ends_and_no_end(folder: Folder):
    assert len(lines(folder, f"{GOOD}\r\n\r\n{GOOD}\r\n{GOOD}").rows) == 3


def test_texts_can_mean_no_value_and_times_have_a_format(folder: Folder):
    pattern, columns = r"(?P<at>\S+) (?P<n>\S+)", {"at": "date", "n": "integer"}
    found = lines(folder, "02.01.2026 -\n", pattern, columns, null=("-",), time_format="%d.%m.%Y")
    assert found.rows == [(datetime(2026, 1, 2).date(), None)]


def test_a_pattern_that_would_backtrack_for_ever_takes_no_longer_than_others(folder: Folder):
    found = lines(folder, "a" * 100_000 + "!\n", "(?P<x>(?:a+)+)", {"x": "text"})
    assert found.reasons == ["format"]


@pytest.mark.parametrize(
    ("pattern", "code", "said"),
    [
        ("(?P<x>a)(?=b)", "HW0630", "looking ahead"),
        ("(?<!a)(?P<x>b)", "HW0630", "looking behind"),
        (r"(?P<x>a)\1", "HW0630", "reference back"),
        ("(?P<x>a)(?P=x)", "HW0630", "reference back"),
        ("(?P<x>a", "HW0630", "missing )"),
        ("(?P<x>a))(b", "HW0630", "unexpected )"),
        ("(?P<x>a{1001})", "HW0630", "repetition size"),
        ("(?<x>a)", "HW0630", "(?<"),
        ("(?P<x>a)\n(b)", "HW0630", "end of a line"),
        (r"(?P<x>\Qa)", "HW0630", "not closed"),
        ("", "HW0630", "needs a `pattern`"),
        ("(a)", "HW0631", "no named group"),
        ("(?P<x>a)|(?P<x>b)", "HW0630", "more than one group `x`"),
        ("(?P<X>a)", "HW0632", "no group for the column `x`"),
    ],
)
def test_a_pattern_that_cannot_be_is_a_diagnostic(folder: Folder, pattern: str, code: str, said: str):
    with pytest.raises(Invalid) as caught:
        folder.source("a.txt", {"x": "text"}, format="regex", pattern=pattern)
    (found,) = [d for d in caught.value.diagnostics if d.code != "HW0633"]
    assert (found.code, said in found.message) == (code, True), found.message


PIECES = st.lists(
    st.sampled_from([r"\(", r"\[", "[(]", "[^)]", "[[:alpha:](]", "(?:a)", "(b)", "(?P<c>d)", r"\Q((\E", "(?i)"])
)


@given(PIECES)
def test_groups_are_counted_as_the_engine_counts_them(pieces: list[str]):
    import duckdb

    pattern = "".join(pieces)
    groups = groups_of(pattern)
    assert groups == tuple("c" if piece == "(?P<c>d)" else "" for piece in pieces if piece in {"(b)", "(?P<c>d)"})
    with duckdb.connect() as connection:
        names = [f"'g{n}'" for n in range(len(groups) + 1)]
        with pytest.raises(duckdb.BinderException, match=rf"groups \({len(groups)}\)"):
            connection.execute(f"SELECT regexp_extract('', '{pattern}', [{', '.join(names)}])")
