"""How documentation is tested, tested."""

import pytest

from tests.docs.blocks import Block, Session, blocks_of, commands_of, is_like, try_block


def console(text, **words):
    return Block("console", words, text, 1)


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)


def test_a_page_gives_its_blocks_with_their_words_and_lines():
    page = 'Text\n\n```console exit=6 skip="no network"\n$ a\n```\n```python\nx\n```\n'
    assert [(b.language, b.words, b.line) for b in blocks_of(page)] == [
        ("console", {"exit": "6", "skip": "no network"}, 3),
        ("python", {}, 6),
    ]


def test_a_command_may_go_on_in_the_next_line():
    first, second = commands_of("$ echo \\\n  a\na\n$ true\n")
    assert (first.text, first.output, second.text) == ("echo \\\n  a", "a", "true")


def test_a_command_may_hold_a_here_document():
    (command,) = commands_of("$ cat > a.sql <<'SQL'\nSELECT 1\nSQL\nshown\n")
    assert (command.text, command.output) == ("cat > a.sql <<'SQL'\nSELECT 1\nSQL", "shown")


def test_a_session_remembers_directory_and_environment(session):
    try_block(console("$ mkdir a && cd a && export X=1\n$ echo $X ${PWD##*/}\n1 a\n", output=""), session)


def test_a_command_that_fails_fails_the_page(session):
    with pytest.raises(AssertionError, match="ended with 1"):
        try_block(console("$ false\n"), session)


def test_an_exit_code_can_be_expected_of_the_last_command(session):
    try_block(console("$ true\n$ bash -c 'exit 6'\n", exit="6"), session)


def test_output_is_compared_where_a_block_says_so(session):
    with pytest.raises(AssertionError, match="printed"):
        try_block(console("$ echo b\na\n", output=""), session)


def test_python_runs_where_the_session_stands(session):
    try_block(Block("python", {"run": ""}, "open('made', 'w').close()", 1), session)
    try_block(console("$ ls\nmade\n", output=""), session)


@pytest.mark.parametrize(
    ("expected", "printed"), [("a … c", "a b c"), ("a\n…\nz", "a\nb\nc\nz"), ("a\n…", "a"), ("a", "a  \n")]
)
def test_an_ellipsis_stands_for_anything(expected, printed):
    assert is_like(expected, printed)


@pytest.mark.parametrize(("expected", "printed"), [("a", "ab"), ("a … c", "a b d"), ("a\nb", "a\nx\nb")])
def test_everything_else_must_be_the_same(expected, printed):
    assert not is_like(expected, printed)
