"""What a Python file does to the world while it is loaded is found and refused, at the line that does it."""

from pathlib import Path

import pytest

from headwater.diagnostics import Diagnostic
from tests.harness import Project

START = "import headwater as hw\n"
LOOP = "for n in [1, 2]:\n    hw.sql_model(name=f'a{n}', sql=f'SELECT id + {n} AS id FROM raw')\n"


def at(found: Diagnostic) -> str:
    assert found.where is not None
    return f"{found.where.file}:{found.where.line}"


def mistake(project: Project, text: str, path: str = "models/a.py") -> Diagnostic:
    project.source("raw", {"id": "bigint"})
    project.write(path, START + text)
    (only,) = project.check().diagnostics
    return only


@pytest.mark.parametrize(
    "line",
    [
        "open('out.txt', 'w')",
        "open('/etc/hostname').read()",
        "open('.headwater/state.db')",
        "__import__('os').open('out.txt', 65)",
        "__import__('os').remove('keep.txt')",
        "__import__('os').rename('keep.txt', 'gone.txt')",
        "__import__('os').mkdir('made')",
        "__import__('os').listdir('.')",
        "__import__('os').system('touch made')",
        "__import__('os').putenv('A', 'b')",
        "__import__('os').chdir('/')",
        "__import__('os').kill(1, 0)",
        "__import__('shutil').rmtree('data')",
        "__import__('pathlib').Path('out.txt').write_text('x')",
        "list(__import__('pathlib').Path('.').glob('*'))",
        "__import__('subprocess').run(['touch', 'made'])",
        "__import__('socket').create_connection(('localhost', 1))",
        "__import__('urllib.request').request.urlopen('http://localhost:1')",
        "__import__('sqlite3').connect('made.db')",
        "__import__('tempfile').mkstemp()",
        "__import__('threading').Thread(target=print).start()",
        "__import__('os').fork()",
        "hw.query('SELECT 1')",
    ],
)
def test_an_effect_is_refused_and_has_not_happened(line: str, project: Project) -> None:
    project.write("keep.txt", "x")
    project.source("raw", {"id": "bigint"})
    before = _files(project)
    found = mistake(project, f"X = 1\n{line}\n{LOOP}")
    assert (found.code, at(found)) == ("HW0142", "models/a.py:3")
    assert _files(project) == {*before, "models"}


def _files(project: Project) -> set[str]:
    """What lies in the project's folder, but for its state."""
    return {path.name for path in project.root.iterdir()} - {".headwater"}


def test_an_effect_that_the_file_hides_is_still_found(project: Project) -> None:
    found = mistake(project, f"try:\n    open('out.txt', 'w')\nexcept BaseException:\n    pass\n{LOOP}")
    assert (found.code, at(found)) == ("HW0142", "models/a.py:3")


def test_the_place_is_that_of_the_call(project: Project) -> None:
    found = mistake(project, f"é = 'é', open('out.txt', 'w')\n{LOOP}")
    assert str(found.where) == "models/a.py:2:10"


def test_an_effect_in_a_file_that_it_imports_is_found_there(project: Project) -> None:
    project.write("python/shared.py", "X = 1\nopen('out.txt', 'w')\n")
    assert at(mistake(project, "import shared\n" + LOOP)) == "python/shared.py:2"


@pytest.mark.parametrize(
    "line", ["os.environ['HOME']", "os.getenv('HOME')", "dict(os.environ)", "'HOME' in os.environ"]
)
def test_reading_the_environment_is_refused(line: str, project: Project) -> None:
    found = mistake(project, f"import os\nX = {line}\n{LOOP}")
    assert (found.code, at(found)) == ("HW0143", "models/a.py:3")


@pytest.mark.parametrize(
    "value",
    [
        "__import__('time').time_ns()",
        "__import__('datetime').date.today()",
        "__import__('datetime').datetime.now()",
        "__import__('random').random()",
        "__import__('uuid').uuid4()",
        "__import__('os').getpid()",
        "hash('text')",
        "next(iter({'some', 'words', 'in', 'no', 'order', 'at', 'all'}))",
    ],
)
def test_nodes_that_differ_from_load_to_load_are_refused(value: str, project: Project) -> None:
    found = mistake(
        project, f"for n in [1]:\n    hw.sql_model(name='a', sql=f\"SELECT '{{{value}}}' AS x FROM raw\")\n"
    )
    assert (found.code, at(found)) == ("HW0144", "models/a.py:3")


def test_names_that_differ_from_load_to_load_are_refused(project: Project) -> None:
    text = "import time\nfor n in [1]:\n    hw.sql_model(name=f'a{time.time_ns()}', sql='SELECT id FROM raw')\n"
    assert mistake(project, text).code == "HW0144"


def test_a_clock_that_changes_no_node_is_no_matter(project: Project) -> None:
    project.source("raw", {"id": "bigint"})
    text = "import time, datetime, random\nbegan = time.time(), datetime.datetime.now(), random.random()\n"
    project.write("models/a.py", START + text + LOOP)
    assert project.mistakes == []


def test_fixed_dates_in_functions_and_settings_are_fixed(project: Project) -> None:
    project.source("raw", {"id": "bigint", "at": "timestamptz"}, time="at", start="2013-01-01")
    text = """from datetime import date, datetime
for start in [datetime(2013, 1, 2)]:
    @hw.model(name="a", kind="full", columns={"n": "bigint"}, owner=str(isinstance(date(2013, 1, 1), date)))
    def a(raw):
        return start
"""
    project.write("models/a.py", START + text)
    assert project.mistakes == []


@pytest.mark.parametrize("loop", ["while True: pass", "while True:\n    try: 1\n    except Exception: pass"])
def test_a_loop_without_an_end(loop: str, project: Project) -> None:
    project.settings(load_timeout="2s")
    found = mistake(project, f"{LOOP}{loop}\n")
    assert found.code == "HW0145"
    assert found.where is not None
    assert found.where.line >= 4


def test_a_loop_that_nothing_stops_from_inside(project: Project) -> None:
    project.settings(load_timeout="0.1s")
    text = f"{LOOP}import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass\n"
    assert mistake(project, text).code == "HW0145"


@pytest.mark.parametrize("end", ["raise SystemExit", "import sys; sys.exit(0)", "exit()"])
def test_a_file_that_exits(end: str, project: Project) -> None:
    found = mistake(project, f"{LOOP}{end}\n")
    assert (found.code, at(found)) == ("HW0149", "models/a.py:4")


def test_a_file_that_ends_its_process(project: Project) -> None:
    assert mistake(project, f"{LOOP}import os\nos._exit(3)\n").code == "HW0149"


def test_files_after_one_that_ends_its_process_are_loaded(project: Project) -> None:
    project.write(
        "models/b.py", START + "for n in [3]: hw.sql_model(name='b', sql=f'SELECT idd + {n} AS id FROM raw')\n"
    )
    project.source("raw", {"id": "bigint"})
    project.write("models/a.py", START + LOOP + "import os\nos._exit(3)\n")
    project.write("models/c.py", START + LOOP.replace("f'a{n}'", "n"))
    assert [found.split(":")[0] for found in project.mistakes] == ["HW0149 models/a.py", "HW0110 models/c.py"]


def test_an_exception(project: Project) -> None:
    found = mistake(project, f"def f():\n    return 1 / 0\n{LOOP}f()\n")
    assert (found.code, at(found)) == ("HW0140", "models/a.py:3")
    assert "ZeroDivisionError: division by zero" in found.message


def test_an_exception_that_cannot_be_printed(project: Project) -> None:
    text = f"class Odd(Exception):\n    def __str__(self): raise ValueError\n{LOOP}raise Odd\n"
    assert mistake(project, text).code == "HW0140"


def test_a_module_that_is_not_there(project: Project) -> None:
    found = mistake(project, f"import not_there_at_all\n{LOOP}")
    assert (found.code, at(found)) == ("HW0140", "models/a.py:2")
    assert "install it" in found.hint


def test_two_files_that_import_each_other(project: Project) -> None:
    project.write("python/one.py", "from two import b\na = 1\n")
    project.write("python/two.py", "from one import a\nb = 1\n")
    found = mistake(project, f"import one\n{LOOP}")
    assert (found.code, at(found)) == ("HW0140", "python/two.py:1")
    assert "import each other" in found.hint


def test_a_heavy_library_may_be_imported(project: Project) -> None:
    project.source("raw", {"id": "bigint"})
    text = "import json, logging, re, decimal\nimport pandas, polars, pyarrow, duckdb, yaml\n"
    project.write("models/a.py", START + text + "import pyarrow.parquet, pyarrow.dataset\n" + LOOP)
    assert project.mistakes == []


def test_modules_of_one_name_in_two_folders_do_not_meet(project: Project) -> None:
    project.source("raw", {"id": "bigint"})
    for folder in ("one", "two"):
        project.write(f"models/{folder}/names.py", f"NAME = '{folder}.made'\n")
        text = "from names import NAME\nfor n in [NAME]: hw.sql_model(name=n, sql='SELECT id FROM raw')\n"
        project.write(f"models/{folder}/make.py", START + text)
    assert [node.name for node in project.graph().nodes] == ["raw", "one.made", "two.made"]


FUNCTION = """def make(held):
    @hw.model(name="a", columns={"n": "bigint"})
    def a(raw):
        return held
"""


@pytest.mark.parametrize("value", ["object()", "__import__('threading').Lock()", "(n for n in [1])", "[object()]"])
def test_a_function_that_holds_what_no_version_can_stand_on(value: str, project: Project) -> None:
    found = mistake(project, f"{FUNCTION}make({value})\n")
    assert (found.code, at(found)) == ("HW0146", "models/a.py:4")
    assert "`held`" in found.message


@pytest.mark.parametrize(
    "value", ["1", "'eu'", "[1, {'a': (2, None)}]", "__import__('decimal').Decimal(1)", "len", "make"]
)
def test_a_function_may_hold_plain_values_and_functions(value: str, project: Project) -> None:
    project.source("raw", {"id": "bigint"})
    project.write("models/a.py", START + FUNCTION + f"make({value})\n")
    assert project.mistakes == []


@pytest.mark.parametrize("what", ["print", "lambda raw: raw", "__import__('functools').partial(print)", "int", "3"])
def test_what_is_no_function_of_the_project(what: str, project: Project) -> None:
    assert mistake(project, f"for n in [1]: hw.model(name='a', columns={{'n': 'bigint'}})({what})\n").code == "HW0147"


def test_a_generator_without_columns(project: Project) -> None:
    found = mistake(project, "for n in [1]:\n    @hw.source(name=f's{n}')\n    def rows():\n        yield n\n")
    assert (found.code, found.message) == ("HW0111", "`columns` is missing")


def test_an_argument_with_a_default(project: Project) -> None:
    text = "for n in [1]:\n    @hw.model(name='a', columns={'n': 'bigint'})\n    def a(raw, seen=[]):\n        return raw\n"
    assert mistake(project, text).code == "HW0805"


def test_syntax_that_is_wrong_in_a_file_it_imports(project: Project) -> None:
    project.write("python/shared.py", "X = (\n")
    assert mistake(project, f"import shared\n{LOOP}").code == "HW0801"


def test_a_setting_that_holds_itself(project: Project) -> None:
    text = f"x = []\nx.append(x)\n{LOOP}hw.sql_model(name='b', sql='SELECT id FROM raw', tags=x)\n"
    assert mistake(project, text).code == "HW0141"


def test_a_data_file_that_is_no_text(project: Project, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    found = mistake(project, f"open('picture', 'rb').read()\n{LOOP}")
    assert (found.code, found.where) != ("", None)
    assert "no text file" in found.message
