"""A whole project in Python: loops make nodes, places are those of the lines that wrote them."""

import subprocess

import pytest

from tests.harness import Project

START = "import headwater as hw\n"
SALES = (
    'hw.source(name="sales", connector="files", path="data/*.csv",'
    ' columns={"id": "bigint", "region": "text", "total": "double"})\n'
)
ROWS = "id,region,total\n1,eu,2.5\n2,us,3.5\n3,eu,4\n"


@pytest.fixture
def sales(project: Project) -> Project:
    project.write("data/a.csv", ROWS)
    project.write("python/sales.py", START + SALES)
    return project


def test_a_whole_project_may_be_python(project: Project) -> None:
    project.write("data/a.csv", ROWS)
    more = (
        'hw.sql_model(name="totals", sql="SELECT region, sum(total) AS total FROM sales GROUP BY region",'
        ' checks=[hw.not_null("region")])\n'
        'hw.sink(name="out", from_="totals", connector="csv", path="out/totals.csv", in_=["dev"])\n'
        'hw.pipeline(name="morning", select=["+out"])\n'
    )
    project.write("python/everything.py", START + SALES + more)
    project.apply()
    assert project.table("totals") == [("eu", 6.5), ("us", 3.5)]
    assert (project.root / "out" / "totals.csv").is_file()


LOOP = """for region in ["eu", "us"]:
    hw.sql_model(name=f"sales_{region}", sql=f"SELECT id, total FROM sales WHERE region = '{region}'")
"""


def test_a_loop_makes_nodes(sales: Project) -> None:
    sales.write("models/regions.py", START + LOOP)
    sales.apply()
    assert (sales.table("sales_eu"), sales.table("sales_us")) == ([(1, 2.5), (3, 4.0)], [(2, 3.5)])


FUNCTIONS = """import pyarrow as pa
for region in REGIONS:
    @hw.model(name=f"count_{region}", inputs={"sales": "sales"}, columns={"region": "text", "n": "bigint"})
    def counted(sales: pa.Table) -> pa.Table:
        return pa.table({"region": [region], "n": [sales["region"].to_pylist().count(region)]})
"""


def test_a_function_made_in_a_loop_keeps_the_value_of_its_turn(sales: Project) -> None:
    sales.write("models/counts.py", START + 'REGIONS = ["eu", "us"]\n' + FUNCTIONS)
    sales.apply()
    assert sales.table("count_eu") + sales.table("count_us") == [("eu", 2), ("us", 1)]


def test_one_more_turn_of_a_loop_computes_only_its_own_node(sales: Project) -> None:
    sales.write("models/counts.py", START + 'REGIONS = ["eu", "us"]\n' + FUNCTIONS)
    sales.apply()
    sales.write("models/counts.py", START + "# one more\nREGIONS = ['eu', 'us', 'asia']\n" + FUNCTIONS)
    assert sales.plan().rebuilt == ["count_asia"]


FACTORY = """import headwater as hw
import pyarrow as pa

def count(name, value):
    @hw.model(name=name, inputs={"sales": "sales"}, columns={"n": "bigint"})
    def counted(sales: pa.Table) -> pa.Table:
        return pa.table({"n": [times(sales["region"].to_pylist().count(value))]})

def times(number):
    return number * 1
"""


def test_a_factory_in_another_file_makes_nodes(sales: Project) -> None:
    sales.write("python/factories.py", FACTORY)
    sales.write("models/counts.py", 'from factories import count\ncount("count_eu", "eu")\ncount("count_us", "us")\n')
    sales.apply()
    assert sales.table("count_eu") + sales.table("count_us") == [(2,), (1,)]


def test_what_a_function_holds_is_part_of_its_version(sales: Project) -> None:
    sales.write("python/factories.py", FACTORY)
    sales.write("models/counts.py", 'from factories import count\ncount("a", "eu")\ncount("b", "us")\n')
    sales.apply()
    sales.write("models/counts.py", 'from factories import count\ncount("a", "eu")\ncount("b", "asia")\n')
    assert sales.plan().rebuilt == ["b"]


def test_what_a_function_calls_is_part_of_its_version(sales: Project) -> None:
    sales.write("python/factories.py", FACTORY)
    sales.write("models/counts.py", 'from factories import count\ncount("a", "eu")\n')
    sales.apply()
    sales.write("python/factories.py", FACTORY.replace("number * 1", "number * 2"))
    assert sales.plan().rebuilt == ["a"]


def test_a_comment_rebuilds_nothing(sales: Project) -> None:
    sales.write("python/factories.py", FACTORY)
    sales.write("models/counts.py", 'from factories import count\ncount("a", "eu")\n')
    sales.apply()
    sales.write("python/factories.py", FACTORY.replace("    return number", "    # as it was\n    return (number)"))
    assert sales.plan().rebuilt == []


def test_a_text_file_of_the_project_may_say_what_is_made(sales: Project) -> None:
    text = """from pathlib import Path
for region in (Path(__file__).parent / "regions.txt").read_text().split():
    @hw.model(name=f"count_{region}", inputs={"sales": "sales"}, columns={"region": "text"})
    def counted(sales):
        return sales.select(["region"]).slice(0, 1)
"""
    sales.write("models/counts.py", START + text)
    sales.write("models/regions.txt", "eu us")
    sales.apply()
    sales.write("models/regions.txt", "eu us asia")
    assert sales.plan().rebuilt == ["count_asia"]


@pytest.mark.parametrize("call", ["hw.sql_model(name='t', {})", "for n in ['t']:\n    hw.sql_model(name=n, {})"])
def test_a_node_is_the_same_in_yaml_sql_and_python(call: str, project: Project) -> None:
    sql = "SELECT region, sum(total) AS total FROM sales GROUP BY region"
    project.source("sales", {"id": "bigint", "region": "text", "total": "double"}, checks=[{"unique": ["id"]}])
    project.model("t", sql, description="Totals", checks=[{"not_null": ["region"]}], columns={"total": {"unit": "EUR"}})
    before = addresses(project)
    project.without("t")
    project.remove("sources/sales.yaml")
    columns = 'columns={"id": "bigint", "region": "text", "total": "double"}, checks=[hw.unique("id")]'
    source = f'hw.source(name="sales", connector="files", path="data/sales/*.csv", format="csv", {columns})\n'
    arguments = 'description="Totals", checks=[hw.not_null("region")], columns={"total": {"unit": "EUR"}}'
    project.write("python/all.py", START + source + call.format(f"sql='{sql}', {arguments}") + "\n")
    assert addresses(project) == before


def addresses(project: Project) -> dict[str, object]:
    return {node.name: (node.version, [check.address for check in node.checks]) for node in project.graph().nodes}


def test_a_plain_file_and_one_that_runs_make_the_same_addresses(sales: Project) -> None:
    sales.write("models/t.py", START + 'hw.sql_model(name="t", sql="SELECT id FROM sales")\n')
    before = addresses(sales)
    sales.write("models/t.py", START + 'NAME = "t"\nhw.sql_model(name=NAME, sql="SELECT id FROM sales")\n')
    assert addresses(sales) == before


def test_a_warm_plan_starts_no_process(sales: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sales.write("models/regions.py", START + LOOP)
    sales.apply()

    def forbidden(*arguments: object, **more: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    assert sales.plan().actions == []


def test_files_that_are_plain_to_read_are_never_run(sales: Project) -> None:
    sales.write("models/t.py", START + 'hw.sql_model(name="t", sql="SELECT id FROM sales")\nraise SystemExit\n')
    assert sales.mistakes == []


def test_what_a_file_prints_disturbs_nobody(sales: Project) -> None:
    sales.write("models/regions.py", START + "print('x' * 3_000_000, flush=True)\n" + LOOP)
    assert sales.mistakes == []


def test_the_order_of_a_set_does_not_matter(sales: Project) -> None:
    sales.write("models/regions.py", START + LOOP.replace('["eu", "us"]', '{"eu", "us", "asia", "africa"}'))
    assert sales.mistakes == []


def test_two_thousand_models_of_a_loop(project: Project) -> None:
    project.source("raw", {"id": "bigint"})
    loop = "for n in range(2000):\n    hw.sql_model(name=f'm{n}', sql=f'SELECT id + {n} AS id FROM raw')\n"
    project.write("models/many.py", START + loop)
    assert len(project.graph().nodes) == 2001


def test_sources_that_are_functions_may_be_made_in_a_loop(project: Project) -> None:
    text = """for region in ["eu", "us"]:
    @hw.source(name=f"raw_{region}", columns={"region": "text", "n": "bigint"})
    def rows():
        yield {"region": region, "n": 1}
    hw.sql_model(name=f"sales_{region}", sql=f"SELECT * FROM raw_{region}")
"""
    project.write("models/sources.py", START + text)
    project.apply()
    assert project.table("sales_eu") + project.table("sales_us") == [("eu", 1), ("us", 1)]


def test_a_file_may_be_called_like_a_library(sales: Project) -> None:
    sales.write("models/json.py", START + 'REGIONS = ["eu"]\n' + FUNCTIONS)
    sales.write(
        "models/csv.py",
        START
        + "@hw.model(columns={'n': 'bigint'})\ndef one(sales): return sales.select(['id']).rename_columns(['n'])\n",
    )
    sales.apply()
    assert sales.table("count_eu") + sales.table("one") == [("eu", 2), (1,), (2,), (3,)]
