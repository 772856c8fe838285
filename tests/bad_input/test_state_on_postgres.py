"""A state on Postgres that cannot be had: each reason is said as what it is, and no password is shown."""

import sys

import pytest

from headwater.app.secrets import resolve_in_url
from headwater.diagnostics import Diagnostic, HeadwaterError
from headwater.state.places import postgres_place
from tests.harness import Project
from tests.postgres import Postgres

SECRET = "s3cr/t@%"  # noqa: S105 - of nobody


def said(project: Project, state: str) -> Diagnostic:
    """What opening the state says; the secret is nowhere in it."""
    project.settings(state=state)
    with pytest.raises(HeadwaterError) as caught:
        project.history()
    found = caught.value.diagnostics[0]
    assert SECRET not in found.message + found.hint
    assert "only-for-tests" not in found.message + found.hint
    return found


def test_a_wrong_password(project: Project, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_PASSWORD", SECRET)
    url = f"postgres://postgres:${{env:STATE_PASSWORD}}@127.0.0.1:{postgres.port}/postgres"
    assert said(project, url).code == "HW1021"


def test_a_password_that_is_not_set(project: Project) -> None:
    assert said(project, "postgres://ada:${env:NO_SUCH_PASSWORD}@127.0.0.1/ops").code == "HW0530"


def test_a_database_that_does_not_exist(project: Project, postgres: Postgres) -> None:
    assert said(project, postgres.url.removesuffix("postgres") + "nowhere").code == "HW1022"


def test_a_port_where_nobody_answers(project: Project) -> None:
    assert said(project, "postgres://ada:s3cr%2Ft%40%25@127.0.0.1:1/ops").code == "HW1020"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:s3cr%2Ft%40%25@127.0.0.1:port/ops",
        "postgres://ada:s3cr/t@127.0.0.1/ops",
        "postgres://[::1/ops",
        "postgres://127.0.0.1/ops?schema=a;b",
        "postgres://127.0.0.1/ops?no_such_parameter=1",
    ],
)
def test_a_url_that_cannot_be_read(project: Project, url: str) -> None:
    assert said(project, url).code == "HW1027"


def test_a_schema_that_holds_what_is_no_state(project: Project, postgres: Postgres) -> None:
    place = postgres.place()
    postgres.execute(f'CREATE SCHEMA "{place.schema}"; CREATE TABLE "{place.schema}".customers (id int)')
    assert said(project, f"{place.url}?schema={place.schema}").code == "HW0602"


def test_a_role_that_may_not_make_a_schema(project: Project, postgres: Postgres) -> None:
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'only-for-tests'")
    url = postgres.url.replace("//postgres:", "//guest:")
    assert said(project, f"{url}?schema=of_guest").code == "HW0603"


def test_a_package_that_is_not_installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = said(project, "postgres://127.0.0.1/ops")
    assert (found.code, found.hint) == ("HW1023", "pip install 'headwater[postgres]'")


def test_a_secret_is_written_into_the_url_as_a_url_needs_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_PASSWORD", SECRET)
    url = resolve_in_url("postgres://ada:${env:STATE_PASSWORD}@h/ops", project.root)
    assert url == "postgres://ada:s3cr%2Ft%40%25@h/ops"
    assert str(postgres_place(url)) == "postgres://h/ops"
