"""Servers and workers write lines for people or for machines: with ids, and without secrets."""

import io
import json
import logging
import sys
import threading
import warnings
from datetime import UTC, datetime

import pytest

from headwater.app.process_logs import log_fact, start_logging
from headwater.diagnostics import conceal


@pytest.fixture
def logged():
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions)
    stream = io.StringIO()

    def start(form, level="info", **ids):
        start_logging(form, level, stream=stream, **ids)
        return stream.getvalue

    yield start
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions = before


def objects(said):
    return [json.loads(line) for line in said().splitlines()]


def test_a_line_of_json_says_when_how_urgent_what_and_about_what(logged):
    said = logged("json", worker="w1")
    log_fact("warning", "it is late", datetime(2024, 1, 10, tzinfo=UTC), {"run": "r1", "node": "totals", "task": ""})
    assert objects(said) == [
        {"at": "2024-01-10T00:00:00.000Z", "level": "warning", "message": "it is late", "logger": "headwater.run"}
        | {"run": "r1", "node": "totals", "worker": "w1"}
    ]


def test_a_line_of_text_says_the_same(logged):
    said = logged("text", worker="w1")
    log_fact("warning", "it is late\nvery late", datetime(2024, 1, 10, tzinfo=UTC), {"run": "r1"})
    assert said() == "2024-01-10T00:00:00.000Z warning [run=r1 worker=w1] it is late\n    very late\n"


def test_what_is_less_urgent_is_not_written(logged):
    said = logged("json", "warning")
    logging.getLogger("uvicorn").info("started")
    logging.getLogger("uvicorn").warning("slow")
    assert [each["message"] for each in objects(said)] == ["slow"]


def test_libraries_warnings_and_defects_go_the_same_way_without_secrets(logged):
    conceal.learn("c4nary-of-libraries", "${env:L}")
    said = logged("json")
    logging.getLogger("uvicorn.access").info('"GET /runs?token=%s" 200', "abcdef")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("c4nary-of-libraries is deprecated", stacklevel=1)
    try:
        int("c4nary-of-libraries")
    except ValueError as problem:
        sys.excepthook(type(problem), problem, problem.__traceback__)
    thread = threading.Thread(target=lambda: int("c4nary-of-libraries"))
    thread.start()
    thread.join()
    found = objects(said)
    assert [each["level"] for each in found] == ["info", "warning", "error", "error"]
    assert "c4nary" not in said() and "abcdef" not in said()  # noqa: PT018 - one sentence
    assert "'${env:L}'" in found[2]["trace"]


def test_a_library_that_logs_wrongly_loses_nothing(logged):
    said = logged("json")
    logging.getLogger("x").info("%d rows", "many")
    assert objects(said)[0]["message"] == "%d rows ('many',)"
