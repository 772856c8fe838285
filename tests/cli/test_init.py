"""`headwater init`: two questions on a terminal, none anywhere else, and a tour of what it made."""

import os
import pty
import shlex
import signal
import sys
import time

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.test_endings import HEADWATER, in_terminal


def test_without_arguments_it_asks_for_template_and_directory(tmp_path):
    code, shown = in_terminal(tmp_path, ["init"], "logs\nweb\n")
    assert code == 0
    assert "What shall it start from?" in shown
    assert (tmp_path / "web/sources/access_log.yaml").is_file()


def test_answers_have_defaults(tmp_path):
    assert in_terminal(tmp_path, ["init"], "\n\n")[0] == 0
    assert f"\nproject: {tmp_path.name}\n" in (tmp_path / "headwater.yaml").read_text()


def test_in_a_directory_with_files_the_default_is_a_new_one(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    assert in_terminal(tmp_path, ["init"], "\n\n")[0] == 0
    assert (tmp_path / "first/headwater.yaml").is_file()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("log\nminimal\nshop\n", "'log' is not one of"), ("minimal\nthesis.tex\nshop\n", "is a file"),
     (f"minimal\n{'x' * 300}\nshop\n", "no directory can be called"), ("minimal\nfull\nshop\n", "is not empty")],
)  # fmt: skip
def test_a_wrong_answer_is_asked_for_again(tmp_path, wrong, said):
    (tmp_path / "full").mkdir()
    for path in ("thesis.tex", "full/thesis.tex"):
        (tmp_path / path).write_text("precious")
    code, shown = in_terminal(tmp_path, ["init"], wrong)
    assert (code, said in shown) == (0, True), shown
    assert (tmp_path / "shop/headwater.yaml").is_file()


@pytest.mark.parametrize("typed", ["logs\n\x04", "\x04"])
def test_a_question_that_is_left_open_makes_nothing(tmp_path, typed):
    code, shown = in_terminal(tmp_path, ["init"], typed)
    assert (code, "HW0904" in shown) == (130, True)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_at_a_question_makes_nothing(tmp_path):
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [*HEADWATER, "init"])  # noqa: S606 - the interpreter of these tests
    shown = b""
    while b"Template" not in shown:
        shown += os.read(terminal, 4096)
    assert _ending(child, terminal) == 130
    os.close(terminal)
    assert list(tmp_path.iterdir()) == []


def _ending(child: int, terminal: int) -> int:
    """Press Ctrl-C as a person does: again, where one came between two reads of the terminal and was not heard."""
    for _ in range(60):
        os.write(terminal, b"\x03")
        for _ in range(50):
            if (ended := os.waitpid(child, os.WNOHANG))[0]:
                return os.waitstatus_to_exitcode(ended[1])
            time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("arguments", [["init", "--yes"], ["init", "--template", "minimal"], ["init", "."]])
def test_who_says_what_they_want_is_not_asked(tmp_path, arguments):
    code, shown = in_terminal(tmp_path, arguments, "")
    assert (code, "?" in shown) == (0, False), shown
    assert (tmp_path / "headwater.yaml").is_file()


def test_an_unknown_template_lists_those_there_are(tmp_path):
    said = CommandLine(tmp_path)("init", "-t", "bogus")
    assert (said.code, "templates: minimal, flights, logs" in said.err) == (1, True)


def test_the_next_steps_can_be_pasted(tmp_path):
    said = CommandLine(tmp_path)("init", "we ird")
    assert f"Next, after `cd '{tmp_path}/we ird'`:" in said.out


def test_without_a_terminal_it_never_asks(tmp_path):
    said = CommandLine(tmp_path)("init", stdin="logs\nweb\n")
    assert (said.code, (tmp_path / "headwater.yaml").is_file()) == (0, True)


def test_it_explains_what_it_made_and_what_comes_next(tmp_path):
    said = CommandLine(tmp_path)("init", "web", "--template", "logs")
    tour = {line.split()[0]: " ".join(line.split()[1:]) for line in said.out.splitlines() if line.startswith("  ")}
    assert tour["models/"] == "6 files tables, each a query with its settings above it"
    commands = [line.strip().split("  ")[0] for line in said.out.partition("Next")[2].splitlines()[1:]]
    assert commands[:3] == ["headwater sites approve --all --yes", "headwater plan", "headwater apply"]
    assert commands[3].startswith("headwater query ")


@pytest.mark.parametrize("template", ["minimal", "logs"])
def test_the_next_commands_work(tmp_path, template):
    made = CommandLine(tmp_path)("--json", "init", "x", "--template", template).document
    project = CommandLine(tmp_path / "x")
    for step in made["next"]:
        assert project(*shlex.split(step)[1:]).code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["x" * 300], "HW0690"), (["a\nb"], "HW0690"), ([" "], "HW0690"), (["x", "--name", ""], "HW0691"),
     (["x", "--name", "a\tb"], "HW0691"), (["x", "--template", "log"], "HW0910")],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_and_nothing_is_made(tmp_path, arguments, code):
    said = CommandLine(tmp_path)("--json", "init", *arguments)
    assert (said.code, [each["code"] for each in said.document["diagnostics"]]) == (1, [code])
    assert list(tmp_path.iterdir()) == []
