"""A project whose API answers, without a network: calls with a token of any role."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from headwater.app.access import make
from headwater.web.app import make_app
from headwater.web.routing import Limits, Services

API = "/api/v1"


@dataclass
class Client:
    """Calls an ASGI application, in a loop that stays the same from call to call."""

    app: Any
    portal: BlockingPortal

    def request(self, method, url, **how):
        return self.portal.call(lambda: self._request(method, url, how))

    async def _request(self, method, url, how):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, url, **how)


@dataclass
class Api:
    """Calls the API of a project; the role of the caller is said by its token."""

    project: Any
    client: Client
    secrets: dict[str, str]

    def headers(self, role="viewer"):
        return {"Authorization": f"Bearer {self.secrets[role]}"} if role else {}

    def get(self, path, role="viewer", headers=None, **query):
        return self.client.request(
            "GET", API + path, params=query or None, headers={**self.headers(role), **(headers or {})}
        )

    def post(self, path, role="operator", **body):
        return self.client.request("POST", API + path, json=body, headers=self.headers(role))

    def delete(self, path, role="admin"):
        return self.client.request("DELETE", API + path, headers=self.headers(role))


def codes(answer):
    """Codes of the diagnostics in a refusal."""
    return [each["code"] for each in answer.json()["diagnostics"]]


def serve(project, portal, **settings):
    limits = Limits(**settings.pop("limits", {}))
    app = make_app(Services(workspace=project.workspace, limits=limits, **settings))
    secrets = {role: make(project.workspace, role, role).secret for role in ("viewer", "operator", "admin")}
    return Api(project, Client(app, portal), secrets)


@pytest.fixture
def shop(project):
    """A project with one pipeline and one release in prod."""
    project.source("raw", {"id": "bigint", "price": "double"}, rows=[(1, 2.5), (2, 4.0)])
    project.model("totals", "SELECT sum(price) AS total FROM raw")
    project.write("pipelines/daily.yaml", json.dumps({"pipelines": {"daily": {"select": ["totals"], "owner": "ada"}}}))
    project.apply("prod")
    return project


@pytest.fixture
def portal():
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def api(shop, portal):
    return serve(shop, portal)
