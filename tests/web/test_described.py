"""The API keeps to its own description: whatever is sent, it answers as described, never with a defect of its own."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from headwater.app.access import make
from headwater.state.leases import acquire
from headwater.web.app import make_app
from headwater.web.describing import description
from headwater.web.health import LEADER
from headwater.web.routing import Services
from headwater.web.table import ROUTES
from tests.harness import Project

DEPENDS = {
    "/api/v1/environments/{environment}/backfills",  # a stretch ends after it begins
    "/api/v1/environments/{environment}/pipelines/{pipeline}/trigger",  # a schema takes 5.0 for a whole number
}
"""What can be done there depends on more than its schema says."""
OPERATIONS = [(path, method) for path, methods in description()["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with runs."""
    made = Project(tmp_path_factory.mktemp("described"))
    made.source("raw", {"id": "bigint"}, rows=[(1,)])
    made.model("totals", "SELECT count(*) AS n FROM raw")
    made.write("pipelines.yaml", 'pipelines: {"daily": {"select": ["totals"], "when": {"message": "go"}}}')
    made.apply("prod")
    made.later(minutes=1).run("prod")
    acquire(made.workspace.db, [LEADER], "me", made.now, 30)
    yield made
    made.reopen()


@pytest.fixture(scope="module")
def headers(project):
    return {"Authorization": f"Bearer {make(project.workspace, 'admin', 'admin').secret}"}


@pytest.fixture(scope="module")
def described(project, headers):
    app = make_app(Services(workspace=project.workspace))
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=headers)


@pytest.fixture(scope="module")
def there(project):
    """Names of what is there, so that not all is unknown."""
    with project.workspace.db.read() as connection:
        (last,) = connection.execute("SELECT id FROM runs ORDER BY started_at DESC").fetchone()
    return {
        "environment": "prod",
        "pipeline": "daily",
        "run": last,
        "name": "go",
        "token": "nobody",
        "backfill": "none",
    }


def requests_to(operation, there):
    """As described and not as described, to what is there and to what is not."""
    names = {each.name for each in operation.path_parameters}
    known = {"path_parameters": {name: there[name] for name in names}} if names else {}
    good, bad = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    some = [operation.as_strategy(generation_mode=good, **known), operation.as_strategy(generation_mode=good)]
    return st.one_of(*some, operation.as_strategy(generation_mode=bad, **known))


def unfit(case, path):
    """Checks that misjudge a request: the token that it lacks is added, and not everything can be said by a schema."""
    header = case.meta.components.get(ParameterLocation.HEADER)
    mended = [negative_data_rejection] if header is not None and header.mode.is_negative else []
    return [*mended, *([positive_data_acceptance] if path in DEPENDS else [])]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_it_answers_as_described(described, headers, there, path, method):
    operation = described[path][method]

    @settings(max_examples=20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=requests_to(operation, there))
    def answers(case):
        case.call_and_validate(headers=headers, excluded_checks=unfit(case, path))

    answers()


def test_the_description_is_openapi():
    found = description()
    assert found["openapi"] == "3.1.0"
    for schema in found["components"]["schemas"].values():
        validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"}).check_schema(schema)


def test_every_route_is_described_and_nothing_else():
    below = {(path, method) for path, method in OPERATIONS if path.startswith("/api/v1/")}
    served = {(route.full_path, route.method.lower()) for route in ROUTES}
    assert below == served | {("/api/v1/openapi.json", "get")}


def test_only_what_is_meant_to_needs_no_token():
    paths = description()["paths"]
    assert [path for path, method in OPERATIONS if paths[path][method].get("security") == []] == [
        "/health",
        "/hooks/{environment}/{name}",
    ]
