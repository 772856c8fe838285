"""Template `logs`: made-up access logs with everything that real ones hold, and a real one where there is one."""

import gzip
import os
import re
from pathlib import Path

import pytest

from headwater.app.initialise import initialise
from tests.cli.conftest import CommandLine

REAL_LOG = os.environ.get("HEADWATER_ACCESS_LOG", "")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    root = tmp_path_factory.mktemp("logs") / "web"
    initialise(root, "logs", name="web")
    run = CommandLine(root)
    applied = run("apply")
    assert applied.code == 0, applied.everything
    return run


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "data").rglob("*.log*")}


def all_lines(root):
    contents = (gzip.decompress(data) if name.endswith(".gz") else data for name, data in files(root).items())
    return [line for content in contents for line in content.splitlines()]


def test_the_logs_are_the_same_each_time(logs, tmp_path):
    initialise(tmp_path / "again", "logs", name="again")
    assert sorted(all_lines(tmp_path / "again")) == sorted(all_lines(logs.root))


def test_two_servers_keep_a_week_each_and_compress_what_is_old(logs):
    names = sorted(files(logs.root))
    assert len(names) == 14
    assert sum(name.endswith(".gz") for name in names) == 10


def test_they_hold_what_real_logs_hold(logs):
    text = b"\n".join(all_lines(logs.root)).decode("utf-8", "replace")
    assert '\\"Reader\\" 3.1' in text
    assert 'q=\\"><script>' in text
    assert re.search(r"^2001:db8:", text, re.MULTILINE)
    assert '"\\x16\\x03\\x01" 400' in text


def test_its_own_tests_pass(logs):
    assert "4 passed" in logs("test").out


def test_every_sound_line_is_counted_once_and_damaged_ones_are_set_aside(logs):
    [[counted]] = [
        row.values() for row in logs("--json", "query", "SELECT sum(requests)::INT AS n FROM hourly_traffic").document
    ]
    aside = sum(entry["count"] for entry in logs("--json", "quarantine", "list").document)
    ended_later = sum(b"/Jan/2026:" not in line for line in all_lines(logs.root))
    assert (counted + aside, aside) == (len(all_lines(logs.root)), 4), ended_later


def test_a_request_in_the_file_of_the_next_day_counts_for_its_own(logs):
    days = logs("--json", "query", "SELECT DISTINCT hour::DATE AS day FROM hourly_traffic").document
    assert len(days) == 7


def test_visits_go_on_past_midnight(logs):
    over = "SELECT count(*) AS n FROM sessions WHERE began_at::DATE < (began_at + to_seconds(lasted_s))::DATE"
    assert logs("--json", "query", over).document[0]["n"] > 0


def test_nobody_s_address_stands_in_a_table(logs):
    columns = [
        each["column"] for node in ("hourly_traffic", "daily_visitors", "sessions") for each in _columns(logs, node)
    ]
    assert "client_ip" not in columns


def _columns(logs, node):
    return [
        {"column": name} for row in logs("--json", "query", f"SELECT * FROM {node} LIMIT 1").document for name in row
    ]


def test_the_sink_holds_what_is_served(logs):
    served = logs("--json", "query", "SELECT sum(visitors)::INT AS n FROM daily_visitors").document[0]["n"]
    loaded = [
        line.split(",") for path in (logs.root / "out").rglob("*.csv") for line in path.read_text().splitlines()[1:]
    ]
    assert sum(int(row[2]) for row in loaded) == served


@pytest.mark.skipif(not Path(REAL_LOG).is_file(), reason="HEADWATER_ACCESS_LOG names no access log of May 2015")
def test_a_real_log_goes_through_as_well(tmp_path):
    initialise(tmp_path / "real", "logs", name="real")
    run = CommandLine(tmp_path / "real")
    run.edit("sources/access_log.yaml", "path: data/{site}/access-*.log*", f"path: {REAL_LOG}")
    run.edit("sources/access_log.yaml", "    at: [web1, web2]\n", "")
    run.edit(
        "sources/access_log.yaml", "start: 2026-01-05\n    end: 2026-01-12", "start: 2015-05-17\n    end: 2015-05-21"
    )
    assert run("apply").code == 0
    counted = run("--json", "query", "SELECT sum(requests)::INT AS n FROM hourly_traffic").document[0]["n"]
    aside = sum(entry["count"] for entry in run("--json", "quarantine", "list").document)
    assert counted + aside == len(Path(REAL_LOG).read_bytes().splitlines())
    assert run("--json", "query", "SELECT count(*) AS n FROM daily_visitors").document[0]["n"] > 20
