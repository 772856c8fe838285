"""What a worker says to bytes that are no question: a word, never a traceback, and nothing it has not been asked."""

import subprocess
import sys
from io import BytesIO

import pytest

from headwater.connect.wire import Frame, encode, read


def said(tmp_path, *content: bytes) -> list[Frame]:
    """What a worker answers to these bytes, until it ends by itself."""
    command = [sys.executable, "-P", "-m", "headwater.app.site", "--site", "eu"]
    command += ["--home", str(tmp_path / "home"), "--root", str(tmp_path)]
    done = subprocess.run(command, input=b"".join(content), capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    answers, found = BytesIO(done.stdout), []
    while frame := read(answers):
        found.append(frame)
    return found


def ask(number: int, kind: str, body: object = None) -> bytes:
    return encode(Frame(number, kind, body)) + encode(Frame(number, "go"))


@pytest.mark.parametrize(
    "garbage",
    [b"hello, is anybody there?", b"HWs1\xff\xff\xff\xff\xff\xff\xff\xff", b"HWs1\0\0\0\x40\0\0\0\0[1,", b"HW"],
    ids=["text", "endless", "cut off", "too short"],
)
def test_what_is_no_frame_ends_the_conversation_in_a_word(tmp_path, garbage):
    assert [(frame.kind, frame.body) for frame in said(tmp_path, garbage)] == [("failed", "malformed")]


def test_after_a_header_that_cannot_be_read_the_next_question_is_answered(tmp_path):
    broken = b"HWs1\0\0\0\x03\0\0\0\x02{{{xx"
    words = [(frame.question, frame.kind) for frame in said(tmp_path, broken, ask(1, "state"))]
    assert words == [(0, "failed"), (1, "done")]


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("explode", None, "malformed"),
        ("observe", None, "malformed"),
        ("observe", [1, {"charter": 5}], "malformed"),
        ("observe", [99, {"charter": "c", "source": "s"}], "protocol"),
        ("observe", [1, {"charter": "../../key", "source": "s"}], "unapproved"),
        ("offer", None, "malformed"),
        ("perform", [1, []], "malformed"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_a_word(tmp_path, kind, body, word):
    answers = said(tmp_path, ask(1, kind, body), ask(2, "state"))
    assert (1, "failed", word) in [(frame.question, frame.kind, frame.body) for frame in answers]
    assert (2, "done") in [(frame.question, frame.kind) for frame in answers]


def test_a_file_that_is_sent_along_cannot_choose_where_it_goes(tmp_path):
    part = encode(Frame(1, "part", name="../../../evil", payload=b"x"))
    answers = said(tmp_path, encode(Frame(1, "offer")), part, encode(Frame(1, "go")))
    assert [(frame.kind, frame.body) for frame in answers] == [("failed", "malformed")]
    assert not list(tmp_path.rglob("evil"))
