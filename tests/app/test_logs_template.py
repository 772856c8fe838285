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
    for command in ("sites", "approve", "--all", "--yes"), ("apply",):
        done = run(*command)
        assert done.code == 0, done.everything
    return run


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "data").rglob("*.log*")}


def all_lines(root):
    contents = (gzip.decompress(data) if name.endswith(".gz") else data for name, data in files(root).items())
    return [line for content in contents for line in content.splitlines()]


def test_the_logs_are_the_same_each_time(logs, tmp_path):
    initialise(tmp_path / "again", "logs", name="again")
    assert sorted(all_lines(tmp_path / "again")) == sorted(all_lines(logs.root))


def test_three_servers_keep_a_week_each_and_compress_what_is_old(logs):
    names = sorted(files(logs.root))
    assert len(names) == 21
    assert sum(name.endswith(".gz") for name in names) == 15


def test_they_hold_what_real_logs_hold(logs):
    text = b"\n".join(all_lines(logs.root)).decode("utf-8", "replace")
    assert '\\"Reader\\" 3.1' in text
    assert 'q=\\"><script>' in text
    assert re.search(r"^2001:db8:", text, re.MULTILINE)
    assert '"\\x16\\x03\\x01" 400' in text


def test_its_own_tests_pass(logs):
    assert "7 passed" in logs("test").out


def test_every_sound_line_is_counted_once_and_nothing_is_said_of_damaged_ones(logs):
    [[counted]] = [
        row.values() for row in logs("--json", "query", "SELECT sum(requests)::INT AS n FROM hourly_traffic").document
    ]
    assert counted == len(all_lines(logs.root)) - 4
    assert logs("--json", "quarantine", "list").document == []


def test_a_request_in_the_file_of_the_next_day_counts_for_its_own(logs):
    days = logs("--json", "query", "SELECT DISTINCT hour::DATE AS day FROM hourly_traffic").document
    assert len(days) == 7


def test_visits_go_on_past_midnight(logs):
    over = "SELECT count(*) AS n FROM sessions WHERE began_at::DATE < (began_at + to_seconds(lasted_s))::DATE"
    assert logs("--json", "query", over).document[0]["n"] > 0


def test_no_address_leaves_its_server(logs):
    address = re.compile(rb"192\.0\.2\.\d|198\.51\.100\.\d|203\.0\.113\.\d|2001:db8:")
    kept = [path for path in logs.root.rglob("*") if path.is_file() and "data" not in path.relative_to(logs.root).parts]
    at_hub = [path for path in kept if "sites" not in path.relative_to(logs.root).parts and path.parent.name != "tests"]
    assert any(path.suffix == ".db" for path in at_hub)
    assert [path.name for path in at_hub if address.search(path.read_bytes())] == ["policies.yaml"]


def test_a_visitor_of_two_servers_is_one_visitor(logs):
    [[visitors]] = [
        row.values() for row in logs("--json", "query", "SELECT count(DISTINCT visitor) AS n FROM sessions").document
    ]
    who = re.compile(rb'^(\S+) .*"GET (\S+) [^"]*" (?:200|304) .*(?<!\\)"((?:[^"\\]|\\.)*)"$')
    asset, robot = re.compile(rb"\.(css|js|svg|png|ico|xml)(\?|$)"), re.compile(rb"bot|feed|curl|^-$", re.IGNORECASE)
    seen = [match.groups() for line in all_lines(logs.root) if (match := who.match(line))]
    people = {(address, agent) for address, path, agent in seen if not asset.search(path) and not robot.search(agent)}
    assert visitors == len(people)


def test_what_crosses_is_certified(logs):
    crossed = logs("--json", "audit", "--kind", "exchange", "--limit", "1000").document
    assert {each["kind"] for each in crossed} == {"exchange"}
    assert {each["details"]["from"] for each in crossed} == {"web1", "web2", "web3"}
    assert {rule for each in crossed for rule in each["details"]["rules"]} == {"traffic", "visitor-tokens"}


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
    run.edit("sources/access_log.yaml", "at: [web1, web2, web3]", "at: web1")
    run.edit(
        "sources/access_log.yaml", "start: 2026-01-05\n    end: 2026-01-12", "start: 2015-05-17\n    end: 2015-05-21"
    )
    assert run("sites", "approve", "web1", "--yes").code == 0
    assert run("apply").code == 0
    counted = run("--json", "query", "SELECT sum(requests)::INT AS n FROM hourly_traffic").document[0]["n"]
    assert 0.999 < counted / len(Path(REAL_LOG).read_bytes().splitlines()) <= 1
    assert run("--json", "query", "SELECT count(*) AS n FROM daily_visitors").document[0]["n"] > 20
