"""Python models are read, never run."""

import pytest

from headwater.spec.checks import AcceptedRange, NotNull
from tests.project.making import Files

MODEL = """import headwater as hw
import polars as pl

@hw.model(kind="full", inputs={"delays": "daily_delays"}, columns={"carrier": "text", "score": "double"},
          checks=[hw.not_null("carrier"), hw.accepted_range("score", min=-1, on_fail="warn")], timeout="5m", memory="1GiB")
def carrier_score(delays: pl.DataFrame, run: hw.Run) -> pl.DataFrame:
    raise SystemExit
"""
SHORT = "import headwater as hw\n@hw.model(columns={'a': 'text'})\n"


def test_a_decorated_function_is_a_model(files: Files) -> None:
    model = files.write("models/ops/scores.py", MODEL).project.models["ops.carrier_score"]
    assert (model.timeout, model.memory, model.columns["score"].type) == (300, 2**30, "double")
    assert model.checks == (NotNull(columns=("carrier",)), AcceptedRange(column="score", min=-1, on_fail="warn"))
    assert str(model.at.where) == "models/ops/scores.py:6:1"


def test_its_code_knows_arguments_and_inputs(files: Files) -> None:
    code = files.write("models/ops/scores.py", MODEL).project.models["ops.carrier_score"].code
    assert code is not None
    assert (code.path, code.function, code.arguments) == ("models/ops/scores.py", "carrier_score", ("delays", "run"))
    assert code.inputs == {"delays": "daily_delays"}


def test_an_argument_without_input_is_the_node_of_its_name(files: Files) -> None:
    code = files.write("models/a.py", SHORT + "def a(orders, items): ...\n").project.models["a"].code
    assert code is not None
    assert code.inputs == {"orders": "orders", "items": "items"}


@pytest.mark.parametrize(
    ("path", "decorator", "name"),
    [
        ("models/x.py", "@hw.model(columns={'a': 'text'})", "f"),
        ("python/x.py", "@hw.model(columns={'a': 'text'})", "f"),
        ("models/ops/x.py", "@hw.model(columns={'a': 'text'}, name='clean.g')", "clean.g"),
    ],
)
def test_folder_and_function_or_name_make_the_nodes_name(path: str, decorator: str, name: str, files: Files) -> None:
    files.write(path, f"import headwater as hw\n{decorator}\ndef f(x): ...\n")
    assert list(files.project.models) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "import headwater\n@headwater.model(columns={'a': 'text'})",
        "from headwater import model as m\n@m(columns={'a': 'text'})",
    ],
)
def test_headwater_may_be_imported_in_other_ways(text: str, files: Files) -> None:
    assert list(files.write("models/x.py", f"{text}\ndef f(x): ...\n").project.models) == ["f"]


def test_files_that_do_not_use_headwater_are_not_models(files: Files) -> None:
    files.write("models/x.py", "def broken(:\n").write("python/y.py", "@model\ndef f(): headwater = 1\n")
    assert files.project.models == {}


def test_every_project_module_it_imports_comes_with_it(files: Files) -> None:
    files.write("models/ops/a.py", "from . import near\nimport shared.deep, json, top\n" + SHORT + "def a(x): ...\n")
    files.write("models/ops/near.py", "from .other import y\n").write("models/ops/other.py", "y = 1\n")
    files.write("python/shared/__init__.py", "").write("python/shared/deep.py", "from . import __init__\nimport top\n")
    files.write("top.py", "import models.ops.a\n").write("python/unused.py", "")
    code = files.project.models["ops.a"].code
    assert code is not None
    assert list(code.modules) == [
        "models/ops/a.py",
        "models/ops/near.py",
        "models/ops/other.py",
        "python/shared/__init__.py",
        "python/shared/deep.py",
        "top.py",
    ]


def test_settings_may_stand_in_yaml(files: Files) -> None:
    files.write("models/a.py", "import headwater as hw\n@hw.model()\ndef a(x): ...\n")
    files.write("a.yaml", "models: {a: {columns: {n: integer}}}")
    assert files.project.models["a"].columns["n"].type == "integer"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ("columns=make()", "2:19"),
        ("**settings", "2:13"),
        ("'a'", "2:11"),
        ("columns={'a': f'{x}'}", "2:25"),
        ("tags=[*x]", "2:17"),
    ],
)
def test_settings_are_literals(arguments: str, place: str, files: Files) -> None:
    files.write("models/a.py", f"import headwater as hw\n@hw.model({arguments})\ndef a(x): ...\n")
    assert files.mistakes == [f"HW0802 models/a.py:{place}"]


def test_places_are_counted_in_characters(files: Files) -> None:
    files.write("models/a.py", "import headwater as hw\n@hw.model(owner='é', columns=f())\ndef a(x): ...\n")
    assert files.mistakes == ["HW0802 models/a.py:2:30"]


def test_a_misspelt_setting_comes_with_the_one_that_was_meant(files: Files) -> None:
    files.write("models/a.py", "import headwater as hw\n@hw.model(columns={'a': 'text'}, knd='full')\ndef a(x): ...\n")
    assert (str(files.mistake.where), files.mistake.hint) == ("models/a.py:2:34", "did you mean `kind`?")


def test_columns_with_types_are_required(files: Files) -> None:
    files.write("models/a.py", "import headwater as hw\n@hw.model\ndef a(x): ...\n")
    assert files.mistakes == ["HW0803 models/a.py:3:1"]


def test_an_input_needs_its_argument(files: Files) -> None:
    text = "import headwater as hw\n@hw.model(columns={'a': 'text'}, inputs={'delay': 'x'})\ndef a(delays): ...\n"
    files.write("models/a.py", text)
    assert (files.mistake.code, files.mistake.hint) == ("HW0804", "did you mean `delays`?")


@pytest.mark.parametrize("signature", ["async def a(x)", "def a(*x)", "def a(**x)", "def a(x=1)", "def a(x, /)"])
def test_arguments_are_inputs_by_name(signature: str, files: Files) -> None:
    assert files.write("models/a.py", SHORT + signature + ": ...\n").mistakes == ["HW0805 models/a.py:3:1"]


def test_a_file_whose_model_is_not_at_its_top_is_not_read(files: Files) -> None:
    files.write("models/a.py", "import headwater as hw\nif True:\n    @hw.model()\n    def a(x): ...\n")
    assert files.mistakes == ["HW0802 models/a.py:3:6"]


@pytest.mark.parametrize("text", ["def a(:\n", "x = " + "(" * 5000, "x = " + "-" * 50_000 + "1"])
def test_python_that_cannot_be_parsed_is_a_mistake(text: str, files: Files) -> None:
    assert files.write("models/a.py", SHORT + text).mistake.code == "HW0801"


def test_a_module_it_imports_that_cannot_be_parsed_is_a_mistake(files: Files) -> None:
    files.write("models/a.py", "import shared\n" + SHORT + "def a(x): ...\n").write("python/shared.py", "x = \n")
    assert files.mistakes == ["HW0801 python/shared.py:1:5"]
