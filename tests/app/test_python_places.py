"""Mistakes in nodes that Python makes are placed at the lines that wrote them."""

import pytest

from headwater.diagnostics import Diagnostic
from tests.harness import Project

START = "import headwater as hw\nN = 1\n"


def mistake(project: Project, text: str, path: str = "models/a.py") -> Diagnostic:
    project.source("raw", {"id": "bigint"})
    project.write(path, START + text)
    (only,) = project.check().diagnostics
    return only


def place(project: Project, text: str) -> str:
    found = mistake(project, text)
    return f"{found.code} {found.where}"


def test_an_unknown_argument_comes_with_the_one_that_was_meant(project: Project) -> None:
    found = mistake(project, 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw",\n             knd="full")\n')
    assert (found.code, str(found.where), found.hint) == ("HW0109", "models/a.py:4:14", "did you mean `kind`?")


def test_a_value_of_the_wrong_type(project: Project) -> None:
    assert (
        place(project, 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw", tags=["x", {}])\n')
        == "HW0110 models/a.py:3:65"
    )


def test_a_value_that_is_no_setting(project: Project) -> None:
    found = mistake(project, 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw", owner=object())\n')
    assert (found.code, str(found.where)) == ("HW0141", "models/a.py:3:60")


def test_a_name_that_is_no_text(project: Project) -> None:
    assert place(project, 'hw.sql_model(name=N, sql="SELECT id FROM raw")\n') == "HW0110 models/a.py:3:19"


@pytest.mark.parametrize("name", ["a b", "", "x" * 300])
def test_a_name_that_no_node_can_have(name: str, project: Project) -> None:
    text = f'for name in [{name!r}]:\n    hw.sql_model(name=name, sql="SELECT id FROM raw")\n'
    assert place(project, text) == "HW0114 models/a.py:4:5"


def test_a_missing_name_or_query(project: Project) -> None:
    assert place(project, "for n in [1]: hw.sql_model(name=f'a{n}')\n") == "HW0111 models/a.py:3:15"
    assert place(project, "for n in [1]: hw.sql_model(sql=f'SELECT {n} AS n')\n") == "HW0111 models/a.py:3:15"


def test_an_unknown_column_in_a_plain_query_is_placed_inside_it(project: Project) -> None:
    text = 'hw.sql_model(name=f"a{N}", sql="""\n    SELECT id,\n        idd AS x\n    FROM raw""")\n'
    assert place(project, text).endswith("models/a.py:5:9")


def test_an_unknown_column_on_the_first_line_of_a_plain_query(project: Project) -> None:
    assert place(project, 'hw.sql_model(name=f"a{N}", sql="SELECT idd FROM raw")\n').endswith("models/a.py:3:40")


def test_an_unknown_column_in_a_query_with_escapes_is_placed_at_the_argument(project: Project) -> None:
    assert place(project, 'hw.sql_model(name="a", sql="SELECT\\n idd FROM raw")\n').endswith("models/a.py:3:28")


def test_an_unknown_column_in_a_formatted_query_is_placed_at_the_argument(project: Project) -> None:
    text = 'for n in [1]:\n    hw.sql_model(name=f"a{n}",\n                 sql=f"""SELECT id,\n  idd{n} FROM raw""")\n'
    assert place(project, text).endswith("models/a.py:5:22")


def test_a_second_statement_in_a_formatted_query(project: Project) -> None:
    text = 'for n in [1]: hw.sql_model(name="a", sql=f"SELECT {n} AS n; SELECT 2")\n'
    assert place(project, text) == "HW0120 models/a.py:3:42"


def test_an_unknown_column_of_a_check(project: Project) -> None:
    text = 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw", checks=[\n    hw.not_null("id"),\n    hw.not_null("idd")])\n'
    assert place(project, text).endswith("models/a.py:5:5")


def test_an_unknown_argument_of_a_check(project: Project) -> None:
    found = mistake(
        project, 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw", checks=[hw.not_null("id", were="")])\n'
    )
    assert (found.code, str(found.where)) == ("HW0140", "models/a.py:3:62")
    assert "did you mean `where`?" in found.message


def test_an_unknown_setting_of_a_connector(project: Project) -> None:
    text = 'hw.source(name=f"s{N}", connector="files", path="x/*.csv", columns={"a": "text"}, delimeter=";")\n'
    found = mistake(project, text)
    assert (str(found.where), found.hint) == ("models/a.py:3:83", "did you mean `delimiter`?")


def test_a_mistake_in_what_a_factory_is_given_is_placed_in_the_factory(project: Project) -> None:
    project.write("python/make.py", "import headwater as hw\ndef one(sql):\n    hw.sql_model(name='one', sql=sql)\n")
    found = mistake(project, "from make import one\none(f'SELECT idd{N} FROM raw')\n")
    assert str(found.where) == "python/make.py:3:34"


def test_one_name_in_yaml_and_python(project: Project) -> None:
    project.write("b.yaml", "models: {a1: {sql: SELECT id FROM raw}}\n")
    assert mistake(project, 'hw.sql_model(name=f"a{N}", sql="SELECT id FROM raw")\n').code == "HW0115"


def test_one_name_twice_in_a_loop(project: Project) -> None:
    assert (
        place(project, 'for n in [1, 2]: hw.sql_model(name="a", sql="SELECT id FROM raw")\n')
        == "HW0115 models/a.py:3:18"
    )


def test_a_source_and_a_model_of_one_name(project: Project) -> None:
    text = 'hw.source(name=f"s{N}", connector="files", path="x/*.csv", columns={"a": "text"})\nhw.sql_model(name="s1", sql="SELECT id FROM raw")\n'
    assert mistake(project, text).code == "HW0115"


def test_arguments_without_names(project: Project) -> None:
    assert place(project, 'hw.sql_model("a", sql=f"SELECT {N} AS n")\n') == "HW0152 models/a.py:3:1"
