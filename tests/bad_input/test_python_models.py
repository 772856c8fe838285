"""Python models that do everything wrong: each ends in a diagnostic at its file, and dev is as it was."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = """\
import headwater as hw
@hw.model(inputs={{"s": "sales"}}, columns={{"a": "bigint"}}, timeout="{timeout}", memory="300MB")
def bad(s):
    import os, subprocess, sys, time
    import pyarrow as pa
    {body}
"""


def write(shop, body, timeout="60s"):
    shop.write("models/bad.py", MODEL.format(body=body, timeout=timeout))


@pytest.mark.parametrize(
    ("body", "code", "line", "words"),
    [
        ("raise ValueError('no such thing')", "HW0853", 6, "raised ValueError: no such thing"),
        ("sys.exit(0)", "HW0853", 6, "raised SystemExit: 0"),
        ("os._exit(3)", "HW0852", 3, "ended with exit code 3"),
        ("os.abort()", "HW0852", 3, "was killed by SIGABRT"),
        ("x = [bytearray(50_000_000) for _ in range(100)]", "HW0851", 3, "300,000,000 bytes"),
        ("return pa.table({'b': [1]})", "HW0855", 3, "did not return column `a`"),
        ("return pa.table({'a': [1], 'b': [1]})", "HW0855", 3, "returned column `b`"),
        ("return pa.table({'a': ['x']})", "HW0855", 3, "returned `a` as VARCHAR, but declares BIGINT"),
        ("return None", "HW0854", 3, "returned NoneType"),
        ("yield 1", "HW0854", 3, "returned generator"),
    ],
)
def test_a_model_that_goes_wrong(shop, body, code, line, words):
    write(shop, body)
    found = shop.fails("apply")
    assert (found["code"], found["file"], found["line"]) == (code, "models/bad.py", line)
    assert words in found["message"]


def test_what_a_model_prints_is_no_answer(shop):
    write(shop, "print('hello', '{' * 99); print('error', file=sys.stderr); return pa.table({'a': [1]})")
    assert "hello" not in shop("apply").everything
    assert shop("--json", "query", "FROM bad").document == [{"a": 1}]


def test_a_model_that_forks_answers_once(shop):
    write(shop, "os.fork(); return pa.table({'a': [os.getpid()]})")
    assert shop("apply").code == 0
    assert len(shop("--json", "query", "FROM bad").document) == 1
    assert shop("doctor").code == 0


def test_a_model_that_hangs_ends_with_all_that_it_has_started(shop):
    shop.edit("headwater.yaml", "timezone: UTC", "timezone: UTC\ndefaults: {retries: {attempts: 1}}")
    write(
        shop,
        f"child = subprocess.Popen(['sleep', '600']); open({str(shop.root / 'pid')!r}, 'w').write(str(child.pid)); child.wait()",
        "4s",
    )
    found = shop.fails("apply")
    assert (found["code"], found["file"]) == ("HW0850", "models/bad.py")
    assert is_gone(shop.root / "pid")


def test_ctrl_c_ends_a_model(shop):
    begun = shop.root / "begun"
    os.mkfifo(begun)
    write(shop, f"open({str(begun)!r}, 'w').write(str(os.getpid())); time.sleep(600)", "600s")
    command = [sys.executable, "-m", "headwater", "apply"]
    with subprocess.Popen(command, cwd=shop.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        begun.read_text()
        child.send_signal(signal.SIGINT)
        assert b"HW0904" in child.communicate()[1]
    assert child.returncode == 130


def is_gone(file):
    """Whether a process ends (it is waited for by init, so that it may be seen as a zombie for a moment)."""
    status = Path(f"/proc/{int(file.read_text())}/status")
    try:
        return "State:\tZ" in status.read_text() or "State:\tX" in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import headwater as hw\n@hw.model()\ndef bad(:\n", "HW0801"),
        ("import headwater as hw\n@hw.model(columns=dict(a='bigint'), tags=object())\ndef bad(): ...\n", "HW0141"),
        ("import headwater as hw\n@hw.model(columns=missing)\ndef bad(): ...\n", "HW0140"),
        ("import headwater as hw\n@hw.model()\ndef bad(): ...\n", "HW0803"),
    ],
)
def test_a_file_that_cannot_be_a_model(shop, text, code):
    shop.write("models/bad.py", text)
    assert shop.refuses_files()[0].startswith(f"{code} models/bad.py:")
