"""Who may do what, and what is never let in."""

import pytest

from headwater.app.access import make, revoke
from headwater.web.app import make_app
from headwater.web.routing import Services
from headwater.web.table import ROUTES
from tests.web.conftest import API, Client, codes, serve

BODIES = {
    "make_token": {"name": "new"},
    "start_backfill": {"select": ["daily"], "start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"},
}
BELOW = {"viewer": [], "operator": ["viewer"], "admin": ["viewer", "operator"]}


def path_of(route):
    filled = route.path
    for name in route.names:
        filled = filled.replace(f"{{{name}}}", {"environment": "prod", "pipeline": "daily"}.get(name, "none"))
    return filled


def call(api, route, headers):
    body = {"json": BODIES.get(route.name, {})} if route.body is not None else {}
    return api.client.request(route.method, API + path_of(route), headers=headers, **body)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nothing_is_answered_without_a_token(api, route):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}):
        answer = call(api, route, headers)
        assert (answer.status_code, codes(answer)) == (401, ["HW1085"])
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("route", [r for r in ROUTES if r.needs != "viewer"], ids=lambda route: route.name)
def test_a_role_below_what_is_needed_is_refused(api, route):
    for role in BELOW[route.needs]:
        answer = call(api, route, api.headers(role))
        assert (answer.status_code, codes(answer)) == (403, ["HW1086"])


def test_what_changes_something_needs_more_than_a_viewer():
    assert [route.name for route in ROUTES if route.method != "GET" and route.needs == "viewer"] == []


def test_a_revoked_token_opens_nothing(api):
    revoke(api.project.workspace, "viewer")
    assert api.get("/runs").status_code == 401


def test_an_expired_token_opens_nothing(api):
    headers = {"Authorization": f"Bearer {make(api.project.workspace, 'short', 'viewer', lasts_s=60).secret}"}
    assert api.get("/runs", role=None, headers=headers).status_code == 200
    api.project.later(seconds=60)
    assert api.get("/runs", role=None, headers=headers).status_code == 401


def test_health_is_for_everybody_and_metrics_are_not(api):
    statuses = {path: api.client.request("GET", path).status_code for path in ("/health", "/ready", "/metrics")}
    assert statuses == {"/health": 200, "/ready": 401, "/metrics": 401}


def test_metrics_and_readiness_can_be_opened(shop, portal):
    api = serve(shop, portal, open_metrics=True)
    assert api.client.request("GET", "/metrics").status_code == 200
    assert api.client.request("GET", "/ready").status_code == 503  # nobody leads, but it is answered


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:1:2", "[::1"])
def test_a_page_that_named_itself_after_this_machine_is_refused(shop, portal, host):
    app = make_app(Services(workspace=shop.workspace, hosts=frozenset({"localhost", "127.0.0.1", "::1"})))
    answer = Client(app, portal).request("GET", "/health", headers={"Host": host})
    assert (answer.status_code, codes(answer)) == (400, ["HW1093"])


@pytest.mark.parametrize("host", ["127.0.0.1:8650", "LOCALHOST", "[::1]:8650"])
def test_this_machine_is_called_by_its_own_names(shop, portal, host):
    app = make_app(Services(workspace=shop.workspace, hosts=frozenset({"localhost", "127.0.0.1", "::1"})))
    assert Client(app, portal).request("GET", "/health", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_may_read_nothing(api):
    answer = api.get("/runs", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_change_is_in_the_audit_chain_with_the_tokens_name(api):
    api.post("/environments/prod/pipelines/daily/trigger")
    api.post("/environments/prod/pipelines/daily/pause", reason="holiday")
    api.post("/environments/prod/pipelines/daily/resume")
    api.post("/tokens", role="admin", name="ci")
    api.delete("/tokens/ci")
    from headwater.state.audit import audit_entries

    said = [(e.kind, e.document["by"]) for e in audit_entries(api.project.workspace.db) if "by" in e.document]
    assert said[-5:] == [
        ("run ordered", "token operator"), ("pipeline paused", "token operator"), ("pipeline resumed", "token operator"),
        ("token created", "token admin"), ("token revoked", "token admin"),
    ]  # fmt: skip
