"""Alerts as they are written: what is read, what is a mistake, and where it is."""

import pytest

from headwater.graph.encoding import decode, encode


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)], owner="data@example.org")
    return project.model("totals", "SELECT count(*) AS n FROM raw", owner="data@example.org", tags=["daily"])


def codes(project):
    return [each.partition(" ")[0] for each in project.mistakes]


def alert(project, **settings):
    return project.settings(alerts={"team": {"on": "run_failed", "to": "${env:TEAM_URL}", **settings}})


def test_a_release_keeps_alerts_with_their_references(shop):
    alert(shop, only={"owner": "data@example.org"}, group="10s")
    (kept,) = decode(encode(shop.graph())).alerts
    assert (kept.name, kept.on, kept.to, kept.group_s) == ("team", ("run_failed",), ("${env:TEAM_URL}",), 10)


def test_a_pipeline_has_alerts_of_its_own(shop):
    pager = {"on": "run_failed", "to": "${env:PAGER}"}
    shop.settings(pipelines={"morning": {"select": "totals", "alerts": {"pager": pager}}})
    assert [(each.name, each.pipeline) for each in shop.graph().alerts] == [("morning.pager", "morning")]


def test_a_change_of_alerts_is_a_change_of_code(shop):
    before = shop.graph().digest
    assert alert(shop).graph().digest != before


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"on": []}, "HW1060"),
        ({"to": []}, "HW1060"),
        ({"on": "run_faild"}, "HW0112"),
        ({"only": {"owner": "dat@example.org"}}, "HW1061"),
        ({"only": {"pipelines": ["morning"]}}, "HW1061"),
        ({"only": {"tags": ["dayly"]}}, "HW1061"),
        ({"only": {"environments": ["production"]}}, "HW1061"),
        ({"only": {"nodes": ["total"]}}, "HW0250"),
        ({"score_fell": {"below": 120}}, "HW1062"),
        ({"volume_anomaly": {"within": "much"}}, "HW1062"),
        ({"volume_anomaly": {"over": 1}}, "HW1062"),
        ({"quarantine_grew": {"by": "2 sigma"}}, "HW1062"),
        ({"silence": {"for": "0s"}}, "HW1062"),
        ({"on": "deadline_missed"}, "HW1063"),
        ({"on": "freshness"}, "HW1063"),
        ({"on": "server_silent", "only": {"tags": ["daily"]}}, "HW1063"),
        ({"to": "slack://T00/B00/secret"}, "HW1069"),
        ({"grup": "10s"}, "HW0109"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(shop, settings, code):
    alert(shop, **settings)
    assert [each.partition(":")[0] for each in shop.mistakes] == [f"{code} headwater.yaml"]


def test_a_misspelt_owner_gets_a_suggestion(shop):
    alert(shop, only={"owner": "dat@example.org"})
    assert [each.hint for each in shop.check().diagnostics] == ["did you mean `data@example.org`?"]


def test_alerts_without_mistakes_are_silent(shop):
    alert(shop, only={"nodes": ["+totals"], "tags": ["daily"], "severity": "error", "environments": ["prod"]})
    assert codes(shop) == []


def test_a_web_hook_in_the_open_is_no_secret(shop):
    alert(shop, to="json://127.0.0.1:8080/hook")
    assert codes(shop) == []
