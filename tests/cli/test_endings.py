"""How commands end: exit codes, one place for every mistake, never a traceback."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.initialise import initialise
from headwater.cli.ending import ended
from tests.cli.conftest import CommandLine

HEADWATER = [sys.executable, "-m", "headwater"]


def codes(said):
    return [each["code"] for each in said.document["diagnostics"]]


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(headwater):
    said = headwater("plam")
    assert said.code == 2
    assert "did you mean `plan`?" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--wat"],
        ["plan", "--wat"],
        ["plan", "extra"],
        ["query"],
        ["env", "creat", "x"],
        ["history", "--limit", "many"],
        ["history", "--limit", "0"],
        ["apply", "--wait", "soon"],
        ["plan", "--var", "novalue"],
        ["query", "SELECT 1", "--format", "xml"],
        ["diff", "a", "b", "c"],
        ["rollback", "one", "--to", "two"],
        ["apply", "--approve"],
        ["completion", "powershell"],
    ],
)
def test_bad_usage_exits_with_2_and_says_so_in_either_form(headwater, arguments):
    assert headwater(*arguments).err.startswith("error[HW0901]")
    said = headwater("--json", *arguments)
    assert (said.code, codes(said)) == (2, ["HW0901"])


def test_two_forms_at_once_are_a_usage_error(headwater):
    assert codes(headwater("query", "SELECT 1", "--format", "csv", "--json")) == ["HW0901"]


@pytest.mark.parametrize("place", [("--json", "check"), ("check", "--json")])
def test_global_options_stand_before_or_after_the_command(headwater, place):
    assert headwater(*place).document["sound"] is True


def test_what_is_said_later_wins(headwater, tmp_path):
    assert headwater("check", "--project", tmp_path / "nowhere", "--json").code == 1
    assert CommandLine(tmp_path / "nowhere")("check", "--project", headwater.root).code == 0


def test_outside_a_project_the_way_in_is_named(tmp_path):
    said = CommandLine(tmp_path)("status")
    assert (said.code, "headwater init" in said.err) == (1, True)


@pytest.fixture
def changed(applied):
    applied.edit("models/sales.sql", "count(*)", "count(DISTINCT o.order_id)")
    applied("apply")
    return applied


@pytest.mark.parametrize("command", [["rollback"], ["janitor"], ["env", "delete", "dev"]])
def test_what_asks_refuses_where_nobody_can_answer(changed, command):
    said = changed("--json", *command)
    assert (said.code, codes(said)) == (2, ["HW0902"])
    assert "--yes" in said.document["diagnostics"][0]["hint"]
    assert len(changed("history", "--json").document) == 2


def test_an_answer_of_no_changes_nothing(changed):
    code, shown = in_terminal(changed.root, ["rollback"], "n\n")
    assert code == 130
    assert "Take `dev` back?" in shown
    assert len(changed("history", "--json").document) == 2


def test_an_answer_of_yes_goes_on(changed):
    code, _ = in_terminal(changed.root, ["rollback"], "y\n")
    assert code == 0
    assert [each["kind"] for each in changed("history", "--json").document] == ["rollback", "apply", "apply"]


def test_a_second_rollback_too_many_empties_nothing(changed):
    assert changed("rollback", "--yes").code == 0
    said = changed("--json", "rollback", "--yes")
    assert (said.code, codes(said)) == (4, ["HW0552"])
    assert changed("query", "SELECT count(*) FROM sales").code == 0


def in_terminal(root, arguments, typed):
    """Run a command on a pseudo-terminal, typing something; give its exit code and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(root)
        os.execv(sys.executable, [*HEADWATER, *arguments])  # noqa: S606 - the interpreter of these tests
    os.write(terminal, typed.encode())
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_colours_are_for_terminals(applied):
    _, shown = in_terminal(applied.root, ["status"], "")
    assert "\x1b[1m" in shown
    assert "\x1b[" not in in_terminal(applied.root, ["--no-color", "status"], "")[1]
    assert "\x1b[" not in applied("status").out


def test_no_color_of_any_value_is_heeded(applied, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "please")
    assert "\x1b[" not in in_terminal(applied.root, ["status"], "")[1]


def test_progress_on_a_terminal_leaves_the_result_alone(headwater):
    code, shown = in_terminal(headwater.root, ["apply"], "")
    assert code == 0
    assert "1 slot computed" in shown


def interrupt():
    raise KeyboardInterrupt


def crash():
    raise ZeroDivisionError("secret-in-a-message")


def test_an_interrupt_exits_with_130_and_says_that_nothing_was_changed(capsys):
    assert ended(interrupt, ["apply"]) == 130
    assert "nothing was changed: what was computed is kept" in capsys.readouterr().err


def test_an_interrupt_of_what_computes_nothing_promises_nothing(capsys):
    assert ended(interrupt, ["init"]) == 130
    assert capsys.readouterr().err.strip() == "error[HW0904]: interrupted"


def test_ctrl_c_during_an_apply_ends_it(headwater):
    headwater.write("models/slow.sql", "SELECT count(*) AS n FROM range(3000000000) AS a(i) WHERE hash(i) % 7 = 3\n")
    command = [*HEADWATER, "--verbose", "apply"]
    with subprocess.Popen(
        command, cwd=headwater.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        next(line for line in child.stdout if "sales" in line)
        child.send_signal(signal.SIGINT)
        assert child.wait() == 130
        assert "HW0904" in child.stderr.read()
    assert headwater("history", "--json").document == []


def test_a_defect_is_said_without_a_trace_and_kept_in_a_file(headwater, capsys):
    assert ended(crash, ["--project", str(headwater.root)]) == 5
    shown = capsys.readouterr().err
    kept = next((headwater.root / ".headwater").glob("internal-error-*.txt"))
    assert "HW0999" in shown
    assert "Traceback" not in shown
    assert "secret-in-a-message" not in shown
    assert "ZeroDivisionError" in kept.read_text()


def test_a_defect_in_a_document_is_a_document(capsys):
    assert ended(crash, ["--json", "--verbose"]) == 5
    assert '"code": "HW0999"' in capsys.readouterr().out


def test_a_reader_who_leaves_early_is_no_error(applied):
    command = f"{sys.executable} -m headwater query 'SELECT * FROM range(200000)' --format csv | head -2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=applied.root, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["range", "0", "0"]
    assert done.stderr == ""


def test_an_encoding_that_lacks_a_character_stops_nobody(applied):
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    for form in ([], ["--json"]):
        done = subprocess.run(
            [*HEADWATER, "query", "SELECT 'Ö😀' AS name", *form],
            cwd=applied.root, env=environment, capture_output=True, check=True,
        )  # fmt: skip
        assert "Ö\\" in done.stdout.decode("latin-1") or json.loads(done.stdout) == [{"name": "Ö😀"}]


WORDS = st.sampled_from([
    "plan", "apply", "run", "query", "show", "env", "list", "create", "delete", "status", "history", "diff", "lineage",
    "quarantine", "replay", "check", "test", "schema", "completion", "rollback", "doctor", "--json", "--env", "dev",
    "--limit", "-n", "3", "--format", "csv", "--to", "--data", "--out", "--var", "a=b", "--", "-", "sales", "prod",
    "SELECT 1", "--select", "--wait", "1s", "--dry-run", "--yes", "--help", "--quiet", "--verbose", "--no-color",
])  # fmt: skip
ODD = st.text(max_size=12).filter(lambda text: "\0" not in text)


@pytest.fixture(scope="module")
def plaything(tmp_path_factory):
    root = tmp_path_factory.mktemp("plaything") / "shop"
    initialise(root, "minimal", name="shop")
    return CommandLine(root)


@settings(max_examples=150)
@given(arguments=st.lists(WORDS | ODD, max_size=6))
def test_no_arguments_ever_give_a_traceback(plaything, arguments, tmp_path_factory):
    said = plaything(*safe(arguments, tmp_path_factory))
    assert "Traceback" not in said.everything
    assert "HW0999" not in said.everything
    assert said.code in {0, 1, 2, 3, 4, 5, 6, 10}


def safe(arguments, tmp_path_factory):
    """Nothing is written outside the test's own directory."""
    folder = tmp_path_factory.mktemp("fuzz")
    return [
        str(folder / "out") if before == "--out" else each
        for before, each in zip(["", *arguments], arguments, strict=False)
    ]
