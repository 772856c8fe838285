"""What stands still between sites and the hub: types, time zones, listings of files, and what triggers look at."""

import bz2
import os

import pytest

from headwater.app.serving.facts import LOOK_EVERY, Looker
from headwater.diagnostics import Broken
from headwater.state.audit import last_entries
from tests.sites.conftest import COLUMNS, approve_all, log

DAILY = """SELECT CAST(ts AS DATE) AS day, count(*) AS requests FROM access
WHERE ts >= $start AND ts < $end GROUP BY ALL"""
BY_DAY = {"kind": "incremental", "time": "day", "every": "1d"}
PLACES = {"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}, "us1": {"jurisdiction": "us"}}


def vanishing(web, on_vanish):
    web.source(
        "access",
        COLUMNS,
        at=["eu", "us1"],
        path="data/{site}/*.csv",
        time="ts",
        start="2024-01-01",
        end="2024-01-09",
        on_vanish=on_vanish,
    )
    log(web, "eu", "3.csv", 3, ["198.51.100.9", 200, 5])
    web.model("daily", DAILY, **BY_DAY)
    approve_all(web)
    web.apply()


def test_rows_that_rotated_away_at_a_site_are_not_computed_anew(web):
    vanishing(web, "keep")
    web.remove("data/eu/3.csv")
    assert web.due() == {}
    web.model("again", DAILY, **BY_DAY)
    assert "HW1292" in {each.code for each in web.apply(fails=True).diagnostics}


def test_a_file_that_vanished_at_a_site_stops_until_its_operator_forgets_it(web):
    from headwater.app.overseeing import forget_files

    vanishing(web, "fail")
    web.remove("data/eu/3.csv")
    with pytest.raises(Broken, match="has vanished at site `eu`"):
        web.plan()
    forget_files(web.workspace, web.graph(), "eu", "access")
    assert web.due() == {"daily": 1}
    web.run()
    assert web.query("SELECT sum(requests) FROM daily") == [(5,)]


def test_nothing_is_forgotten_that_was_never_seen(web):
    from headwater.app.overseeing import forget_files
    from headwater.diagnostics import Invalid

    approve_all(web)
    with pytest.raises(Invalid, match="nothing of `access` to forget"):
        forget_files(web.workspace, web.graph(), "eu", "access")


def test_a_model_in_another_time_zone_than_a_rule_is_refused_with_the_zone_that_would_do(web):
    rule = {"ship": ["ts", "status"], "from": "access@eu", "to": ["us"], "where": "ts >= '2024-01-01'"}
    web.settings(policies={"rows": rule})
    asked = "SELECT status FROM access WHERE ts >= '2024-01-01'"
    web.model("early", asked, timezone="America/New_York")
    (refused,) = web.check().refused
    assert refused.code == "HW1238"
    assert "`timezone: UTC`" in refused.hint
    web.model("early", asked)
    assert not web.check().refused


def test_every_type_crosses_as_it_is_from_sites_and_from_the_hub(project):
    """`here` is read by the hub, `eu` sends: both parts are one relation of the same types."""
    columns = {
        "id": {"type": "bigint", "class": "public", "required": True},
        "word": {"type": "enum('a', 'b')", "class": "public"},
    }
    project.settings(sites={"hub": {"jurisdiction": "us"}, "eu": {"jurisdiction": "eu"}})
    project.source("things", columns, at=["hub", "eu"], path="data/{site}/things/*.csv")
    project.write("data/hub/things/1.csv", "id,word\n1,a\n")
    project.write("data/eu/things/1.csv", "id,word\n2,b\n")
    values = """CAST(id AS HUGEINT) + 12345678901234567890123456789012345670 AS big,
        CAST('6f9619ff-8b86-d011-b42d-00c04fc964ff' AS UUID) AS u, CAST('2024-01-01T10:00:00Z' AS TIMESTAMPTZ) AS ts,
        to_months(CAST(id AS INTEGER)) + to_hours(30) AS i, word AS e,
        {'n': CAST(id AS UHUGEINT), 'l': [CAST(id AS HUGEINT), NULL]} AS s, MAP {CAST(word AS TEXT): [to_days(CAST(id AS INTEGER))]} AS m"""
    project.model("kinds", f"SELECT id, {values} FROM things GROUP BY ALL")
    approve_all(project)
    project.apply()
    told = "SELECT id, big, u::text, i::text, e::text, s::text, m::text, epoch(ts) FROM kinds ORDER BY id"
    rows = project.query(told)
    huge, uuid = 12345678901234567890123456789012345670, "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert rows == [
        (1, huge + 1, uuid, "1 month 30:00:00", "a", "{'n': 1, 'l': [1, NULL]}", "{a=[1 day]}", 1704103200.0),
        (2, huge + 2, uuid, "2 months 30:00:00", "b", "{'n': 2, 'l': [2, NULL]}", "{b=[2 days]}", 1704103200.0),
    ]


def test_keys_of_a_huge_type_that_the_hub_sends_find_their_rows_and_are_counted(project):
    """A round: the hub's own part is written as sites write theirs, or the site refuses it (HW1259)."""
    project.settings(sites=PLACES)
    project.source("orders", {"id": "hugeint", "note": "text"}, at=["us1"], path="data/{site}/*.csv")
    rows = [f"{10**37 + number},{'x' * 50}{number}" for number in range(3000)]
    project.write("data/us1/1.csv", "\n".join(["id,note", *rows, ""]))
    project.source("wanted", {"id": "hugeint", "owner": "text"}, rows=[(10**37 + at, "me") for at in (7, 9, 4000)])
    project.model("found", "SELECT id, note FROM orders WHERE id IN (SELECT id FROM wanted WHERE owner = 'me')")
    approve_all(project)
    project.apply()
    assert [int(number) for number, _ in project.table("found")] == [10**37 + 7, 10**37 + 9]
    (sent,) = [each.document for each in last_entries(project.workspace.db, 100, "exchange")]
    assert (sent["from"], sent["rows"], sent["keys"]) == ("us1", 2, 3)


def test_a_trigger_asks_sites_where_their_source_stands(web):
    web.model("daily", DAILY, **BY_DAY)
    approve_all(web)
    graph, looker = web.graph(), Looker(web.workspace)
    first = looker.nodes(graph, web.head(), ["access"], web.now)
    same = looker.nodes(graph, web.head(), ["access"], web.now + LOOK_EVERY)
    log(web, "eu", "5.csv", 5, ["198.51.100.9", 200, 5])
    changed = looker.nodes(graph, web.head(), ["access"], web.now + 2 * LOOK_EVERY)
    assert first == same
    assert changed.keys() == first.keys() == {"access"}
    assert changed != first


def test_a_trigger_waits_where_a_site_has_approved_nothing(web):
    web.model("daily", DAILY, **BY_DAY)
    assert Looker(web.workspace).nodes(web.graph(), web.head(), ["access"], web.now) == {}


def test_sites_share_the_memory_of_the_machine(web):
    from headwater.app.runtimes import places_of

    web.settings(sites=PLACES | {"eu": {"jurisdiction": "eu", "capacity": 4}})
    places = places_of(web.graph().borders, web.root)
    assert places["eu"].memory_bytes == places["us1"].memory_bytes // 2 > 0
    together = sum(each.memory_bytes * each.capacity for each in places.values())
    assert together < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_what_a_site_unpacks_stays_in_its_home(web):
    path = "data/{site}/*.csv.bz2"
    web.source("access", COLUMNS, at=["eu", "us1"], path=path, time="ts", start="2024-01-01")
    for site in ("eu", "us1"):
        packed = bz2.compress((web.root / f"data/{site}/1.csv").read_bytes())
        web.write(f"data/{site}/1.csv.bz2", packed)
    web.model("totals", "SELECT status, count(*) AS n FROM access GROUP BY status")
    approve_all(web)
    before = set((web.root / ".headwater").rglob("*"))
    web.apply()
    assert web.query("SELECT sum(n) FROM totals") == [(5,)]
    made = set((web.root / ".headwater").rglob("*")) - before
    assert {path.parts[-4] for path in made if path.name == "unpacked"} == {"sites"}
    assert len([path for path in made if path.name == "unpacked"]) == 2
