"""Whatever is inserted and whenever it is landed: what is served is what is in the database, each row as often."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness import Project
from tests.landing.conftest import Shop

ROW = st.tuples(st.integers(0, 2), st.sampled_from([None, "a", "b", 1.5]), st.sampled_from([1, 2]))
"""How far the cursor goes on, and two values: equal rows and equal cursors come often."""


@settings(max_examples=12)
@given(st.lists(st.lists(ROW, max_size=6), min_size=2, max_size=4))
def test_ties_duplicates_and_pauses_neither_lose_nor_repeat_a_row(pieces):
    with TemporaryDirectory() as folder:
        shop = Shop(Project(Path(folder, "p")))
        shop.sql("CREATE TABLE t (at_ REAL, a, b)")
        shop.source("t", {"at_": "double", "a": "text", "b": "bigint"}, table="t", cursor="at_")
        shop.project.model("kept", "SELECT * FROM t")
        shop.project.apply()
        cursor, inserted = 0, []
        for piece in pieces:
            rows = []
            for step, a, b in piece:
                cursor += step
                rows.append((float(cursor), a, b))
            if rows:
                shop.sql("INSERT INTO t VALUES (?, ?, ?)", *rows)
            inserted += rows
            shop.project.run()
            expected = sorted(((at, None if a is None else str(a), b) for at, a, b in inserted), key=repr)
            assert shop.project.table("kept") == expected
        shop.project.reopen()
