"""Which nodes a pattern means, and where a column comes from."""

import pytest

from headwater.diagnostics import Invalid
from headwater.graph.lineage import trace
from headwater.graph.selection import select
from tests.graph.conftest import Code


@pytest.fixture
def chain(code: Code) -> Code:
    code.source("raw", "id bigint, price double, note text")
    code.model("clean.base", "SELECT id, price, note FROM raw WHERE note <> ''", tags=("daily",))
    code.model("totals", "SELECT id, sum(price) AS total FROM clean.base GROUP BY id")
    code.model("other", "SELECT id FROM raw")
    code.sink("out", "totals")
    return code


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("totals", {"totals"}),
        ("+totals", {"raw", "clean.base", "totals"}),
        ("clean.base+", {"clean.base", "totals", "out"}),
        ("+clean.base+", {"raw", "clean.base", "totals", "out"}),
        ("+out", {"raw", "clean.base", "totals", "out"}),
        ("tag:daily", {"clean.base"}),
        ("path:models/clean*", {"clean.base"}),
        ("path:models", {"clean.base", "totals", "other"}),
        ("clean.*", {"clean.base"}),
        ("changed", {"other"}),
        ("changed+", {"other"}),
        ("TOTALS", {"totals"}),
    ],
)
def test_patterns(chain: Code, pattern: str, names: set[str]) -> None:
    assert select(chain.graph(), [pattern], frozenset({"other"})) == (names, [])


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("totls", "totals"), ("tag:dayly", "daily"), ("+clean.bse", "clean.base"), ("path:nowhere", "")],
)
def test_a_pattern_that_means_nothing_is_a_mistake(chain: Code, pattern: str, hint: str) -> None:
    names, (found,) = select(chain.graph(), [pattern], frozenset())
    assert (names, found.code, hint in found.hint) == (set(), "HW0250", True)


def test_a_column_is_traced_to_its_sources_and_to_what_decides_about_its_rows(chain: Code) -> None:
    found = trace(chain.graph(), "totals", "total")
    assert {(edge.upper, edge.role) for edge in found.upstream} >= {
        (("clean.base", "price"), "value"),
        (("raw", "price"), "value"),
        (("raw", "note"), "control"),
    }
    assert ("raw", "price") in found.sources


def test_a_column_is_traced_to_everyone_who_uses_it(chain: Code) -> None:
    found = trace(chain.graph(), "raw", "note")
    assert {(edge.lower, edge.role) for edge in found.downstream} >= {
        (("clean.base", "note"), "value"),
        (("clean.base", "*"), "control"),
    }
    assert not any(edge.lower[0] == "other" for edge in found.downstream)


def test_who_only_counts_rows_reads_them(code: Code) -> None:
    code.source("raw", "id bigint, note text, price double")
    code.model("a", "SELECT id, upper(note) AS note FROM raw WHERE price > 0")
    code.model("b", "SELECT count(*) AS n FROM a")
    graph = code.graph()
    assert [(edge.lower, edge.role) for edge in trace(graph, "a").downstream] == [(("b", "*"), "rows")]
    assert [edge.upper for edge in trace(graph, "b", "n").upstream] == [("a", "*"), ("raw", "price")]
    assert {edge.lower[0] for edge in trace(graph, "raw", "price").downstream} == {"a", "b"}
    assert {edge.lower[0] for edge in trace(graph, "raw", "note").downstream} == {"a"}


@pytest.mark.parametrize(("node", "column"), [("totls", "total"), ("totals", "totl")])
def test_lineage_of_nothing_is_a_mistake(chain: Code, node: str, column: str) -> None:
    with pytest.raises(Invalid) as caught:
        trace(chain.graph(), node, column)
    assert "did you mean" in caught.value.diagnostics[0].hint
